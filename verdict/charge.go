package verdict

import (
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A bill is the answer to "did I pay?" and the sentence that says how we know.
type bill struct {
	charged plantain.Charged
	because string
}

// charge decides who pays, by the best evidence there is: what cannot have cost,
// what was delivered, Google's own words, what Google counted, Google's rule on
// failed requests, and for filtered answers the setting.
func (r Rules) charge(f *gemini.Facts, n finding) bill {
	if n.cause == turnedAway || n.cause == noRoute && f.Status == 0 { // under a status it is the word of a gateway
		return bill{plantain.ChargedNo, "Nothing had been sent, so nothing was charged."}
	}
	if n.class == plantain.Unanswered && n.cause != brokenOff {
		return bill{plantain.ChargedUnknown, "It may have been charged: Google may have done the work, and no whole answer says so."}
	}
	if pictured(&f.Body) {
		// Also where an error ended the stream behind it (brokenOff): that failed requests
		// are free is said of 400 and 500 (gemini-api.md §8), which deliver nothing.
		return bill{plantain.ChargedYes, "It was charged, because the picture was delivered."}
	}
	if b, ok := googleSays(&f.Body, n); ok {
		return b
	}
	if out := counted(&f.Body, n.class); out > 0 {
		return bill{plantain.ChargedYes, "It was charged: Google counted " + tokens(out) + " of output."}
	}
	if n.refuse && !spoke(&f.Body) {
		return failedFree(n.code)
	}
	if filtered(n.class) {
		return r.filtered()
	}
	if atTheDoor(n.class) && f.Status == 0 && !spoke(&f.Body) {
		return bill{plantain.ChargedNo, "It was not charged: Google refuses such a request before any work is done."}
	}
	return bill{plantain.ChargedUnknown, unknownBecause(&f.Body, n)}
}

// atTheDoor tells what is refused for who asks, and not for what: also where only
// the message was kept, it can't have cost.
func atTheDoor(c plantain.Class) bool {
	return c == plantain.KeyInvalid || c == plantain.Permission || c == plantain.Region
}

// counted gives the tokens of output that Google counted. For a filtered answer
// they prove nothing (a captured one with 220 thinking tokens says that it is
// free), unless text was delivered with it.
func counted(b *gemini.Body, c plantain.Class) int64 {
	if filtered(c) && !spoke(b) {
		return 0
	}
	out := b.Usage.Candidates
	if out == 0 {
		out = b.Usage.ImageOut + b.Usage.TextOut
	}
	if filtered(c) {
		return out
	}
	return out + b.Usage.Thoughts
}

// googleSays looks for Google's own words on the charge, where Google and not
// the model is speaking.
func googleSays(b *gemini.Body, n finding) (bill, bool) {
	said := chargeWords(b.FinishMessage)
	if b.Form == gemini.FormText && answered(n.class) && (strings.Contains(b.Text, "finish_message") || strings.Contains(b.Text, "You will not be charged for")) {
		said = chargeWords(b.Text) // an answer as Python prints it, or Google's own sentence
	}
	if said == plantain.ChargedUnknown {
		said = chargeWords(b.BlockMessage)
	}
	for i := range b.Errors {
		if said == plantain.ChargedUnknown {
			said = chargeWords(b.Errors[i].Message)
		}
	}
	switch said {
	case plantain.ChargedNo:
		return bill{said, "It was not charged: Google's answer says so itself."}, true
	case plantain.ChargedYes:
		return bill{said, "It was charged: Google's answer says so itself."}, true
	default:
		return bill{}, false
	}
}

// What stands before "charge" or "billed" says whether there was one: "You will
// not be charged for blocked images", "No credits were charged".
var (
	freeWords = []string{"not ", "n't ", "no ", "never ", "without ", "free of "}
	paidWords = []string{"be ", "been ", "was ", "were "}
)

func chargeWords(message string) plantain.Charged {
	if !strings.Contains(message, "charge") && !strings.Contains(message, "billed") {
		return plantain.ChargedUnknown
	}
	said := plantain.ChargedUnknown
	for rest := lower(message); ; {
		at := strings.Index(rest, "charge")
		if billed := strings.Index(rest, "billed"); at < 0 || billed >= 0 && billed < at {
			at = billed
		}
		if at < 0 {
			return said
		}
		before := rest[max(0, at-20):at]
		before = before[strings.LastIndexAny(before, ".;\n")+1:]
		for _, w := range freeWords {
			if strings.Contains(" "+before, " "+w) || w == "n't " && strings.Contains(before, w) {
				return plantain.ChargedNo
			}
		}
		for _, w := range paidWords {
			if strings.HasSuffix(before, w) {
				said = plantain.ChargedYes
			}
		}
		rest = rest[at+len("charge"):]
	}
}

// failedFree is Google's rule: its documentation frees the errors 400 and 500;
// for the others nothing explicit is found, and nothing against it.
func failedFree(code int) bill {
	switch code {
	case 400, 500:
		return bill{plantain.ChargedNo, "It was not charged: Google does not bill requests that fail with this error."}
	default:
		return bill{plantain.ChargedNo, "It was not charged, by Google's rule that failed requests are not billed."}
	}
}

// filtered is the setting, for answers about which Google says nothing.
func (r Rules) filtered() bill {
	if r.Filtered == plantain.FilteredFree {
		return bill{plantain.ChargedNo, "It counts as free, by the setting billing.filtered: Google does not say whether it bills this."}
	}
	return bill{plantain.ChargedYes, "It counts as charged, by the setting billing.filtered: Google does not say whether it bills this."}
}

func unknownBecause(b *gemini.Body, n finding) string {
	switch {
	case n.cause == proxyDeadline:
		return "Whether it was charged is unknown: Google may have done the work all the same."
	case n.refuse:
		return "Whether it was charged is unknown: part of the answer had come before the error."
	case b.Usage.Seen && b.Usage.Prompt > 0:
		return "Whether it was charged is unknown: Google counted " + tokens(b.Usage.Prompt) + " of input and none of output."
	default:
		return "Whether it was charged is unknown: the answer does not say."
	}
}

// pictured reports that a final picture was delivered: a draft in a thought part
// is none.
func pictured(b *gemini.Body) bool {
	if b.Links > 0 {
		return true
	}
	for i := range b.Parts {
		if b.Parts[i].Kind == gemini.KindImage && !b.Parts[i].Thought {
			return true
		}
	}
	return false
}

// spoke reports that the model delivered something, be it only text.
func spoke(b *gemini.Body) bool {
	for i := range b.Parts {
		if p := &b.Parts[i]; !p.Thought && (p.Kind != gemini.KindText || p.Text != "") {
			return true
		}
	}
	return false
}
