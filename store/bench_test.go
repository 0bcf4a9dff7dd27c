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

// Settling with 64 callers at once, beside one commit for each settlement, both
// with synchronous=FULL and in one run.
func BenchmarkSettle64Callers(b *testing.B) {
	b.Run("shared commits", func(b *testing.B) { benchmarkSettle(b, maxBatch) })
	b.Run("one commit each", func(b *testing.B) { benchmarkSettle(b, 1) })
}

func benchmarkSettle(b *testing.B, batch int) {
	s, err := Open(context.Background(), filepath.Join(b.TempDir(), "p.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	s.writer.(*writer).most = batch
	at := time.Now()
	none := func(pool.States) error { return nil }
	const callers = 64
	for n := range b.N {
		a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint(n)), Request: "r", Project: "p", Model: "m", Opened: at, Deadline: at.Add(time.Hour)}
		if err := s.Open(b.Context(), a, nil, none); err != nil {
			b.Fatal(err)
		}
	}
	s.writer.(*writer).most = batch
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(b.N); n = next.Add(1) - 1 {
				e := ledger.Entry{Attempt: plantain.AttemptID(fmt.Sprint(n)), Sent: at, Settled: at, Status: 200}
				if err := s.Settle(context.Background(), e, nil, none); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
