package store

import (
	"context"
	"fmt"
	"time"
)

const (
	// alertAgain is how long after a first try the second one comes; each later one
	// takes twice as long, up to sixteen times.
	alertAgain = time.Minute
	// alertsKept is how long an alert is tried: later it is no news.
	alertsKept = 24 * time.Hour
)

// An Alert is what is to be told, once.
type Alert struct {
	ID, Body string
	Tries    int // before this one
}

// KeepAlert keeps what is to be told, and reports whether it is news: false: it was
// kept before, and told or tried.
func (s *Store) KeepAlert(ctx context.Context, id, body string, now time.Time) (news bool, err error) {
	err = s.backend.do(ctx, func(t *tx) error {
		n, err := t.write("INSERT INTO alerts (id, body, made, due) VALUES ($1, $2, $3, $3) ON CONFLICT (id) DO NOTHING", id, body, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("keep an alert: %w", err)
		}
		news = n == 1
		return nil
	})
	return news, err
}

// TakeAlerts gives those that are to be tried, each to one caller: of several
// gateways one tells it. Whoever has told it says so by [Store.AlertTold]; else it
// comes again.
func (s *Store) TakeAlerts(ctx context.Context, now time.Time) (taken []Alert, err error) {
	rows, err := s.query(ctx, "SELECT id, body, tries FROM alerts WHERE told = 0 AND due <= $1 AND made > $2 ORDER BY made, id",
		now.UnixMilli(), now.Add(-alertsKept).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	defer rows.Close()
	var due []Alert
	for rows.Next() {
		var a Alert
		if err := rows.Scan(&a.ID, &a.Body, &a.Tries); err != nil {
			return nil, fmt.Errorf("read alerts: %w", err)
		}
		due = append(due, a)
	}
	if err := rows.Err(); err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.backend.do(ctx, func(t *tx) error {
		taken = nil
		for _, a := range due {
			next := now.Add(alertAgain << min(a.Tries, 4))
			n, err := t.write("UPDATE alerts SET tries = tries + 1, due = $1 WHERE id = $2 AND tries = $3 AND told = 0", next.UnixMilli(), a.ID, a.Tries)
			if err != nil {
				return fmt.Errorf("take an alert: %w", err)
			}
			if n == 1 {
				taken = append(taken, a)
			}
		}
		return nil
	})
	return taken, err
}

// AlertTold says that an alert was told.
func (s *Store) AlertTold(ctx context.Context, id string, now time.Time) error {
	return s.backend.do(ctx, func(t *tx) error {
		if _, err := t.write("UPDATE alerts SET told = $1 WHERE id = $2", now.UnixMilli(), id); err != nil {
			return fmt.Errorf("note that an alert was told: %w", err)
		}
		return nil
	})
}
