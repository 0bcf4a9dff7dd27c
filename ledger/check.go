package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A Charge is what attempts cost that were opened in a quarter of an hour, by what a
// bill is compared with.
type Charge struct {
	At      time.Time
	Project plantain.ProjectName
	Model   plantain.Model
	Served  plantain.Model // as the answer names it; empty: it does not
	Verdict plantain.Class
	Sums
	ImageTokens  int64                // of those whose cost is known and not nothing
	FreeAttempts int64                // that were answered and stand as free
	Free         plantain.Nanodollars // the most that these can cost
}

// A Check is a bill beside the ledger.
type Check struct {
	Since    string     `json:"since"` // Pacific days, the first and the last
	Until    string     `json:"until"`
	Currency string     `json:"currency,omitempty"` // of the bill; empty: it names none
	Rows     []Compared `json:"rows"`               // of each day and model that either side has
	// NotCompared are SKUs of Gemini on the bill that name no image model.
	NotCompared []NotCompared `json:"not_compared,omitempty"`
}

// NotCompared is a SKU that the ledger knows nothing of.
type NotCompared struct {
	SKU    string               `json:"sku"`
	Billed plantain.Nanodollars `json:"billed_nanodollars"`
}

// Compared is one model over the days of a bill's lines.
type Compared struct {
	First    string               `json:"first"` // Pacific days
	Last     string               `json:"last"`
	Model    plantain.Model       `json:"model"`
	SKUs     []string             `json:"skus,omitempty"` // of the bill
	Billed   plantain.Nanodollars `json:"billed_nanodollars"`
	Ledger   plantain.Cost        `json:"ledger"`
	Attempts int64                `json:"attempts"`
	// Difference is by how much the bill is above what the ledger says at the most,
	// or, below zero, under what it says for certain. Zero: they agree, as exactly as
	// the bill tells amounts.
	Difference plantain.Nanodollars `json:"difference_nanodollars"`
	// Causes are what probably explains it, the likeliest first, or what the ledger did
	// not know and the bill tells.
	Causes []Cause `json:"causes,omitempty"`
}

// A Cause is why a bill and the ledger may differ.
type Cause struct {
	Kind CauseKind `json:"cause"`
	Text string    `json:"text"` // with the evidence, and what to do
}

// CauseKind names a cause.
type CauseKind string

// The causes.
const (
	CauseUnknown         CauseKind = "unknown"          // attempts whose end was not seen
	CauseFilteredCharged CauseKind = "filtered_charged" // the ledger took them for free
	CauseFilteredFree    CauseKind = "filtered_free"    // the ledger took them for charged
	CauseRetried         CauseKind = "retried"          // outside of the gateway, after failures within
	CauseElsewhere       CauseKind = "elsewhere"        // a key used without the gateway
	CauseDayEdge         CauseKind = "day_edge"         // the other day has it
	CauseDiscount        CauseKind = "discount"         // batch or flex
	CauseCurrency        CauseKind = "currency"
	CauseProject         CauseKind = "project"     // one that is not on this bill
	CauseTextSKU         CauseKind = "text_sku"    // billed under a SKU that does not name the model
	CauseUnknownSKU      CauseKind = "unknown_sku" // a SKU of which nobody here knows the model
	CausePrice           CauseKind = "price"
	CauseLate            CauseKind = "late" // the bill is not complete yet
	CauseNone            CauseKind = "none"
)

// period is what lines are compared over: one day, or all days of the file where a
// line has several.
type period struct{ first, last string }

type compareKey struct {
	period
	model plantain.Model
}

// side collects both sides of one comparison.
type side struct {
	Sums
	billed, slack            plantain.Nanodollars
	lines                    int
	skus                     []string
	billTokens, ledgerTokens int64
	filtered                 plantain.Nanodollars // charged, of filtered attempts
	free                     plantain.Nanodollars // the most that filtered attempts can cost that stand as free
	freeFiltered             int64
	failed                   int64 // attempts after which an SDK tries again
	projects                 map[plantain.ProjectName]plantain.Nanodollars
}

// Query asks a ledger for what a bill is compared with: the time that it covers, and
// the projects that are on it; none: all.
func (b *Bill) Query(projects []plantain.ProjectName) Query {
	first, last := b.days()
	day := func(s string) time.Time {
		t, _ := time.ParseInLocation(time.DateOnly, s, gemini.Pacific) // the reader wrote it
		return t
	}
	return Query{Since: day(first), Until: day(last).AddDate(0, 0, 1), Zone: gemini.Pacific, Projects: projects}
}

func (b *Bill) days() (first, last string) {
	for _, l := range b.Lines {
		if first == "" || l.First < first {
			first = l.First
		}
		last = max(last, l.Last)
	}
	return first, last
}

// Compare puts a bill beside what stands in the ledger for its time. now tells which
// days Google may not have billed whole yet.
func Compare(b *Bill, charges []Charge, c *gemini.Catalogue, now time.Time) Check {
	first, last := b.days()
	out := Check{Since: first, Until: last, Currency: b.Currency, Rows: []Compared{}}
	byDay := !slices.ContainsFunc(b.Lines, func(l BillLine) bool { return l.First != l.Last })
	sides := map[compareKey]*side{}
	at := func(day string, m plantain.Model) *side {
		k := compareKey{period{first, last}, m}
		if byDay {
			k.period = period{day, day}
		}
		if sides[k] == nil {
			sides[k] = &side{projects: map[plantain.ProjectName]plantain.Nanodollars{}}
		}
		return sides[k]
	}
	for _, l := range b.Lines {
		at(l.First, l.Model).bill(l)
	}
	for _, ch := range charges {
		m := ch.Model
		if e, ok := c.Lookup(ch.Served); ok {
			m = e.ID
		}
		if day := gemini.DayOf(ch.At); first <= day && day <= last {
			at(day, m).charge(ch)
		}
	}
	order := func(a, b compareKey) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.model, b.model)) }
	j := judgement{bill: b, sides: sides, now: now}
	for _, k := range slices.SortedFunc(maps.Keys(sides), order) {
		s := sides[k]
		if s.billed == 0 && s.Cost == (plantain.Cost{}) {
			continue
		}
		slices.Sort(s.skus)
		out.Rows = append(out.Rows, Compared{First: k.first, Last: k.last, Model: k.model, SKUs: slices.Compact(s.skus), Billed: s.billed,
			Ledger: s.Cost, Attempts: s.Attempts, Difference: s.difference(), Causes: j.causes(k)})
	}
	for _, o := range b.Others {
		out.NotCompared = append(out.NotCompared, NotCompared{o.SKU, o.Cost})
	}
	return out
}

func (s *side) bill(l BillLine) {
	s.billed, s.slack, s.lines = s.billed+l.Cost, s.slack+l.Slack, s.lines+1
	s.skus = append(s.skus, l.SKU)
	if strings.Contains(strings.ToLower(l.SKU), "image output") {
		s.billTokens += l.Tokens
	}
}

func (s *side) charge(c Charge) {
	s.add(c.Sums)
	s.ledgerTokens += c.ImageTokens
	s.projects[c.Project] += c.Cost.Low
	switch c.Verdict {
	case plantain.SafetyImage, plantain.SafetyPrompt, plantain.Recitation:
		s.filtered += c.Cost.Low
		s.free += c.Free
		s.freeFiltered += c.FreeAttempts
	case plantain.Capacity, plantain.ServerError, plantain.Timeout, plantain.Unanswered:
		s.failed += c.Attempts
	default:
	}
}

// rounding is by how much the two sides may differ and agree: each line of a bill is
// rounded, and so is an attempt at a service tier that divides.
func (s *side) rounding() plantain.Nanodollars { return s.slack + plantain.Nanodollars(s.Attempts) }

func (s *side) difference() plantain.Nanodollars {
	switch {
	case s.billed > s.Cost.High+s.rounding():
		return s.billed - s.Cost.High
	case s.billed < s.Cost.Low-s.rounding():
		return s.billed - s.Cost.Low
	default:
		return 0
	}
}
