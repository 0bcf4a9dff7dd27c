package lint

import (
	"fmt"
	"strings"
)

// Brief is a weak prompt in one line of ASCII: "score=35 no-light,vague". It is empty
// for a prompt that needs no work.
func (r *Report) Brief() string {
	if !r.Weak() {
		return ""
	}
	return fmt.Sprintf("score=%d %s", r.Score, strings.Join(r.rules(Error, Warning), ","))
}

// mostAdvice is how many places of a prompt an advice speaks of.
const mostAdvice = 3

// Advice says why Google's filter may have refused a prompt that was linted, and
// what to say instead, in sentences. Empty: nothing of it is known. Without the words
// of the prompt it may be kept where prompts must not be.
func (r *Report) Advice(prompt string, words bool) string {
	var says []string
	whys := map[string]bool{}
	for _, f := range r.Findings {
		if f.Severity == Error {
			return f.Why
		}
		if !strings.HasPrefix(f.Rule, "filter-") || len(says) == mostAdvice {
			continue
		}
		said := fmt.Sprintf("Say %q", f.Replacement)
		if words {
			said += fmt.Sprintf(" instead of %q", prompt[f.Start:f.End])
		}
		if says = append(says, said+"."); !whys[f.Why] {
			whys[f.Why] = true
			says[len(says)-1] = f.Why + " " + says[len(says)-1]
		}
	}
	if len(says) == 0 && r.Weak() {
		return "No word of the prompt is known to trip the filter, but it says little, and the filter judges what the model made of that: light, framing and what it is made as leave less to guess."
	}
	return strings.Join(says, " ")
}

// Offer is the prompt rewritten, where that may change what the filter says; empty:
// nothing is offered.
func (r *Report) Offer() string {
	if !r.Weak() {
		return ""
	}
	return r.Rewritten
}
