package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
)

// A Dimension is what spend can be told by.
type Dimension string

// The dimensions of spend.
const (
	ByProject Dimension = "project"
	ByClient  Dimension = "client"
	ByModel   Dimension = "model"
	BySize    Dimension = "size" // as asked; empty: none was named
	ByVerdict Dimension = "verdict"
	ByHour    Dimension = "hour"
	ByDay     Dimension = "day"
)

// Dimensions are all that spend can be told by.
var Dimensions = []Dimension{ByProject, ByClient, ByModel, BySize, ByVerdict, ByHour, ByDay}

// Out stands in the place of a verdict for attempts that nobody has settled yet.
const Out = "out"

// NoSize stands in the place of a size where none was named.
const NoSize = "default"

// A Query asks what was spent on the attempts that were opened from Since until
// before Until.
type Query struct {
	Since, Until time.Time
	By           []Dimension            // in the order in which it is told; empty: one sum
	Client       plantain.ClientName    // empty: all
	Projects     []plantain.ProjectName // none: all
	Zone         *time.Location         // of hours and days; required
}

// Check errs where a query makes no sense.
func (q Query) Check() error {
	for i, d := range q.By {
		if !slices.Contains(Dimensions, d) {
			return fmt.Errorf("spend can't be told by %q; use %s", d, words(Dimensions))
		}
		if slices.Contains(q.By[:i], d) {
			return fmt.Errorf("%q stands twice in what spend is told by", d)
		}
	}
	if slices.Contains(q.By, ByHour) && slices.Contains(q.By, ByDay) {
		return fmt.Errorf("an hour is in a day; tell spend by one of the two")
	}
	if !q.Since.Before(q.Until) {
		return fmt.Errorf("the time from %s to %s is empty", q.Since.Format(time.RFC3339), q.Until.Format(time.RFC3339))
	}
	return nil
}

func words(ds []Dimension) string {
	var s []string
	for _, d := range ds {
		s = append(s, string(d))
	}
	return strings.Join(s, ", ")
}

// A Group names what a sum is of. What a query does not tell by is empty.
type Group struct {
	Project plantain.ProjectName `json:"project,omitempty"`
	Client  plantain.ClientName  `json:"client,omitempty"`
	Model   plantain.Model       `json:"model,omitempty"`
	Size    string               `json:"size,omitempty"`    // as asked, or [NoSize]
	Verdict string               `json:"verdict,omitempty"` // a [plantain.Class] by its name, or [Out]
	Hour    string               `json:"hour,omitempty"`    // "2026-11-24T13:00+01:00"
	Day     string               `json:"day,omitempty"`     // "2026-11-24"
	From    time.Time            `json:"-"`                 // when the hour or day begins
}

// Of gives the value of a dimension.
func (g Group) Of(d Dimension) string {
	switch d {
	case ByProject:
		return string(g.Project)
	case ByClient:
		return string(g.Client)
	case ByModel:
		return string(g.Model)
	case BySize:
		return g.Size
	case ByVerdict:
		return g.Verdict
	case ByHour:
		return g.Hour
	case ByDay:
		return g.Day
	default:
		return ""
	}
}

// Sums is what a group of attempts cost. Waste is a part of Cost.Low, and Unknown
// is what lies between Cost.Low and Cost.High, so that
//
//	Cost.Low = what usable answers cost + Waste,  Cost.High = Cost.Low + Unknown.
type Sums struct {
	Attempts int64         `json:"attempts"` // those that were refused and cost nothing included
	Images   int64         `json:"images"`   // final pictures delivered
	Cost     plantain.Cost `json:"cost"`
	// Waste is what attempts were certainly charged that brought nothing usable:
	// those of any verdict but success without a final picture. A filtered image,
	// an answer of text where a picture was asked for and one cut at its token limit
	// are waste, as far as their charge is known. An answer that is a success but not
	// as asked (another size) is none; nor is a text that was asked for.
	Waste plantain.Nanodollars `json:"waste_nanodollars"`
	// Unsure is how many attempts have a cost that is not known exactly: those
	// whose end was not seen (time-outs, broken connections, a killed gateway),
	// those that are still out, and those of which Google does not say whether they
	// were charged. Each costs something from nothing to its share of Unknown.
	Unsure  int64                `json:"unknown_attempts"`
	Unknown plantain.Nanodollars `json:"unknown_nanodollars"`
}

func (s *Sums) add(o Sums) {
	s.Attempts += o.Attempts
	s.Images += o.Images
	s.Cost.Low += o.Cost.Low
	s.Cost.High += o.Cost.High
	s.Waste += o.Waste
	s.Unsure += o.Unsure
	s.Unknown += o.Unknown
}

// A Spend is one line of a report.
type Spend struct {
	Group
	Sums
}

// Quarter is how finely a store sums up over time. Every zone is whole quarters of
// an hour away from UTC, so hours and days of any of them are made of these.
const Quarter = 15 * time.Minute

// A Tally makes hours and days of the quarters that a store sums up. Make one
// with [NewTally].
type Tally struct {
	query Query
	sums  map[Group]Sums
}

// NewTally makes an empty tally for a query.
func NewTally(q Query) *Tally { return &Tally{q, map[Group]Sums{}} }

// Add takes the sums of a group, whose From is the beginning of a quarter where the
// query tells by time.
func (t *Tally) Add(g Group, s Sums) {
	for _, d := range t.query.By {
		switch at := g.From.In(t.query.Zone); d {
		case ByDay:
			g.From = time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, t.query.Zone)
			g.Day = at.Format(time.DateOnly)
		case ByHour: // one that the clock goes through twice is two
			g.From = at.Add(-time.Duration(at.Minute()) * time.Minute)
			g.Hour = g.From.Format("2006-01-02T15:04Z07:00")
		default:
		}
	}
	sum := t.sums[g]
	sum.add(s)
	t.sums[g] = sum
}

// Report gives the lines in the order of the query's dimensions, and their sum.
func (t *Tally) Report() Report {
	q := t.query
	r := Report{Since: q.Since.In(q.Zone), Until: q.Until.In(q.Zone), Zone: q.Zone.String(), By: q.By, Rows: make([]Spend, 0, len(t.sums))}
	for _, g := range slices.SortedFunc(maps.Keys(t.sums), t.compare) {
		r.Rows = append(r.Rows, Spend{g, t.sums[g]})
		r.Total.add(t.sums[g])
	}
	return r
}

func (t *Tally) compare(a, b Group) int {
	for _, d := range t.query.By {
		c := strings.Compare(a.Of(d), b.Of(d))
		if d == ByHour || d == ByDay {
			c = a.From.Compare(b.From)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// A Report is what was spent in the time of a query.
type Report struct {
	Since time.Time   `json:"since"`
	Until time.Time   `json:"until"` // the first instant that does not count
	Zone  string      `json:"zone"`  // of hours and days
	By    []Dimension `json:"by"`
	Rows  []Spend     `json:"rows"`
	Total Sums        `json:"total"`
	Saved []Saved     `json:"saved,omitempty"` // what requests would have cost that needed no attempt
}

// PerImage is what an image of a model cost, all that was tried for it included;
// zero: none was made. The report has to be told by model.
func (r Report) PerImage(m plantain.Model) plantain.Nanodollars {
	for _, s := range r.Rows {
		if s.Model == m && s.Images > 0 {
			return s.Cost.Low / plantain.Nanodollars(s.Images)
		}
	}
	return 0
}
