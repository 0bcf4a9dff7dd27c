package ledger

import (
	"slices"
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

// Spares is how much less a picture costs of the size that was asked for than of another
// one, the size that it is a draft for; zero where that is empty or not made.
func Spares(e gemini.Entry, price gemini.Price, asked gemini.Asked, draftFor string, f Factor) plantain.Nanodollars {
	if draftFor == "" {
		return 0
	}
	more := plantain.Nanodollars(e.ImageTokens(draftFor) - picture(e, asked))
	return f.of(max(more, 0) * price.Image)
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

// Cost is what an attempt cost by its verdict. What Google counted is priced: what
// candidatesTokensDetails lists as IMAGE at the image rate, all other output and the
// thinking at the text rate (gemini-api.md §4).
//
// An attempt whose charge is unknown is a range from nothing to what was counted, or,
// where that is not all of it, to most. One that was charged is what was counted, or,
// where that is not all of it, a range from there to most. e has the price of the
// service tier that served.
func Cost(e gemini.Entry, v plantain.Verdict, body gemini.Body, most plantain.Nanodollars, f Factor) plantain.Cost {
	if v.Charged == plantain.ChargedNo {
		return plantain.Exactly(0)
	}
	seen := f.of(usage(e.Price, seenTokens(e, body)))
	c := plantain.Cost{Low: seen, High: seen}
	if seen == 0 || !Counted(v, body) {
		c.High = max(seen, most)
	}
	if v.Charged == plantain.ChargedUnknown {
		c.Low = 0
	}
	return c
}

// Counted reports that an answer has all of its usage. One that broke off has not: the
// frames of a stream before the last one count the input alone. Nor has one with a
// picture and no count of output.
func Counted(v plantain.Verdict, body gemini.Body) bool {
	u := &body.Usage
	brokeOff := v.Class == plantain.Unanswered || len(body.Errors) > 0 && body.FinishReason == ""
	return u.Seen && body.Complete && !brokeOff && (u.Candidates > 0 || u.ImageOut > 0 || !pictured(body.Parts))
}

// seenTokens is the usage of an answer. Pictures that are not among the tokens that it
// lists, because it broke off or its upstream lists none, count by their pixels.
func seenTokens(e gemini.Entry, body gemini.Body) gemini.Usage {
	u := body.Usage
	if u.ImageOut > 0 {
		return u
	}
	for i := range body.Parts {
		if p := &body.Parts[i]; final(p) {
			u.ImageOut += tokensOf(e, p)
		}
	}
	u.Candidates = max(u.Candidates, u.ImageOut)
	return u
}

// tokensOf is what a picture counts by its pixels; where these are of no size that the
// model makes, it is the least.
func tokensOf(e gemini.Entry, p *gemini.Part) int64 {
	if size, _, known := e.Made(p.Width, p.Height); known {
		return e.ImageTokens(size)
	}
	least := e.ImageTokens("")
	for _, size := range e.Sizes {
		least = min(least, e.ImageTokens(size))
	}
	return least
}

func pictured(parts []gemini.Part) bool {
	return slices.ContainsFunc(parts, func(p gemini.Part) bool { return final(&p) })
}

// final tells a picture from a draft in the thoughts, which is said to be free
// (gemini-api.md §4).
func final(p *gemini.Part) bool { return p.Kind == gemini.KindImage && !p.Thought }

// maxTokens is more than any answer counts: what an upstream says beyond it, or
// below zero, is no count.
const maxTokens = 100_000_000

func bounded(tokens int64) plantain.Nanodollars {
	return plantain.Nanodollars(min(max(tokens, 0), maxTokens))
}

func usage(p gemini.Price, u gemini.Usage) plantain.Nanodollars {
	text := max(bounded(u.Candidates)-bounded(u.ImageOut), 0) + bounded(u.Thoughts)
	return (bounded(u.Prompt)+bounded(u.ToolPrompt))*p.Input + text*p.Text + bounded(u.ImageOut)*p.Image
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
