package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// Filtered implements [relay.Filters].
func (s *Store) Filtered(ctx context.Context, now time.Time) ([]relay.Filtered, error) {
	rows, err := s.query(ctx, `SELECT client, model, digest, length, verdict, finish, status, explanation, fix, request, times, cost_low, cost_high, last, expires
		FROM filtered WHERE expires > $1`, millis(now))
	if err != nil {
		return nil, fmt.Errorf("read what was filtered: %w", err)
	}
	defer rows.Close()
	var all []relay.Filtered
	for rows.Next() {
		var f relay.Filtered
		var digest string
		var low, high, at, expires int64
		if err := rows.Scan(&f.Client, &f.Model, &digest, &f.Length, &f.Verdict.Class, &f.Finish, &f.Status, &f.Verdict.Explanation, &f.Verdict.Fix,
			&f.Request, &f.Times, &low, &high, &at, &expires); err != nil {
			return nil, fmt.Errorf("read what was filtered: %w", err)
		}
		if n, err := hex.Decode(f.Digest[:], []byte(digest)); err != nil || n != len(f.Digest) {
			return nil, fmt.Errorf("read what was filtered: a hash of %s is damaged", f.Client)
		}
		f.Cost = plantain.Cost{Low: plantain.Nanodollars(low), High: plantain.Nanodollars(high)}
		f.At, f.Expires = instant(at), instant(expires)
		all = append(all, f)
	}
	return all, rows.Err()
}

// KeepFiltered implements [relay.Filters].
func (s *Store) KeepFiltered(ctx context.Context, f relay.Filtered) error {
	return s.backend.move(ctx, move{step: step{Filters: &f}, fn: noWindow})
}

// ForgetFiltered implements [relay.Filters].
func (s *Store) ForgetFiltered(ctx context.Context, f relay.Filtered) error {
	return s.backend.move(ctx, move{step: step{Passes: &f}, fn: noWindow})
}

func noWindow(pool.States) error { return nil }

func (t *tx) filter(f relay.Filtered) error {
	_, err := t.write(`DELETE FROM filtered WHERE expires <= $1`, millis(f.At))
	if err == nil {
		_, err = t.write(`INSERT INTO filtered (client, model, digest, length, verdict, finish, status, explanation, fix, request, times, cost_low, cost_high, last, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
			ON CONFLICT (client, model, digest) DO UPDATE SET verdict = excluded.verdict, finish = excluded.finish, status = excluded.status,
			explanation = excluded.explanation, fix = excluded.fix, request = excluded.request, times = excluded.times,
			cost_low = excluded.cost_low, cost_high = excluded.cost_high, last = excluded.last, expires = excluded.expires`,
			f.Client, f.Model, hex.EncodeToString(f.Digest[:]), f.Length, f.Verdict.Class, f.Finish, f.Status, f.Verdict.Explanation, f.Verdict.Fix,
			f.Request, f.Times, int64(f.Cost.Low), int64(f.Cost.High), millis(f.At), millis(f.Expires))
	}
	if err != nil {
		return fmt.Errorf("keep what was filtered: %w", err)
	}
	return nil
}

func (t *tx) pass(f relay.Filtered) error {
	_, err := t.write(`DELETE FROM filtered WHERE client = $1 AND model = $2 AND digest = $3`, f.Client, f.Model, hex.EncodeToString(f.Digest[:]))
	if err != nil {
		return fmt.Errorf("forget what was filtered: %w", err)
	}
	return nil
}
