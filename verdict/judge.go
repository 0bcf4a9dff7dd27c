// Package verdict decides what the answer of an attempt means: its class,
// whether Google bills it, what helps, and how to say so to a person.
//
// It is a pure function of the facts that package gemini found. It knows no
// project, no clock and no retry policy, and is usable alone.
package verdict

import (
	"context"
	"errors"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// Rules are the beliefs that no answer settles. The zero value is the defaults.
type Rules struct {
	// Filtered is what to believe of a filtered answer about whose charge Google
	// says nothing. Zero: charged.
	Filtered plantain.FilteredBilling
}

// Judge is [Rules.Judge] under the default rules.
func Judge(f gemini.Facts) plantain.Verdict { return Rules{}.Judge(f) }

// Judge gives the verdict on one exchange. It never errs: what it cannot tell is
// [plantain.Unclassifiable], with what was seen in the explanation.
//
// Facts with a status or a body count as answered even where the zero Stage was
// left in.
func (r Rules) Judge(f gemini.Facts) plantain.Verdict {
	if v, ok := retold(&f); ok {
		return v
	}
	n := find(&f)
	bill := r.charge(&f, n)
	said, fix := words(n)
	limit := n.bound()
	return plantain.Verdict{
		Class:       n.class,
		Charged:     bill.charged,
		Retry:       n.advice(),
		Wait:        n.wait(),
		Stated:      n.stated,
		Limit:       limit,
		Value:       n.value,
		Disclosed:   n.disclosed && limit != "",
		Explanation: said + " " + bill.because,
		Fix:         fix,
	}
}

// A finding is what happened, before anyone asks who pays.
type finding struct {
	class plantain.Class
	cause cause          // picks the words; empty: those of the class
	retry plantain.Retry // empty: the usual advice of the class

	limit     plantain.Limit
	value     int64
	disclosed bool
	stated    time.Duration
	model     string // that the quota is for

	code   int    // the HTTP code of the error that decided, or its equivalent; zero: none
	refuse bool   // the error is one that Google's rule on failed requests speaks of
	from   *layer // the error that decided; nil: none
	seen   string // the reason or count that the sentences name
}

// find reads: what never left, what never came back whole, what was refused,
// what was answered.
func find(f *gemini.Facts) finding {
	switch {
	case f.Status == 0 && f.Stage != plantain.Done && f.Body.Form == gemini.FormEmpty:
		return findSilence(f)
	case cut(f):
		return finding{class: plantain.Unanswered, cause: cutAnswer, seen: size(f.Body.Bytes)}
	case refused(f):
		return findError(f)
	default:
		return findAnswer(f)
	}
}

// findSilence judges an exchange without any answer by how far it got.
func findSilence(f *gemini.Facts) finding {
	n := finding{class: plantain.Unanswered, cause: noAnswer}
	switch {
	case f.Stage == plantain.Dialing:
		n.class, n.cause = plantain.ServerError, noRoute
	case f.Stage == plantain.Sending:
		n.cause = halfSent
	case errors.Is(f.Err, context.DeadlineExceeded):
		n.cause = ownDeadline
	case errors.Is(f.Err, context.Canceled):
		n.cause = clientGone
	}
	return n
}

// cut reports a success that did not come whole: no closed JSON value, nothing
// at all, or an event stream that had begun to speak and never finished.
func cut(f *gemini.Facts) bool {
	b := &f.Body
	switch {
	case b.Form == gemini.FormText || !good(f.Status) && refused(f):
		return false
	case !b.Complete || b.Broken || b.Form == gemini.FormEmpty:
		return true
	case b.Form == gemini.FormJSON || b.BlockReason != "" || refused(f):
		return false
	case f.Stage == plantain.Reading: // between two events
		return !pictured(b) || b.FinishReason == ""
	case pictured(b) || b.FinishReason != "":
		return false
	default:
		// A lone event without content is how Google says nothing (a recorded
		// answer), and Interactions streams end with the usage, without candidates.
		return len(b.Parts) > 0 && (b.Candidates > 0 || !b.Usage.Seen)
	}
}

// refused reports that the body speaks as an error, not as an answer.
func refused(f *gemini.Facts) bool {
	b := &f.Body
	if b.Form == gemini.FormText {
		return true
	}
	answers := b.Candidates > 0 || pictured(b)
	for i := range b.Errors {
		l := layer{ErrorFacts: &b.Errors[i]}
		// Aggregators say "success" beside an answer, in the place of an error.
		if l.code() >= 400 || !answers && l.speaks() {
			return true
		}
	}
	return !good(f.Status) && b.Candidates == 0 && b.BlockReason == "" && len(b.Parts) == 0
}

// good reports a status of success; a body that was captured without its status
// is judged by what it says.
func good(status int) bool { return status == 0 || status >= 200 && status < 300 }
