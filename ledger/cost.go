package ledger

import (
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// extraText is how many tokens of text and thinking an answer is expected to
// have at most beside its picture. Recorded ones have up to 398 unlisted tokens
// and up to 376 of thinking (gemini-api.md §4, failures/); the rest is care.
const extraText = 4096

// maxPictures is how many pictures one answer is known to have brought, each of them
// billed: up to ten (third parties, gemini-api.md §4). What a prompt brings cannot be
// told from it.
const maxPictures = 10

// Factor is a project's price in thousandths of Google's: an aggregator may be
// cheaper. Zero: 1000.
type Factor int64

func (f Factor) of(n plantain.Nanodollars) plantain.Nanodollars {
	if f == 0 {
		return n
	}
	return n * plantain.Nanodollars(f) / 1000
}

// Estimate is what an attempt is expected to cost at the most: what was sent, one
// picture of the size asked for, and a generous amount of text and thinking.
// price is that of the service tier asked for.
func Estimate(e gemini.Entry, price gemini.Price, asked gemini.Asked, f Factor) plantain.Nanodollars {
	return estimate(e, price, asked, f, 1)
}

// Least is what an attempt that brings a picture costs where nothing comes beside it.
func Least(e gemini.Entry, price gemini.Price, asked gemini.Asked, f Factor) plantain.Nanodollars {
	return f.of(usage(price, gemini.Usage{Prompt: InputTokens(e, asked), Candidates: picture(e, asked), ImageOut: picture(e, asked)}))
}

// Most is the most that an attempt can cost: an [Estimate] with as many pictures as
// an answer may bring.
func Most(e gemini.Entry, price gemini.Price, asked gemini.Asked, f Factor) plantain.Nanodollars {
	return estimate(e, price, asked, f, maxPictures)
}

func estimate(e gemini.Entry, price gemini.Price, asked gemini.Asked, f Factor, pictures plantain.Nanodollars) plantain.Nanodollars {
	n := plantain.Nanodollars(InputTokens(e, asked))*price.Input + pictures*plantain.Nanodollars(picture(e, asked))*price.Image + extraText*price.Text
	return f.of(n)
}

// picture is how many tokens a picture of the size asked for has.
func picture(e gemini.Entry, asked gemini.Asked) int64 {
	if n := e.ImageTokens(asked.Size); n != 0 {
		return n
	}
	return e.ImageTokens("")
}

// InputTokens estimates what a request counts as input: about four bytes of text
// a token, rounded up, and a fixed number for each picture.
func InputTokens(e gemini.Entry, asked gemini.Asked) int64 {
	return asked.TextBytes/4 + 1 + int64(asked.Images)*max(e.InputImageTokens, 1120)
}

// Cost is what an attempt cost by its verdict. Usage is priced where the answer
// shows it: what candidatesTokensDetails lists as IMAGE at the image rate, all
// other output and the thinking at the text rate (gemini-api.md §4). An attempt
// whose charge is unknown is a range from nothing to its usage; one without all of
// its usage, see [Counted], a range from nothing to most. price is that of the service tier that served.
func Cost(price gemini.Price, v plantain.Verdict, body gemini.Body, most plantain.Nanodollars, f Factor) plantain.Cost {
	if v.Charged == plantain.ChargedNo {
		return plantain.Exactly(0)
	}
	if !Counted(v, body) {
		return plantain.Cost{Low: 0, High: most}
	}
	counted := f.of(usage(price, body.Usage))
	if v.Charged == plantain.ChargedYes {
		return plantain.Exactly(counted)
	}
	return plantain.Cost{Low: 0, High: counted}
}

// Counted reports that an answer has all of its usage. One that broke off has not: the
// frames of a stream before the last one count the input alone.
func Counted(v plantain.Verdict, body gemini.Body) bool {
	return body.Usage.Seen && body.Complete && v.Class != plantain.Unanswered
}

// maxTokens is more than any answer counts: what an upstream says beyond it, or
// below zero, is no count.
const maxTokens = 100_000_000

func counted[N int64 | plantain.Nanodollars](tokens N) plantain.Nanodollars {
	return plantain.Nanodollars(min(max(tokens, 0), maxTokens))
}

func usage(p gemini.Price, u gemini.Usage) plantain.Nanodollars {
	text := int64(counted(u.Candidates)-counted(u.ImageOut)) + int64(counted(u.Thoughts))
	return (counted(u.Prompt)+counted(u.ToolPrompt))*p.Input + counted(text)*p.Text + counted(u.ImageOut)*p.Image
}

// An Entry is an attempt as it ended.
type Entry struct {
	Attempt plantain.AttemptID
	Verdict plantain.Verdict
	Cost    plantain.Cost
	Stage   plantain.Stage
	Status  int       // HTTP status; zero: no answer
	Sent    time.Time // when the last request byte left; zero: it never did
	Settled time.Time
	Took    time.Duration

	Finish     string // finishReason or blockReason as Google wrote it
	Served     plantain.Model
	ResponseID string
	// Continuation identifies the continuation token of the answer: official SDKs
	// send the request again with it by themselves, and each time is billed. Empty:
	// it had none.
	Continuation string
	Images       int // final pictures delivered
	Width        int // of the last of them
	Height       int
	Differs      string // what of the picture is not as asked; empty: nothing is
	Usage        gemini.Usage
	AnswerLength int64
	Answer       *plantain.Answer // that is owed from now on; nil: none
}

// State is where an attempt stands.
type State string

// The states of an attempt. Sent is the only one that a settlement leaves.
const (
	Sent    State = "sent"
	Settled State = "settled"
	Unknown State = "unknown" // its deadline passed and nobody settled it
)
