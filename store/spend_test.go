package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

const cent = plantain.Dollar / 100

// spent writes an attempt that was opened some minutes after noon, and how it ended;
// the zero entry leaves it out.
func spent(t *testing.T, s *Store, minutes int, a plantain.Attempt, e ledger.Entry) {
	t.Helper()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	a.Opened = noon.Add(time.Duration(minutes) * time.Minute)
	a.ID, a.Deadline = plantain.AttemptID(fmt.Sprintf("a-%s-%d", a.Client, minutes)), a.Opened.Add(5*time.Minute)
	none := func(pool.States) error { return nil }
	if err := s.Open(t.Context(), a, nil, none); err != nil {
		t.Fatal(err)
	}
	if e.Settled.IsZero() && e.Verdict.Class == "" && e.Cost == (plantain.Cost{}) {
		return
	}
	e.Attempt, e.Settled = a.ID, a.Opened.Add(10*time.Second)
	if err := s.Settle(t.Context(), e, nil, none); err != nil {
		t.Fatal(err)
	}
}

// aDay is one of each: made, refused, filtered and charged, filtered and free, text
// that was asked for, a picture in an answer nobody can class, a time-out, one whose
// charge Google does not say, one that is out.
func aDay(t *testing.T, s *Store) {
	t.Helper()
	nb2 := plantain.Attempt{Client: "alice", Project: "studio-a", Model: "nb2", Size: "1K", Estimate: 60 * cent}
	pro := plantain.Attempt{Client: "bob", Project: "studio-b", Model: "pro", Estimate: 200 * cent}
	made := ledger.Entry{Verdict: plantain.Verdict{Class: plantain.Success, Charged: plantain.ChargedYes}, Images: 1, Cost: plantain.Exactly(7 * cent)}
	with := func(c plantain.Class, cost plantain.Cost, images int) ledger.Entry {
		return ledger.Entry{Verdict: plantain.Verdict{Class: c}, Cost: cost, Images: images}
	}
	spent(t, s, 0, nb2, made)
	spent(t, s, 1, nb2, made)
	spent(t, s, 2, nb2, with(plantain.Capacity, plantain.Exactly(0), 0))
	spent(t, s, 3, nb2, with(plantain.SafetyImage, plantain.Exactly(3*cent), 0))
	spent(t, s, 4, nb2, with(plantain.SafetyImage, plantain.Exactly(0), 0))
	spent(t, s, 5, nb2, with(plantain.Success, plantain.Exactly(1), 0))
	spent(t, s, 6, pro, with(plantain.Unclassifiable, plantain.Exactly(14*cent), 1))
	spent(t, s, 7, pro, with(plantain.Unanswered, plantain.Cost{High: 200 * cent}, 0))
	spent(t, s, 60, pro, with(plantain.NoImage, plantain.Cost{Low: 1 * cent, High: 2 * cent}, 0))
	spent(t, s, 61, pro, ledger.Entry{})
}

// lines gives a report as text: the group, attempts and images, cost, waste, what is
// not known.
func lines(r ledger.Report) string {
	var b strings.Builder
	line := func(name string, s ledger.Sums) {
		fmt.Fprintf(&b, "%s: %d/%d %s waste %s unknown %d %s\n", name, s.Attempts, s.Images, s.Cost, s.Waste, s.Unsure, s.Unknown)
	}
	for _, row := range r.Rows {
		var names []string
		for _, d := range r.By {
			names = append(names, row.Of(d))
		}
		line(strings.Join(names, " "), row.Sums)
	}
	line("total", r.Total)
	return b.String()
}

func TestWhatWasSparedWouldHaveCostWhatTheEarlierRequestDid(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		noon := day.Add(12*time.Hour).UnixNano() / int64(ledger.Quarter)
		attempt := func(minutes int, request plantain.RequestID, cost plantain.Cost) {
			spent(t, s, minutes, plantain.Attempt{Request: request, Client: "alice", Model: "nb2", Estimate: cost.High},
				ledger.Entry{Verdict: plantain.Verdict{Class: plantain.Success}, Images: 1, Cost: cost})
		}
		attempt(0, "r-made", plantain.Exactly(3*cent))
		attempt(1, "r-made", plantain.Exactly(4*cent))
		attempt(2, "r-unknown", plantain.Cost{High: 60 * cent})
		for range 2 {
			if err := s.Spare(t.Context(), map[ledger.Spared]int64{
				{Quarter: noon, Client: "alice", Reason: ledger.SparedRepeat, Earlier: "r-made"}:      2,
				{Quarter: noon + 1, Client: "alice", Reason: ledger.SparedRepeat, Earlier: "r-made"}:  1,
				{Quarter: noon, Client: "alice", Reason: ledger.SparedFiltered, Earlier: "r-unknown"}: 1,
				{Quarter: noon, Client: "bob", Reason: ledger.SparedFiltered, Earlier: "r-forgotten"}: 1,
				{Quarter: noon - 96, Client: "alice", Reason: ledger.SparedRepeat, Earlier: "r-made"}: 9, // yesterday
			}); err != nil {
				t.Fatal(err)
			}
		}
		for client, want := range map[plantain.ClientName]string{
			"":      "[{filtered 4 $0.000-$1.200} {repeat 6 $0.420}]",
			"alice": "[{filtered 2 $0.000-$1.200} {repeat 6 $0.420}]",
			"bob":   "[{filtered 2 $0.000}]",
		} {
			r, err := s.Spend(t.Context(), ledger.Query{Since: day, Until: day.AddDate(0, 0, 1), Client: client, Zone: time.UTC})
			if got := fmt.Sprint(r.Saved); err != nil || got != want {
				t.Errorf("%q: %s, %v; want %s", client, got, err, want)
			}
		}
	})
}

func TestADraftSavesUnlessItGetsItsFinal(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		minutes := 0
		attempt := func(client plantain.ClientName, a plantain.Attempt, cost plantain.Cost, images int) {
			minutes++
			a.Client, a.Project = client, "studio"
			spent(t, s, minutes, a, ledger.Entry{Verdict: plantain.Verdict{Class: plantain.Success}, Images: images, Cost: cost})
		}
		draft := func(r plantain.RequestID) plantain.Attempt {
			return plantain.Attempt{Request: r, Draft: "4K", Spares: 10 * cent}
		}
		attempt("alice", draft("r-1"), plantain.Exactly(4*cent), 1)
		attempt("alice", draft("r-2"), plantain.Exactly(5*cent), 1)
		attempt("alice", draft("r-3"), plantain.Cost{Low: 4 * cent, High: 6 * cent}, 1)
		attempt("alice", draft("r-4"), plantain.Exactly(4*cent), 0)                                    // filtered, as the final would have been
		attempt("bob", draft("r-5"), plantain.Exactly(4*cent), 1)                                      // gets one
		attempt("alice", plantain.Attempt{Request: "r-6", Final: "r-3"}, plantain.Exactly(15*cent), 1) // the final of r-3
		attempt("alice", plantain.Attempt{Request: "r-7", Final: "r-2"}, plantain.Exactly(cent), 0)    // brought none
		attempt("alice", plantain.Attempt{Request: "r-8", Final: "r-5"}, plantain.Exactly(15*cent), 1) // is none of bob's
		attempt("bob", plantain.Attempt{Request: "r-9", Final: "r-5"}, plantain.Exactly(15*cent), 1)
		attempt("carol", plantain.Attempt{Request: "r-10"}, plantain.Exactly(15*cent), 1)
		day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		for client, want := range map[plantain.ClientName]string{
			"": "[{draft 4 $0.100-$0.120}]", "alice": "[{draft 3 $0.140-$0.160}]", "bob": "[{draft 1 $-0.040}]", "carol": "[]",
		} {
			r, err := s.Spend(t.Context(), ledger.Query{Since: day, Until: day.AddDate(0, 0, 1), Client: client, Projects: []plantain.ProjectName{"studio"}, Zone: time.UTC})
			if got := fmt.Sprint(r.Saved); err != nil || got != want {
				t.Errorf("%q: %s, %v; want %s", client, got, err, want)
			}
		}
		rows, err := reopen().Attempts(t.Context(), "r-6", 1)
		if err != nil || len(rows) != 1 || rows[0].Final != "r-3" || rows[0].Draft != "" {
			t.Errorf("the final is %+v, %v", rows, err)
		}
		rows, err = reopen().Attempts(t.Context(), "r-1", 1)
		if err != nil || len(rows) != 1 || rows[0].Draft != "4K" || rows[0].Spares != 10*cent || rows[0].Final != "" {
			t.Errorf("the draft is %+v, %v", rows, err)
		}
	})
}

func TestSpendIsTheSumOfTheLedger(t *testing.T) {
	t.Parallel()
	const alice = "6/2 $0.170000001 waste $0.030 unknown 0 $0.000\n"
	const bob = "4/1 $0.150-$4.160 waste $0.010 unknown 3 $4.010\n"
	const total = "total: 10/3 $0.320000001-$4.330000001 waste $0.040 unknown 3 $4.010\n"
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		aDay(t, s)
		day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		for _, c := range []struct {
			by     string
			client plantain.ClientName
			since  time.Duration
			want   string
		}{
			{"", "", 0, ": 10/3 $0.320000001-$4.330000001 waste $0.040 unknown 3 $4.010\n" + total},
			{"client", "", 0, "alice: " + alice + "bob: " + bob + total},
			{"project", "", 0, "studio-a: " + alice + "studio-b: " + bob + total},
			{"model size", "", 0, "nb2 1K: " + alice + "pro default: " + bob + total},
			{"day", "", 0, "2026-11-24: " + strings.TrimPrefix(total, "total: ") + total},
			{"hour client", "", 0, "2026-11-24T12:00Z alice: " + alice +
				"2026-11-24T12:00Z bob: 2/1 $0.140-$2.140 waste $0.000 unknown 1 $2.000\n" +
				"2026-11-24T13:00Z bob: 2/0 $0.010-$2.020 waste $0.010 unknown 2 $2.010\n" + total},
			{"verdict", "alice", 0, "capacity: 1/0 $0.000 waste $0.000 unknown 0 $0.000\n" +
				"safety_image: 2/0 $0.030 waste $0.030 unknown 0 $0.000\n" +
				"success: 3/2 $0.140000001 waste $0.000 unknown 0 $0.000\n" + "total: " + alice},
			{"verdict", "bob", 12*time.Hour + 7*time.Minute, "no_image: 1/0 $0.010-$0.020 waste $0.010 unknown 1 $0.010\n" +
				"out: 1/0 $0.000-$2.000 waste $0.000 unknown 1 $2.000\n" +
				"unanswered: 1/0 $0.000-$2.000 waste $0.000 unknown 1 $2.000\n" +
				"total: 3/0 $0.010-$4.020 waste $0.010 unknown 3 $4.010\n"},
			{"model", "carol", 0, "total: 0/0 $0.000 waste $0.000 unknown 0 $0.000\n"},
			{"", "carol", 0, "total: 0/0 $0.000 waste $0.000 unknown 0 $0.000\n"},
		} {
			q := ledger.Query{Since: day.Add(c.since), Until: day.AddDate(0, 0, 1), Client: c.client, Zone: time.UTC}
			for _, d := range strings.Fields(c.by) {
				q.By = append(q.By, ledger.Dimension(d))
			}
			got, err := s.Spend(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if lines(got) != c.want {
				t.Errorf("by %q:\ngot\n%swant\n%s", c.by, lines(got), c.want)
			}
			if got.Total.Cost.High != got.Total.Cost.Low+got.Total.Unknown || got.Total.Waste > got.Total.Cost.Low {
				t.Errorf("by %q: the sums do not fit together: %+v", c.by, got.Total)
			}
		}
	})
}
