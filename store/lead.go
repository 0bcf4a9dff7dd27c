package store

import (
	"context"
	"fmt"
	"time"
)

// Lead is how far the clock of the database is ahead of this machine's, as last
// measured; negative: behind, zero for a file. Whoever shares a store must live by
// its clock, or a minute would end sooner for one than for another.
func (s *Store) Lead() time.Duration {
	if w, ok := s.backend.(*server); ok {
		return time.Duration(w.lead.Load())
	}
	return 0
}

// MeasureClock measures [Store.Lead] again. Nothing is measured of a file.
func (s *Store) MeasureClock(ctx context.Context) error {
	if w, ok := s.backend.(*server); ok {
		return w.measure(ctx)
	}
	return nil
}

// measure asks for the time and takes the answer for that of half way. The quickest
// of a few round trips is the most exact; what it can't tell from the lead that is
// known changes nothing, so that time does not jitter.
func (w *server) measure(ctx context.Context) error {
	var lead, trip time.Duration
	for n := range 5 {
		var micros int64
		begun := time.Now()
		err := w.db.QueryRowContext(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&micros)
		if err != nil {
			return fmt.Errorf("ask the database for the time: %w", err)
		}
		if took := time.Since(begun); n == 0 || took < trip {
			lead, trip = time.UnixMicro(micros).Sub(begun.Add(took/2).Round(0)), took
		}
	}
	if known := time.Duration(w.lead.Load()); (lead - known).Abs() > trip/2 {
		w.lead.Store(int64(lead))
	}
	return nil
}
