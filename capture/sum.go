package capture

import (
	"cmp"
	"slices"
	"time"

	"github.com/plantainhq/plantain"
)

// A Sum is what many exchanges came to: what was lost, and what of it was paid.
// Its zero value is ready; it is not safe for concurrent use.
type Sum struct {
	Exchanges   int           // all that were found
	First, Last time.Time     // zero: the captures do not say
	Lost        int           // those without a picture
	Vain        plantain.Cost // what those cost; only what could be priced
	Unpriced    int           // lost and perhaps charged, and of what model is not told
	rows        map[key]*Row  // by class and charge
}

// A Row is the exchanges of one class that were charged alike.
type Row struct {
	Class   plantain.Class   `json:"class"`
	Charged plantain.Charged `json:"charged"`
	Count   int              `json:"count"`
	Cost    plantain.Cost    `json:"cost"`
	Fix     string           `json:"fix"` // of the last of them
}

type key struct {
	class   plantain.Class
	charged plantain.Charged
}

// Add counts an exchange. Its cost is unknown where priced is false.
func (s *Sum) Add(x Exchange, e Explanation, cost plantain.Cost, priced bool) {
	s.Exchanges++
	if !x.At.IsZero() {
		if s.First.IsZero() || x.At.Before(s.First) {
			s.First = x.At
		}
		if x.At.After(s.Last) {
			s.Last = x.At
		}
	}
	if s.rows == nil {
		s.rows = map[key]*Row{}
	}
	k := key{e.verdict.Class, e.Charged}
	r := s.rows[k]
	if r == nil {
		r = &Row{Class: k.class, Charged: k.charged}
		s.rows[k] = r
	}
	r.Count++
	r.Fix = e.Fix
	r.Cost.Low, r.Cost.High = r.Cost.Low+cost.Low, r.Cost.High+cost.High
	if e.verdict.Class == plantain.Success {
		return
	}
	s.Lost++
	s.Vain.Low, s.Vain.High = s.Vain.Low+cost.Low, s.Vain.High+cost.High
	if !priced && e.Charged != plantain.ChargedNo {
		s.Unpriced++
	}
}

// Rows gives the exchanges by class, those that cost most and are most first.
func (s *Sum) Rows() []Row {
	rows := make([]Row, 0, len(s.rows))
	for _, r := range s.rows {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Cost.High, a.Cost.High), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Charged, b.Charged))
	})
	return rows
}
