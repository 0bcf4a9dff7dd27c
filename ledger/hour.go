package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/plantainhq/plantain"
)

// An Hour is what became of the attempts for a model in one hour of the day, over
// several days: when Google is short of capacity, and how long an image takes then.
type Hour struct {
	Model    plantain.Model `json:"model"`
	Hour     int            `json:"hour_utc"` // in which they were opened, 0 to 23
	Attempts int            `json:"attempts"`
	// Refused of them for a lack of capacity, or failed on Google's side.
	Refused int `json:"refused"`
	Made    int `json:"made"` // of them brought an image
	// What these took: half of them no longer, 95 % no longer. Zero: none was made.
	MedianSeconds float64 `json:"median_seconds"`
	P95Seconds    float64 `json:"p95_seconds"`
}

// Share is the part of the attempts that was refused, 0 to 1.
func (h Hour) Share() float64 {
	if h.Attempts == 0 {
		return 0
	}
	return float64(h.Refused) / float64(h.Attempts)
}

// Hours sorts attempts by model and hour of the day. The zero value is ready.
type Hours struct {
	hours map[hourKey]*hour
}

type hourKey struct {
	model plantain.Model
	hour  int
}

type hour struct {
	attempts, refused int
	took              []time.Duration // of those that brought an image
}

// Add takes an attempt that ended.
func (hs *Hours) Add(m plantain.Model, opened time.Time, c plantain.Class, took time.Duration) {
	k := hourKey{m, opened.UTC().Hour()}
	h := hs.hours[k]
	if h == nil {
		h = &hour{}
		if hs.hours == nil {
			hs.hours = map[hourKey]*hour{}
		}
		hs.hours[k] = h
	}
	h.attempts++
	switch c {
	case plantain.Capacity, plantain.ServerError:
		h.refused++
	case plantain.Success:
		h.took = append(h.took, took)
	default:
	}
}

// List gives every hour in which there was an attempt, by model.
func (hs *Hours) List() []Hour {
	out := make([]Hour, 0, len(hs.hours))
	for k, h := range hs.hours {
		slices.Sort(h.took)
		out = append(out, Hour{Model: k.model, Hour: k.hour, Attempts: h.attempts, Refused: h.refused, Made: len(h.took),
			MedianSeconds: rank(h.took, 50).Seconds(), P95Seconds: rank(h.took, 95).Seconds()})
	}
	slices.SortFunc(out, func(a, b Hour) int { return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Hour, b.Hour)) })
	return out
}

// rank is a percentile by nearest rank, so that it is one of the times; zero where
// there is none.
func rank(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}
