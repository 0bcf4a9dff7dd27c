package capture

import (
	"fmt"
	"math"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/verdict"
)

// An Explanation is a verdict in the form that `plantain explain -o json` and
// /api/v1/explain give: the values are those of failures/README.md.
type Explanation struct {
	ID          string           `json:"id"`
	Class       plantain.Class   `json:"class"`
	Retry       plantain.Retry   `json:"retry"`
	Wait        *float64         `json:"wait_seconds"`        // null: none that can be believed
	Stated      *float64         `json:"stated_wait_seconds"` // what the response says; null: nothing
	Limit       *plantain.Limit  `json:"limit"`               // null: none
	Charged     plantain.Charged `json:"charged"`
	Explanation string           `json:"explanation"`
	Fix         string           `json:"fix"`
	When        string           `json:"when,omitempty"` // when to try again
	Hour        string           `json:"hour,omitempty"` // what the hour adds

	verdict plantain.Verdict
	status  int
}

// Explain judges an exchange. The hour is the present, or when the exchange was;
// zero: nothing is said of it.
func Explain(x Exchange, rules verdict.Rules, hour Hour) Explanation {
	e := Of(rules.Judge(x.Facts), hour)
	e.ID, e.status = x.ID, x.Facts.Status
	return e
}

// Of gives the explanation of a verdict that was given before.
func Of(v plantain.Verdict, hour Hour) Explanation {
	e := Explanation{
		Class: v.Class, Retry: v.Retry, Wait: seconds(v.Wait), Stated: seconds(v.Stated),
		Charged: v.Charged, Explanation: v.Explanation, Fix: v.Fix, verdict: v,
	}
	if v.Class == plantain.Unanswered {
		e.Class = plantain.Unclassifiable // the README has no word for a body that was cut
	}
	if v.Limit != "" {
		e.Limit = &v.Limit
	}
	e.When, e.Hour = hour.when(v), hour.says(v)
	return e
}

func seconds(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	s := math.Round(d.Seconds()*1e9) / 1e9
	return &s
}

// A Section is a part of an explanation for a person. The first one has no name.
type Section struct{ Name, Text string }

// Sections are the explanation for a person: what happened and whether it was
// charged, why, what to do, and, where there is something to say of it, when.
func (e Explanation) Sections() []Section {
	all := []Section{{"", e.title() + ", " + charged(e.Charged)}, {"", e.Explanation}, {"What to do", e.Fix}}
	for _, s := range []Section{{"When", e.When}, {"The hour", e.Hour}} {
		if s.Text != "" {
			all = append(all, s)
		}
	}
	return all
}

// Line is the explanation in one line.
func (e Explanation) Line() string {
	return fmt.Sprintf("%s, %s, %s", e.title(), e.Retry, charged(e.Charged))
}

// Verdict is what was explained.
func (e Explanation) Verdict() plantain.Verdict { return e.verdict }

func (e Explanation) title() string {
	title := e.verdict.Class.String()
	if e.ID != "" {
		title = e.ID + ": " + title
	}
	if e.status != 0 {
		title += fmt.Sprintf(" (HTTP %d)", e.status)
	}
	return title
}

func charged(c plantain.Charged) string {
	switch c {
	case plantain.ChargedYes:
		return "charged"
	case plantain.ChargedNo:
		return "not charged"
	default:
		return "perhaps charged"
	}
}
