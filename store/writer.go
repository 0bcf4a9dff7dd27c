package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/plantainhq/plantain/pool"
)

// maxBatch bounds how many changes share a commit.
const maxBatch = 256

// errClosed says that the store was closed.
var errClosed = errors.New("the store is closed")

// A writer is the one goroutine that changes the file. Changes that arrive while
// a commit waits for the disk share the next one, so that durability
// (synchronous=FULL) costs one wait for many; each of them fails alone.
type writer struct {
	db      *sql.DB
	ready   map[string]*sql.Stmt // the statements of every attempt, by text
	changes chan *change
	most    int // changes that share a commit
	stopped chan struct{}

	mu     sync.RWMutex // guards closed against senders
	closed bool

	windows map[pool.Key]pool.State // as committed; only the goroutine uses it
}

// A change is a function that runs in a transaction, and where its end is told.
type change struct {
	run  func(*tx) error
	done chan error
}

func newWriter(db *sql.DB) (*writer, error) {
	w := &writer{
		db: db, ready: map[string]*sql.Stmt{}, changes: make(chan *change, maxBatch), most: maxBatch, stopped: make(chan struct{}),
		windows: map[pool.Key]pool.State{},
	}
	for _, text := range []string{insertAttempt, settleAttempt, readWindow, writeWindow} {
		s, err := db.Prepare(text)
		if err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
		w.ready[text] = s
	}
	go w.loop()
	return w, nil
}

// do runs a function in a transaction and returns when it is on the disk. The
// context bounds only the wait for a place: what has begun is finished.
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	c := &change{run, make(chan error, 1)}
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	select {
	case w.changes <- c:
		w.mu.RUnlock()
	case <-ctx.Done():
		w.mu.RUnlock()
		return ctx.Err()
	}
	return <-c.done
}

func (w *writer) close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.changes)
	}
	w.mu.Unlock()
	<-w.stopped
	return w.db.Close()
}

func (w *writer) loop() {
	defer close(w.stopped)
	for first := range w.changes {
		w.commit(w.gather(first))
	}
}

// gather takes what has arrived, without waiting for more.
func (w *writer) gather(first *change) []*change {
	batch := []*change{first}
	for len(batch) < w.most {
		select {
		case c, ok := <-w.changes:
			if !ok {
				return batch
			}
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch in one transaction and tells each change its end: its own
// error, or that of the commit they share.
func (w *writer) commit(batch []*change) {
	ends := make([]error, len(batch))
	err := w.transact(batch, ends, (*tx).apply)
	if errors.Is(err, errSpoiled) {
		// Rare enough that a savepoint for every change would cost more.
		err = w.transact(batch, ends, (*tx).savepoint)
	}
	if err != nil {
		// Whatever was read belongs to a transaction that is gone.
		clear(w.windows)
	}
	for i, c := range batch {
		if err != nil && ends[i] == nil {
			ends[i] = err
		}
		c.done <- ends[i]
	}
}

// errSpoiled says that a change failed after it had written something, so that
// those before it must be run again without it.
var errSpoiled = errors.New("a change of the batch failed half done")

// transact runs a batch in one transaction, each change by apply.
func (w *writer) transact(batch []*change, ends []error, apply func(*tx, func(*tx) error) (own, err error)) error {
	sqlTx, err := w.db.Begin()
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	t := &tx{Tx: sqlTx, ctx: context.Background(), statements: w.ready, committed: w.windows, changed: map[pool.Key]pool.State{}}
	for i, c := range batch {
		if ends[i], err = apply(t, c.run); err != nil {
			_ = sqlTx.Rollback()
			return err
		}
	}
	if err := t.writeWindows(); err != nil {
		_ = sqlTx.Rollback()
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	for k, s := range t.changed {
		w.windows[k] = s
	}
	return nil
}

// A tx is the transaction of a batch, with the windows as its changes left them.
// On PostgreSQL a batch is one change.
type tx struct {
	*sql.Tx
	ctx        context.Context        // of its statements
	statements map[string]*sql.Stmt   // parsed before; nil: the driver keeps them
	lock       func([]pool.Key) error // reads windows into committed and keeps others off them; nil: nobody else is there
	committed  map[pool.Key]pool.State
	changed    map[pool.Key]pool.State // written once, at the end of the batch
	pending    pool.States             // of the change that runs
	wrote      bool                    // the change that runs has written a row
}

// row reads one row.
func (t *tx) row(text string, args ...any) *sql.Row {
	if s, ok := t.statements[text]; ok {
		return t.StmtContext(t.ctx, s).QueryRowContext(t.ctx, plain(args)...)
	}
	return t.QueryRowContext(t.ctx, text, plain(args)...)
}

// write executes a statement and gives how many rows it changed.
func (t *tx) write(text string, args ...any) (int64, error) {
	done, err := t.execute(text, plain(args))
	if err != nil {
		t.wrote = true // a full disk rolls more back than this statement
		return 0, err
	}
	n, err := done.RowsAffected()
	t.wrote = t.wrote || n > 0
	return n, err
}

func (t *tx) execute(text string, args []any) (sql.Result, error) {
	if s, ok := t.statements[text]; ok {
		return t.StmtContext(t.ctx, s).ExecContext(t.ctx, args...)
	}
	return t.ExecContext(t.ctx, text, args...)
}

// apply runs one change and takes its windows over if it succeeds. own is its
// error; err is errSpoiled where the change had written something before.
func (t *tx) apply(run func(*tx) error) (own, err error) {
	t.pending, t.wrote = pool.States{}, false
	if own = run(t); own != nil {
		if t.wrote {
			return own, errSpoiled
		}
		return own, nil
	}
	for k, s := range t.pending {
		t.changed[k] = *s
	}
	return nil, nil
}

// savepoint runs one change so that nothing of it is left where it fails. own is
// its error; err is a fault that spoils the whole batch.
func (t *tx) savepoint(run func(*tx) error) (own, err error) {
	if _, err := t.Exec("SAVEPOINT one"); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	if own, _ = t.apply(run); own != nil {
		if _, err := t.Exec("ROLLBACK TO one"); err != nil {
			return own, fmt.Errorf("roll back: %w", err)
		}
	}
	if _, err := t.Exec("RELEASE one"); err != nil {
		return own, fmt.Errorf("release: %w", err)
	}
	return own, nil
}
