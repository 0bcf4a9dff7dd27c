package store

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// Settling with 64 callers at once, until the tables have all of it, beside one
// SQLite commit (synchronous=FULL) and one write to the journal for each, in one run.
func BenchmarkSettle64Callers(b *testing.B) {
	moves := func(s *Store, e ledger.Entry) error {
		return s.Settle(context.Background(), e, nil, func(pool.States) error { return nil })
	}
	b.Run("shared writes", func(b *testing.B) { benchmarkSettle(b, maxBatch, moves) })
	b.Run("one write each", func(b *testing.B) { benchmarkSettle(b, 1, moves) })
	b.Run("one SQLite commit each", func(b *testing.B) {
		var mu sync.Mutex // SQLite writes one at a time anyway
		benchmarkSettle(b, 1, func(s *Store, e ledger.Entry) error {
			mu.Lock()
			defer mu.Unlock()
			return s.backend.(*writer).transact(func(t *tx) error { return t.settle(e) })
		})
	})
}

func benchmarkSettle(b *testing.B, most int, settle func(*Store, ledger.Entry) error) {
	s, err := Open(context.Background(), filepath.Join(b.TempDir(), "p.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	at := time.Now()
	const callers = 64
	inParallel(b, callers, func(n int) error {
		a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint(n)), Request: "r", Project: "p", Model: "m", Opened: at, Deadline: at.Add(time.Hour)}
		return s.Open(context.Background(), a, nil, func(pool.States) error { return nil })
	})
	if err := s.backend.flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	s.backend.(*writer).most = most
	b.ResetTimer()
	inParallel(b, callers, func(n int) error {
		return settle(s, ledger.Entry{Attempt: plantain.AttemptID(fmt.Sprint(n)), Sent: at, Settled: at, Status: 200})
	})
	if err := s.backend.flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// inParallel does b.N things with so many callers.
func inParallel(b *testing.B, callers int, do func(n int) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(b.N); n = next.Add(1) - 1 {
				if err := do(int(n)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
