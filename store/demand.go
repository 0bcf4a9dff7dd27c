package store

import (
	"context"
	"fmt"
	"time"

	"github.com/plantainhq/plantain/ledger"
)

// turnedAwayKept is how long it is known what was turned away.
const turnedAwayKept = 60 * 24 * time.Hour

// TurnAway adds requests for which there was no room in time to what is known.
func (s *Store) TurnAway(ctx context.Context, demand []ledger.Demand, now time.Time) error {
	return s.backend.do(ctx, func(t *tx) error {
		for _, d := range demand {
			if _, err := t.write(`INSERT INTO turned_away (minute, model, requests) VALUES ($1, $2, $3)
				ON CONFLICT (minute, model) DO UPDATE SET requests = turned_away.requests + excluded.requests`, d.Minute, d.Model, d.TurnedAway); err != nil {
				return fmt.Errorf("note what was turned away: %w", err)
			}
		}
		_, err := t.write("DELETE FROM turned_away WHERE minute < $1", now.Add(-turnedAwayKept).Unix()/60)
		return err
	})
}

// Demand tells when requests came since an instant, by model and minute, in this
// order.
func (s *Store) Demand(ctx context.Context, since time.Time) ([]ledger.Demand, error) {
	rows, err := s.query(ctx, `SELECT model, minute, CAST(SUM(sent) AS BIGINT), CAST(SUM(away) AS BIGINT) FROM (
		SELECT model, (opened - waited) / 60000 AS minute, 1 AS sent, 0 AS away FROM attempts WHERE number = 1 AND opened >= $1
		UNION ALL SELECT model, minute, 0, requests FROM turned_away WHERE minute >= $2
		) AS demand GROUP BY 1, 2 ORDER BY 1, 2`, since.UnixMilli(), since.Unix()/60)
	if err != nil {
		return nil, fmt.Errorf("read the demand: %w", err)
	}
	defer rows.Close()
	var all []ledger.Demand
	for rows.Next() {
		var d ledger.Demand
		if err := rows.Scan(&d.Model, &d.Minute, &d.Sent, &d.TurnedAway); err != nil {
			return nil, fmt.Errorf("read the demand: %w", err)
		}
		all = append(all, d)
	}
	return all, rows.Err()
}
