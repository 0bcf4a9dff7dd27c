package store

import (
	"context"
	"fmt"

	"github.com/plantainhq/plantain/ledger"
)

// Spare adds requests that were spared to what is known, each with how often.
func (s *Store) Spare(ctx context.Context, spared map[ledger.Spared]int64) error {
	return s.backend.do(ctx, func(t *tx) error {
		for k, n := range spared {
			if _, err := t.write(`INSERT INTO spared (quarter, client, reason, earlier, requests) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (quarter, client, reason, earlier) DO UPDATE SET requests = spared.requests + excluded.requests`,
				k.Quarter, k.Client, k.Reason, k.Earlier, n); err != nil {
				return fmt.Errorf("note what was spared: %w", err)
			}
		}
		return nil
	})
}

// saved sums up what was spared in the time of a query.
func (s *Store) saved(ctx context.Context, q ledger.Query) ([]ledger.Saved, error) {
	all, err := s.spared(ctx, q)
	if err != nil {
		return nil, err
	}
	drafts, err := s.drafts(ctx, q)
	if err != nil || drafts.Requests == 0 {
		return all, err
	}
	return append(all, drafts), nil
}

// drafts sums up what drafting saved; see [ledger.Saved].
func (s *Store) drafts(ctx context.Context, q ledger.Query) (ledger.Saved, error) {
	of, args := spendOf(q)
	saved := ledger.Saved{Reason: ledger.SparedDraft}
	rows, err := s.query(ctx, `SELECT COUNT(*),
		CAST(COALESCE(SUM(CASE WHEN finals > 0 THEN -cost_high ELSE spares END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN finals > 0 THEN -cost_low ELSE spares END), 0) AS BIGINT)
		FROM (SELECT cost_low, cost_high, spares, (SELECT COUNT(*) FROM attempts AS final
			WHERE final.final_of = attempts.request AND final.final_of <> '' AND final.client = attempts.client AND final.images > 0) AS finals
			FROM attempts`+of+" AND draft <> '' AND images > 0) AS drafts", args...)
	if err != nil {
		return saved, fmt.Errorf("sum up what drafts saved: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&saved.Requests, &saved.Cost.Low, &saved.Cost.High); err != nil {
			return saved, fmt.Errorf("sum up what drafts saved: %w", err)
		}
	}
	return saved, rows.Err()
}

// spared sums up the requests that needed no attempt, to the quarter of an hour. Of
// projects nobody knows it: nothing went through one.
func (s *Store) spared(ctx context.Context, q ledger.Query) ([]ledger.Saved, error) {
	if len(q.Projects) > 0 {
		return nil, nil
	}
	text := `SELECT reason, CAST(SUM(requests) AS BIGINT),
		CAST(SUM(requests * COALESCE((SELECT SUM(cost_low) FROM attempts WHERE attempts.request = spared.earlier), 0)) AS BIGINT),
		CAST(SUM(requests * COALESCE((SELECT SUM(CASE WHEN state = 'sent' THEN estimate ELSE cost_high END) FROM attempts
			WHERE attempts.request = spared.earlier), 0)) AS BIGINT)
		FROM spared WHERE quarter >= $1 AND quarter < $2`
	quarter := ledger.Quarter.Milliseconds()
	args := []any{q.Since.UnixMilli() / quarter, (q.Until.UnixMilli() + quarter - 1) / quarter}
	if q.Client != "" {
		text, args = text+" AND client = $3", append(args, q.Client)
	}
	rows, err := s.query(ctx, text+" GROUP BY reason ORDER BY reason", args...)
	if err != nil {
		return nil, fmt.Errorf("sum up what was saved: %w", err)
	}
	defer rows.Close()
	var all []ledger.Saved
	for rows.Next() {
		var one ledger.Saved
		if err := rows.Scan(&one.Reason, &one.Requests, &one.Cost.Low, &one.Cost.High); err != nil {
			return nil, fmt.Errorf("sum up what was saved: %w", err)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
