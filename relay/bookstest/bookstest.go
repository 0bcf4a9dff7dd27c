// Package bookstest is the conformance suite of [relay.Books]: what every
// implementation promises, in memory and on every database.
package bookstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// Books is what the suite needs of an implementation: the seam itself, and the
// windows behind it.
type Books interface {
	relay.Books
	pool.Store
}

// Run checks an implementation. open gives empty books and cleans up by itself.
func Run(t *testing.T, open func(t *testing.T) Books) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Books){
		"an opened attempt holds its room":                 holdsRoom,
		"what is refused leaves nothing behind":            refusedLeavesNothing,
		"an attempt settles once":                          settlesOnce,
		"what was never opened can't be settled":           neverOpened,
		"windows and settlement are one":                   oneFact,
		"callers at once never exceed a limit":             neverExceeds,
		"one that fails does not spoil those that share":   failsAlone,
		"an error from fn comes back as it is":             sameError,
		"an attempt id can be used once":                   usedOnce,
		"a change of windows sees what the last one wrote": inOrder,
		"an attempt holds the budget of its client":        holdsBudget,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var (
	key  = pool.Key{Project: "studio", Model: "gemini-3.1-flash-image"}
	keys = []pool.Key{key}
	noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

func attempt(n int) plantain.Attempt {
	return plantain.Attempt{
		ID: plantain.AttemptID(fmt.Sprintf("a-%d", n)), Request: "r-1", Number: n, Client: "local",
		Project: key.Project, Model: key.Model, Size: "1K", Estimate: 70_000_000,
		Opened: noon, Deadline: noon.Add(time.Minute),
	}
}

// reserve takes room for an attempt where fewer than limit are taken.
func reserve(a plantain.Attempt, limit int64) func(pool.States) error {
	return func(s pool.States) error {
		if s[key].Used(plantain.LimitRPM, noon) >= limit {
			return &pool.NoRoom{Project: key.Project, Limit: plantain.LimitRPM, At: noon.Add(time.Minute)}
		}
		s[key].Reserve(noon, a.ID, a.Deadline, pool.Amount{Requests: 1})
		return nil
	}
}

func release(a plantain.Attempt, really int64) func(pool.States) error {
	return func(s pool.States) error {
		s[key].Settle(noon, a.ID, noon, pool.Amount{Requests: really})
		return nil
	}
}

func used(t *testing.T, b Books) (n int64) {
	t.Helper()
	must(t, b.Update(context.Background(), keys, func(s pool.States) error {
		n = s[key].Used(plantain.LimitRPM, noon)
		return nil
	}))
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func holdsRoom(t *testing.T, b Books) {
	a := attempt(1)
	must(t, b.Open(t.Context(), a, keys, reserve(a, 10)))
	if n := used(t, b); n != 1 {
		t.Errorf("%d in use, want 1", n)
	}
	must(t, b.Settle(t.Context(), ledger.Entry{Attempt: a.ID}, keys, release(a, 0)))
	if n := used(t, b); n != 0 {
		t.Errorf("%d in use after an attempt that did not count, want 0", n)
	}
}

func refusedLeavesNothing(t *testing.T, b Books) {
	a := attempt(1)
	err := b.Open(t.Context(), a, keys, func(s pool.States) error {
		s[key].Reserve(noon, a.ID, a.Deadline, pool.Amount{Requests: 5})
		return &pool.NoRoom{}
	})
	if err == nil {
		t.Fatal("no error")
	}
	if n := used(t, b); n != 0 {
		t.Errorf("%d in use, want 0", n)
	}
	if err := b.Settle(t.Context(), ledger.Entry{Attempt: a.ID}, keys, release(a, 1)); !errors.Is(err, relay.ErrNotOut) {
		t.Errorf("settled an attempt that was refused: %v", err)
	}
}

func settlesOnce(t *testing.T, b Books) {
	a := attempt(1)
	must(t, b.Open(t.Context(), a, keys, reserve(a, 10)))
	must(t, b.Settle(t.Context(), ledger.Entry{Attempt: a.ID}, keys, release(a, 1)))
	if err := b.Settle(t.Context(), ledger.Entry{Attempt: a.ID}, keys, release(a, 1)); !errors.Is(err, relay.ErrNotOut) {
		t.Errorf("got %v, want ErrNotOut", err)
	}
	if n := used(t, b); n != 1 {
		t.Errorf("%d in use, want 1: the second settlement must change nothing", n)
	}
}

func neverOpened(t *testing.T, b Books) {
	if err := b.Settle(t.Context(), ledger.Entry{Attempt: "a-none"}, keys, release(attempt(1), 1)); !errors.Is(err, relay.ErrNotOut) {
		t.Errorf("got %v, want ErrNotOut", err)
	}
}

func oneFact(t *testing.T, b Books) {
	a, wrong := attempt(1), errors.New("wrong")
	must(t, b.Open(t.Context(), a, keys, reserve(a, 10)))
	if err := b.Settle(t.Context(), ledger.Entry{Attempt: a.ID}, keys, func(pool.States) error { return wrong }); !errors.Is(err, wrong) {
		t.Fatalf("got %v", err)
	}
	// The windows refused, so the attempt is still out.
	must(t, b.Settle(t.Context(), ledger.Entry{Attempt: a.ID}, keys, release(a, 1)))
}

func neverExceeds(t *testing.T, b Books) {
	const limit, callers = 7, 40
	var wg sync.WaitGroup
	admitted := make(chan int, callers)
	for n := range callers {
		wg.Go(func() {
			a := attempt(n)
			if b.Open(context.Background(), a, keys, reserve(a, limit)) == nil {
				admitted <- n
			}
		})
	}
	wg.Wait()
	if len(admitted) != limit {
		t.Errorf("%d of %d admitted, want %d", len(admitted), callers, limit)
	}
}

func failsAlone(t *testing.T, b Books) {
	const callers = 40
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			a := attempt(n)
			err := b.Open(context.Background(), a, keys, func(s pool.States) error {
				s[key].Reserve(noon, a.ID, a.Deadline, pool.Amount{Requests: 1})
				if n%2 == 1 {
					return &pool.NoRoom{}
				}
				return nil
			})
			if failed := err != nil; failed != (n%2 == 1) {
				t.Errorf("attempt %d: %v", n, err)
			}
		})
	}
	wg.Wait()
	if n := used(t, b); n != callers/2 {
		t.Errorf("%d in use, want %d", n, callers/2)
	}
}

func sameError(t *testing.T, b Books) {
	want := &pool.NoRoom{Project: "studio", At: noon}
	err := b.Open(t.Context(), attempt(1), keys, func(pool.States) error { return want })
	if got := (*pool.NoRoom)(nil); !errors.As(err, &got) || got != want {
		t.Errorf("got %v", err)
	}
}

func usedOnce(t *testing.T, b Books) {
	a := attempt(1)
	must(t, b.Open(t.Context(), a, keys, reserve(a, 10)))
	if b.Open(t.Context(), a, keys, reserve(a, 10)) == nil {
		t.Error("opened twice")
	}
	if n := used(t, b); n != 1 {
		t.Errorf("%d in use, want 1", n)
	}
}

func inOrder(t *testing.T, b Books) {
	const changes = 30
	var wg sync.WaitGroup
	for range changes {
		wg.Go(func() {
			if err := b.Update(context.Background(), keys, func(s pool.States) error {
				s[key].Seq++
				s[key].Days = append(s[key].Days[:0], pool.Day{Date: "d", Amount: pool.Amount{Requests: day(s) + 1}})
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	must(t, b.Update(t.Context(), keys, func(s pool.States) error {
		if n := day(s); n != changes {
			t.Errorf("counted %d, want %d", n, changes)
		}
		return nil
	}))
}

func day(s pool.States) int64 {
	if len(s[key].Days) == 0 {
		return 0
	}
	return s[key].Days[0].Requests
}

func holdsBudget(t *testing.T, b Books) {
	alice := pool.Client{Name: "alice", Allowance: plantain.Allowance{Limits: map[plantain.Limit]int64{plantain.BudgetTotal: 10}}}
	both, held := []pool.Key{key, pool.AccountKey(alice.Name)}, pool.Amount{Spend: 8}
	take := func(a plantain.Attempt, limit int64) func(pool.States) error {
		return func(s pool.States) error {
			if err := alice.Take(s, noon, a, held); err != nil {
				return err
			}
			return reserve(a, limit)(s)
		}
	}
	// Where the project has no room the client keeps its budget.
	if none := (*pool.NoRoom)(nil); !errors.As(b.Open(t.Context(), attempt(1), both, take(attempt(1), 0)), &none) {
		t.Fatal("a project without room took an attempt")
	}
	must(t, b.Open(t.Context(), attempt(2), both, take(attempt(2), 10)))
	// And where the client may not, the project keeps its room.
	if over := (*pool.OverLimit)(nil); !errors.As(b.Open(t.Context(), attempt(3), both, take(attempt(3), 10)), &over) || !over.Waits {
		t.Errorf("over the budget: %+v", over)
	}
	if n := used(t, b); n != 1 {
		t.Errorf("%d in use, want 1", n)
	}
	must(t, b.Settle(t.Context(), ledger.Entry{Attempt: attempt(2).ID}, both, func(s pool.States) error {
		alice.Settle(s, noon, attempt(2), held, pool.Amount{Spend: 2})
		return release(attempt(2), 1)(s)
	}))
	must(t, b.Open(t.Context(), attempt(4), both, take(attempt(4), 10)))
}
