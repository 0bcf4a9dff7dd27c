package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// ended writes an attempt for a model that was opened at an instant, and how it
// ended; the zero verdict leaves it out.
func ended(t *testing.T, s *Store, model plantain.Model, at time.Time, c plantain.Class, took time.Duration) {
	t.Helper()
	id := plantain.AttemptID(fmt.Sprintf("a-%s-%d-%d-%s", model, at.UnixMilli(), took, c))
	a := plantain.Attempt{ID: id, Request: "r-1", Number: 1, Client: "local", Project: "studio", Model: model, Opened: at, Deadline: at.Add(time.Hour)}
	none := func(pool.States) error { return nil }
	if err := s.Open(t.Context(), a, nil, none); err != nil {
		t.Fatal(err)
	}
	if c == plantain.Unclassifiable {
		return
	}
	e := ledger.Entry{Attempt: id, Verdict: plantain.Verdict{Class: c}, Settled: at.Add(took), Took: took}
	if err := s.Settle(t.Context(), e, nil, none); err != nil {
		t.Fatal(err)
	}
}

func TestTheHoursOfTheDayComeFromTheLedger(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		for i := range 40 { // on each of two days: 1 to 20 s
			at := noon.AddDate(0, 0, -i/20).Add(time.Duration(i) * time.Minute)
			ended(t, s, "nb2", at, plantain.Success, time.Duration(i%20+1)*time.Second)
		}
		for i := range 8 {
			ended(t, s, "nb2", noon.Add(59*time.Minute+time.Duration(i)*time.Second), plantain.Capacity, 100*time.Millisecond)
		}
		ended(t, s, "nb2", noon.Add(59*time.Minute), plantain.ServerError, time.Second)
		ended(t, s, "nb2", noon.Add(59*time.Minute), plantain.RateMinute, time.Second)
		ended(t, s, "nb2", noon.Add(time.Hour), plantain.Capacity, time.Second)
		ended(t, s, "pro", noon, plantain.Success, 31500*time.Millisecond)
		ended(t, s, "pro", noon, plantain.Unclassifiable, 0)                        // is out
		ended(t, s, "pro", noon.AddDate(0, 0, -15), plantain.Capacity, time.Second) // is too old
		got, err := s.Hours(t.Context(), noon.AddDate(0, 0, -14))
		if err != nil {
			t.Fatal(err)
		}
		want := []ledger.Hour{
			{Model: "nb2", Hour: 12, Attempts: 50, Refused: 9, Made: 40, MedianSeconds: 10, P95Seconds: 19},
			{Model: "nb2", Hour: 13, Attempts: 1, Refused: 1},
			{Model: "pro", Hour: 12, Attempts: 1, Made: 1, MedianSeconds: 31.5, P95Seconds: 31.5},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if share := got[0].Share(); share != 0.18 {
			t.Errorf("share %v", share)
		}
	})
}
