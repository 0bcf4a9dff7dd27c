package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A judgement finds causes: it looks only at what both sides show.
type judgement struct {
	bill  *Bill
	sides map[compareKey]*side
	now   time.Time
}

func (j judgement) causes(k compareKey) (found []Cause) {
	s := j.sides[k]
	d := s.difference()
	say := func(kind CauseKind, format string, args ...any) {
		found = append(found, Cause{kind, fmt.Sprintf(format, args...)})
	}
	if d == 0 {
		if s.Unsure > 0 {
			say(CauseUnknown, "%d attempt(s) whose charge was not known cost %s together, of at most %s", s.Unsure, max(s.billed-s.Cost.Low, 0), s.Unknown)
		}
		return found
	}
	if j.foreign() {
		say(CauseCurrency, "the bill is in %s and names no exchange rate, so its amounts are no dollars", j.bill.Currency)
	}
	if day := j.neighbour(k, d); day != "" {
		say(CauseDayEdge, "%s has the same amount the other way: attempts around midnight Pacific stand on another day there", day)
	}
	if d > 0 {
		j.over(s, d, say)
	} else {
		j.under(k, s, -d, say)
	}
	if len(found) == 0 {
		say(CauseNone, "nothing in the ledger or the bill explains it; compare the attempts of the day, plantain spend --by hour,project, with the project's own usage page")
	}
	return found
}

// foreign reports amounts that could not be turned into dollars.
func (j judgement) foreign() bool {
	return j.bill.Currency != "" && j.bill.Currency != "USD" && j.bill.Currency != "$" && j.bill.Rate == nil
}

// neighbour gives the day before or after whose difference makes up for this one.
func (j judgement) neighbour(k compareKey, d plantain.Nanodollars) string {
	day, err := time.Parse(time.DateOnly, k.first)
	if err != nil || k.first != k.last {
		return ""
	}
	for _, n := range []int{-1, 1} {
		near := day.AddDate(0, 0, n).Format(time.DateOnly)
		other, ok := j.sides[compareKey{period{near, near}, k.model}]
		if !ok || other.difference() == 0 {
			continue
		}
		if sum := d + other.difference(); max(sum, -sum) <= other.rounding()+j.sides[k].rounding() {
			return near
		}
	}
	return ""
}

type teller func(kind CauseKind, format string, args ...any)

// over explains a bill above the ledger.
func (j judgement) over(s *side, d plantain.Nanodollars, say teller) {
	if s.Attempts == 0 {
		say(CauseElsewhere, "the ledger has no attempt for this model then: a key of the project is used without Plantain, by another program or in AI Studio")
		return
	}
	if s.freeFiltered > 0 && d <= s.free {
		say(CauseFilteredCharged, "%d filtered attempt(s) stand as free in the ledger, and Google seems to have charged them; if so, set billing: {filtered: charged}", s.freeFiltered)
	}
	switch more := s.billTokens - s.ledgerTokens; {
	case s.billTokens == 0 && s.ledgerTokens > 0:
	case more > 0 && s.failed > 0:
		say(CauseRetried, "the bill has %d image tokens more than the ledger, and %d attempt(s) failed or timed out: an SDK that goes to Google itself may have sent them again outside of Plantain", more, s.failed)
		say(CauseElsewhere, "or a key of the project is used without Plantain, by another program or in AI Studio")
	case more > 0:
		say(CauseElsewhere, "the bill has %d image tokens more than the ledger: a key of the project is used without Plantain, by another program or in AI Studio", more)
	case more == 0:
		say(CausePrice, "the image tokens agree, so a price differs: look at plantain models, and at the price list of the billing account; catalogue: in plantain.yaml corrects it")
	}
}

// under explains a bill below the ledger.
func (j judgement) under(k compareKey, s *side, d plantain.Nanodollars, say teller) {
	if s.filtered > 0 && d <= s.filtered+s.rounding() {
		say(CauseFilteredFree, "filtered attempts stand in the ledger with %s, and Google seems to have charged nothing for %s of it; if so, set billing: {filtered: free}", s.filtered, d)
	}
	for _, word := range []string{"batch", "flex"} {
		if strings.Contains(strings.ToLower(strings.Join(s.skus, " ")), word) {
			say(CauseDiscount, "part of it is billed at the price of %s, and the ledger took the standard price: it went through that without Plantain, or the answer did not say so", word)
		}
	}
	strange := j.bill.strangers()
	if s.lines == 0 && len(strange) > 0 {
		say(CauseUnknownSKU, "no line of the bill names this model, and %q is an unknown SKU: it may be this model's, under a name that Plantain does not know", strange[0].SKU)
	}
	for name, cost := range s.projects {
		if len(s.projects) > 1 && max(cost-d, d-cost) <= s.rounding() || s.lines == 0 && len(strange) == 0 && len(s.projects) == 1 {
			say(CauseProject, "it is what project %s cost: that is on another billing account, or an aggregator's; leave it out by --project", name)
		}
	}
	if end, err := time.ParseInLocation(time.DateOnly, k.last, gemini.Pacific); err == nil && j.now.Before(end.AddDate(0, 0, 3)) {
		say(CauseLate, "Google's bills may be a day or two late; export it again then")
	}
	switch {
	case s.lines == 0 || s.billTokens != s.ledgerTokens:
	case len(j.bill.Others) > 0:
		say(CauseTextSKU, "the image tokens agree: text and input of this model may be billed under a SKU that does not name it, such as %q", j.bill.Others[0].SKU)
	default:
		say(CausePrice, "the image tokens agree, so a price differs: look at plantain models, and at the price list of the billing account; catalogue: in plantain.yaml corrects it")
	}
}
