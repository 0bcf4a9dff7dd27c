package store

import (
	"context"
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
)

// Hours tells of the attempts that were opened since an instant, and ended, by
// model and hour of the day. It reads all of them, which takes more than a second
// for a million; to have the database sort them takes many times that.
func (s *Store) Hours(ctx context.Context, since time.Time) ([]ledger.Hour, error) {
	rows, err := s.query(ctx, "SELECT model, opened, verdict, took FROM attempts WHERE opened >= $1 AND state <> $2", since.UnixMilli(), ledger.Sent)
	if err != nil {
		return nil, fmt.Errorf("read the hours of the day: %w", err)
	}
	defer rows.Close()
	var hours ledger.Hours
	for rows.Next() {
		var m plantain.Model
		var c plantain.Class
		var opened, took int64
		if err := rows.Scan(&m, &opened, &c, &took); err != nil {
			return nil, fmt.Errorf("read the hours of the day: %w", err)
		}
		hours.Add(m, instant(opened), c, time.Duration(took)*time.Millisecond)
	}
	return hours.List(), rows.Err()
}
