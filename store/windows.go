package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/plantainhq/plantain/pool"
)

const (
	readWindow = `SELECT state FROM windows WHERE project = $1 AND model = $2`
	putWindow  = `INSERT INTO windows (project, model, state) VALUES ($1, $2, $3)
	ON CONFLICT (project, model) DO UPDATE SET state = excluded.state`
	readWindows = `SELECT project, model, state FROM windows`
)

// Update implements [pool.Store].
func (s *Store) Update(ctx context.Context, keys []pool.Key, fn func(pool.States) error) error {
	return s.backend.move(ctx, move{keys: keys, fn: fn})
}

// window reads a state; the zero State where there is none.
func (t *tx) window(k pool.Key) (s pool.State, err error) {
	var text string
	err = t.row(readWindow, k.Project, k.Model).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read a window: %w", err)
	}
	return decodeWindow(text)
}

func decodeWindow(text string) (s pool.State, err error) {
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("decode a window: %w", err)
	}
	return s, nil
}

func (t *tx) writeWindow(k pool.Key, s *pool.State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode a window: %w", err)
	}
	if _, err := t.write(putWindow, k.Project, k.Model, string(text)); err != nil {
		return fmt.Errorf("write a window: %w", err)
	}
	return nil
}

func (t *tx) writeWindows(states pool.States) error {
	for k, s := range states {
		if err := t.writeWindow(k, s); err != nil {
			return err
		}
	}
	return nil
}

// Windows gives all states, for the pool's first snapshot.
func (s *Store) Windows(ctx context.Context) (pool.States, error) {
	rows, err := s.query(ctx, readWindows)
	if err != nil {
		return nil, fmt.Errorf("read the windows: %w", err)
	}
	defer rows.Close()
	states := pool.States{}
	return states, scanWindows(rows, func(k pool.Key, s pool.State) { states[k] = &s })
}

// scanWindows gives each row of project, model and state to take.
func scanWindows(rows *sql.Rows, take func(pool.Key, pool.State)) error {
	for rows.Next() {
		var k pool.Key
		var text string
		if err := rows.Scan(&k.Project, &k.Model, &text); err != nil {
			return fmt.Errorf("read the windows: %w", err)
		}
		s, err := decodeWindow(text)
		if err != nil {
			return err
		}
		take(k, s)
	}
	return rows.Err()
}
