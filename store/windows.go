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
	readWindow  = `SELECT state FROM windows WHERE project = $1 AND model = $2`
	writeWindow = `INSERT INTO windows (project, model, state) VALUES ($1, $2, $3)
	ON CONFLICT (project, model) DO UPDATE SET state = excluded.state`
)

// Update implements [pool.Store].
func (s *Store) Update(ctx context.Context, keys []pool.Key, fn func(pool.States) error) error {
	return s.writer.do(ctx, func(t *tx) error { return t.update(keys, fn) })
}

// update applies fn to the states of keys. They are written with the batch.
func (t *tx) update(keys []pool.Key, fn func(pool.States) error) error {
	if t.lock != nil {
		if err := t.lock(keys); err != nil {
			return err
		}
	}
	states, before := pool.States{}, map[pool.Key]int64{}
	for _, k := range keys {
		s, err := t.window(k)
		if err != nil {
			return err
		}
		c := s.Clone()
		states[k], before[k] = &c, s.Seq
	}
	if err := fn(states); err != nil {
		return err
	}
	for k, s := range states {
		if s.Seq != before[k] {
			t.pending[k] = s
		}
	}
	return nil
}

// window gives a state as this transaction sees it.
func (t *tx) window(k pool.Key) (pool.State, error) {
	if s, ok := t.changed[k]; ok {
		return s, nil
	}
	if s, ok := t.committed[k]; ok {
		return s, nil
	}
	var text string
	err := t.row(readWindow, k.Project, k.Model).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		t.committed[k] = pool.State{} // true whatever becomes of this transaction
		return pool.State{}, nil
	}
	if err != nil {
		return pool.State{}, fmt.Errorf("read a window: %w", err)
	}
	return decodeWindow(text)
}

func decodeWindow(text string) (s pool.State, err error) {
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("decode a window: %w", err)
	}
	return s, nil
}

func (t *tx) writeWindows() error {
	for k, s := range t.changed {
		text, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("encode a window: %w", err)
		}
		if _, err := t.write(writeWindow, k.Project, k.Model, string(text)); err != nil {
			return fmt.Errorf("write a window: %w", err)
		}
	}
	return nil
}

// Windows gives all states, for the pool's first snapshot.
func (s *Store) Windows(ctx context.Context) (pool.States, error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT project, model, state FROM windows")
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
