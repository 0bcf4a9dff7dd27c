package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	gooselock "github.com/pressly/goose/v3/lock"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

// Connect opens a store on PostgreSQL by its postgres:// URL and brings its tables
// up to date. Any number of processes may have it at a time; together they see and
// keep the same windows. No error says more of the URL than host, user and database.
func Connect(ctx context.Context, url plantain.Secret) (*Store, error) {
	config, err := pgx.ParseConfig(url.Reveal())
	if err != nil {
		// Not what is wrong with it: that may quote a piece of the password.
		return nil, errors.New("open the store: its URL is wrong; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with what is no letter or digit of the password as %XX")
	}
	// A gateway that hangs in the middle of a transaction must not hold up the others.
	if _, set := config.RuntimeParams["idle_in_transaction_session_timeout"]; !set {
		config.RuntimeParams["idle_in_transaction_session_timeout"] = "10000"
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(5 * time.Minute)
	w := &server{db: db, owner: rand.Text(), rows: map[pool.Key]bool{}}
	s := &Store{owner: w.owner, reader: db, backend: w}
	// Gateways that start at once must not migrate at once.
	locker, err := gooselock.NewPostgresSessionLocker(gooselock.WithLockTimeout(1, 300))
	if err == nil {
		err = migrate(ctx, db, goose.DialectPostgres, goose.WithSessionLocker(locker))
	}
	if err == nil {
		err = w.measure(ctx)
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open the store on PostgreSQL: %w", err)
	}
	return s, nil
}

// Shared reports that other processes may use the store at the same time, so that
// what was read from it grows old.
func (s *Store) Shared() bool { return s.lock == nil }

// A server runs changes on PostgreSQL, each in a transaction of its own. Rows of
// windows are locked in the order of their keys, so that two changes never wait
// for each other; the row is the truth, and nothing of it is kept here.
type server struct {
	db    *sql.DB
	owner string       // of the attempts that it opens
	lead  atomic.Int64 // nanoseconds; see Store.Lead

	mu   sync.Mutex
	rows map[pool.Key]bool // the windows that are known to have a row
}

// longest bounds a change with all its tries, and so how long a database may be
// away without anything being lost.
const longest = 30 * time.Second

func (w *server) do(ctx context.Context, run func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := w.transact(ctx, run)
		if err == nil || !passes(err) {
			return err
		}
		select {
		case <-time.After(pause/2 + mathrand.N(pause)):
		case <-ctx.Done():
			return err
		}
	}
}

// errGone says that somebody removed the row of a window.
var errGone = errors.New("the row of a window is gone")

// errEnd says that a commit failed, so that it is not known what became of it.
var errEnd = errors.New("commit")

// passes reports a fault that goes by and left nothing behind, so that the change
// can be tried again.
func passes(err error) bool {
	if errors.Is(err, errEnd) {
		return false
	}
	if said := (*pgconn.PgError)(nil); errors.As(err, &said) {
		switch said.Code {
		case "40001", "40P01": // serialization_failure, deadlock_detected
			return true
		case "57P01", "57P02", "57P03", "25P03": // the server stops or starts, or has given up waiting for us
			return true
		default:
			return false
		}
	}
	away, broken := (*pgconn.ConnectError)(nil), net.Error(nil)
	return errors.As(err, &away) || errors.As(err, &broken) || pgconn.SafeToRetry(err) ||
		errors.Is(err, errGone) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// transact runs a change once.
func (w *server) transact(ctx context.Context, run func(*tx) error) error {
	sqlTx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = sqlTx.Rollback() }() // nothing, after a commit
	if err := run(&tx{Tx: sqlTx, ctx: ctx}); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", errEnd, err)
	}
	return nil
}

func (w *server) move(ctx context.Context, m move) error {
	err := w.do(ctx, func(t *tx) error {
		states, err := w.lock(t, m.keys)
		if err != nil {
			return err
		}
		changed, err := apply(m.keys, m.fn, func(k pool.Key) pool.State { return states[k] })
		if err != nil {
			return err
		}
		if err := t.writeWindows(changed); err != nil {
			return err
		}
		return t.step(w.owner, m.step)
	})
	if err == nil {
		w.exist(m.keys)
	}
	return err
}

// flush has nothing to wait for.
func (w *server) flush(context.Context) error { return nil }

const (
	addWindows = `INSERT INTO windows (project, model, state)
		SELECT project, model, '{}' FROM unnest($1::text[], $2::text[]) AS k (project, model) ORDER BY project, model
		ON CONFLICT DO NOTHING`
	lockWindows = `SELECT project, model, state FROM windows JOIN unnest($1::text[], $2::text[]) AS k (project, model) USING (project, model)
		ORDER BY project, model FOR UPDATE OF windows`
)

// lock reads windows and keeps every other transaction off them until this one
// ends. Those without a row get one first, so that there is something to lock.
func (w *server) lock(t *tx, keys []pool.Key) (map[pool.Key]pool.State, error) {
	if fresh := w.without(keys); len(fresh) > 0 {
		if _, err := t.execute(addWindows, columns(fresh)); err != nil {
			return nil, fmt.Errorf("add windows: %w", err)
		}
	}
	rows, err := t.QueryContext(t.ctx, lockWindows, columns(keys)...)
	if err != nil {
		return nil, fmt.Errorf("lock windows: %w", err)
	}
	defer rows.Close()
	states := map[pool.Key]pool.State{}
	if err := scanWindows(rows, func(k pool.Key, s pool.State) { states[k] = s }); err != nil {
		return nil, err
	}
	for _, k := range keys {
		if _, ok := states[k]; !ok {
			w.forget()
			return nil, errGone
		}
	}
	return states, nil
}

// without gives the keys that may have no row.
func (w *server) without(keys []pool.Key) []pool.Key {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(keys), func(k pool.Key) bool { return w.rows[k] })
}

// exist takes note that keys have rows.
func (w *server) exist(keys []pool.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range keys {
		w.rows[k] = true
	}
}

// forget takes back what exist was told.
func (w *server) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.rows)
}

// columns gives keys as two arrays.
func columns(keys []pool.Key) []any {
	projects, models := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		projects[i], models[i] = string(k.Project), string(k.Model)
	}
	return []any{projects, models}
}

func (w *server) close() error { return w.db.Close() }
