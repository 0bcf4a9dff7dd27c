package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

const (
	// maxBatch bounds how many moves share a write to the journal.
	maxBatch = 256
	// maxBehind bounds, in bytes, what the tables may be behind while they can't be
	// written: so long the books go on.
	maxBehind = 64 << 20
	// syncIn is how soon what nobody waits for is on the disk.
	syncIn = 5 * time.Millisecond
)

// errClosed says that the store was closed.
var errClosed = errors.New("the store is closed")

// A writer changes a file. What is moved in the books is decided in memory, which
// knows the windows and the attempts that are out, and written to a journal:
// of the callers that arrive while one write waits for the disk, the first to get
// its turn makes the moves of all and writes them at once. What is settled or
// claimed waits until it is on the disk. What else there is, an attempt that opens
// above all, is safe from kill -9 at once and from a loss of power some milliseconds
// later, long before Google has an answer to it. The tables follow behind, many
// moves in a transaction, from the other of two journals; after a crash they catch
// up from both.
type writer struct {
	db    *sql.DB
	owner string
	ready map[string]*sql.Stmt // the statements of every move, by text
	most  int                  // moves that share a write

	mu      sync.Mutex
	waiting []*call // moves to make

	turn     chan struct{} // capacity 1: who has put something in has what follows
	windows  map[pool.Key]pool.State
	out      map[plantain.AttemptID]bool
	journals journals
	active   journaled  // what the journal that is written to holds
	behind   journaled  // what the other one holds; empty: it can be written over
	folding  chan error // tells how the tables took behind over; nil: they don't
	failing  bool       // the tables could not be written
	unsynced time.Time  // when the first record was written that the disk may not have; zero: none, or nobody looks after it
	syncing  bool       // somebody looks after it
	closed   bool
}

// A call is a move, and where its end is told.
type call struct {
	move
	done chan error // capacity 1
}

// newWriter brings the tables of db up to date with what an earlier process left in
// the journals beside path, and starts.
func newWriter(db *sql.DB, path, owner string) (*writer, error) {
	w := &writer{
		db: db, owner: owner, ready: map[string]*sql.Stmt{}, most: maxBatch, turn: make(chan struct{}, 1),
		windows: map[pool.Key]pool.State{}, journals: journals{path: path},
	}
	for _, text := range []string{insertAttempt, settleAttempt, readWindow, putWindow} {
		s, err := db.Prepare(text)
		if err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
		w.ready[text] = s
	}
	if err := w.recover(); err != nil {
		return nil, fmt.Errorf("take over what an earlier process left: %w", err)
	}
	if err := w.transact(w.load); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *writer) move(ctx context.Context, m move) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{m, make(chan error, 1)}
	w.mu.Lock()
	w.waiting = append(w.waiting, c)
	w.mu.Unlock()
	for {
		select {
		case err := <-c.done:
			if f := (*fault)(nil); errors.As(err, &f) {
				panic(f) // here, and not where others' moves are made
			}
			return err
		case w.turn <- struct{}{}:
			w.commit(w.take())
			<-w.turn
		}
	}
}

// take takes the moves that wait, oldest first.
func (w *writer) take() []*call {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch := w.waiting[:min(len(w.waiting), w.most)]
	w.waiting = w.waiting[len(batch):]
	return batch
}

func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	return w.alone(ctx, func() error {
		if err := w.catchUp(); err != nil {
			return err
		}
		var out map[plantain.AttemptID]bool
		err := w.transact(func(t *tx) (err error) {
			if err := run(t); err != nil {
				return err
			}
			out, err = t.sent() // it may have given up some
			return err
		})
		if err != nil {
			return err
		}
		w.out = out
		return nil
	})
}

func (w *writer) flush(ctx context.Context) error { return w.alone(ctx, w.catchUp) }

// alone runs something while nothing else changes.
func (w *writer) alone(ctx context.Context, run func() error) error {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.closed {
		return errClosed
	}
	return run()
}

// close leaves a file that needs no journal, if it can.
func (w *writer) close() error {
	err := w.alone(context.Background(), func() error {
		w.closed = true
		if err := w.catchUp(); err != nil {
			return fmt.Errorf("the next start takes the journal over: %w", err)
		}
		return w.journals.remove()
	})
	return errors.Join(err, w.db.Close())
}

// commit makes moves in memory, writes what they changed, and tells each its end:
// its own error, or that of the write they share.
func (w *writer) commit(batch []*call) {
	ends := make([]error, len(batch))
	made := journaled{windows: pool.States{}}
	out := map[plantain.AttemptID]bool{}
	waits := false
	for i, c := range batch {
		ends[i] = w.make(&c.move, &made, out)
		waits = waits || ends[i] == nil && c.waits()
	}
	if !made.empty() {
		if err := w.write(&made, waits); err != nil {
			for i := range ends {
				ends[i] = err // what was refused, too: perhaps for what is not written
			}
		} else {
			w.keep(&made, out)
		}
	}
	if len(w.active.steps) >= foldAfter {
		w.fold()
	}
	for i, c := range batch {
		c.done <- ends[i]
	}
}

// make makes one move on top of those made before it in the batch, or gives an
// error and leaves them as they are. out are the attempts that the batch opened
// (true) and settled (false).
func (w *writer) make(m *move, made *journaled, out map[plantain.AttemptID]bool) error {
	if w.closed {
		return errClosed
	}
	isOut := func(id plantain.AttemptID) bool {
		if is, ok := out[id]; ok {
			return is
		}
		return w.out[id]
	}
	if m.Settles != nil && !isOut(m.Settles.Attempt) {
		return relay.ErrNotOut
	}
	if m.Opens != nil && isOut(m.Opens.ID) {
		return errUsed
	}
	changed, err := apply(m.keys, guarded(m.fn), func(k pool.Key) pool.State {
		if s := made.windows[k]; s != nil {
			return *s
		}
		return w.windows[k]
	})
	if err != nil {
		return err
	}
	maps.Copy(made.windows, changed)
	if m.Opens != nil {
		out[m.Opens.ID] = true
	}
	if m.Settles != nil {
		out[m.Settles.Attempt] = false
	}
	if m.step != (step{}) {
		made.steps = append(made.steps, m.step)
	}
	return nil
}

// A fault is a panic in the function of a move.
type fault struct {
	what  any
	stack []byte
}

func (f *fault) Error() string { return fmt.Sprintf("%v\n%s", f.what, f.stack) }

// guarded gives a panic as a *fault: all callers wait for the one that makes the moves.
func guarded(fn func(pool.States) error) func(pool.States) error {
	return func(s pool.States) (err error) {
		defer func() {
			if what := recover(); what != nil {
				err = &fault{what, debug.Stack()}
			}
		}()
		return fn(s)
	}
}

// write writes moves to the journal; where one of them waits for the disk, so do all.
func (w *writer) write(made *journaled, waits bool) error {
	if w.behind.bytes+w.active.bytes >= maxBehind {
		return errors.New("the tables of the store can't be written, and the journal beside them takes no more")
	}
	text, err := json.Marshal(w.active.record(w.owner, made))
	if err != nil {
		return fmt.Errorf("encode a move: %w", err)
	}
	made.bytes = len(text)
	if err := w.journals.append(text); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if !waits {
		w.syncSoon()
		return nil
	}
	if err := w.journals.sync(); err != nil {
		w.journals.takeBack(text)
		return fmt.Errorf("write the journal: %w", err)
	}
	w.unsynced = time.Time{}
	return nil
}

// syncSoon has what was written follow to the disk, unless somebody waits for that
// sooner.
func (w *writer) syncSoon() {
	if w.unsynced.IsZero() {
		w.unsynced = time.Now()
	}
	if !w.syncing {
		w.syncing = true
		w.syncAfter(syncIn)
	}
}

func (w *writer) syncAfter(d time.Duration) {
	time.AfterFunc(d, func() {
		// Closed meanwhile: then there is nothing left to do.
		_ = w.alone(context.Background(), func() error { w.syncDue(); return nil })
	})
}

func (w *writer) syncDue() {
	if w.unsynced.IsZero() {
		w.syncing = false
		return
	}
	if young := syncIn - time.Since(w.unsynced); young > 0 {
		w.syncAfter(young)
		return
	}
	// Where it fails, whoever settles next is told.
	_ = w.journals.sync()
	w.unsynced, w.syncing = time.Time{}, false
}

// keep takes over what was written.
func (w *writer) keep(made *journaled, out map[plantain.AttemptID]bool) {
	for id, is := range out {
		if is {
			w.out[id] = true
		} else {
			delete(w.out, id)
		}
	}
	if w.active.windows == nil {
		w.active.windows = pool.States{}
		w.foldSoon(foldIn)
	}
	w.active.bytes += made.bytes
	w.active.steps = append(w.active.steps, made.steps...)
	for k, s := range made.windows {
		w.windows[k], w.active.windows[k] = *s, s
	}
}

func (w *writer) transact(run func(*tx) error) error {
	sqlTx, err := w.db.Begin()
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = sqlTx.Rollback() }() // nothing, after a commit
	if err := run(&tx{Tx: sqlTx, ctx: context.Background(), statements: w.ready}); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// load reads what the writer knows by heart.
func (w *writer) load(t *tx) error {
	rows, err := t.Query(readWindows)
	if err != nil {
		return fmt.Errorf("read the windows: %w", err)
	}
	defer rows.Close()
	if err := scanWindows(rows, func(k pool.Key, s pool.State) { w.windows[k] = s }); err != nil {
		return err
	}
	w.out, err = t.sent()
	return err
}

// sent gives the attempts that are out.
func (t *tx) sent() (map[plantain.AttemptID]bool, error) {
	rows, err := t.Query("SELECT id FROM attempts WHERE state = 'sent'")
	if err != nil {
		return nil, fmt.Errorf("read the attempts that are out: %w", err)
	}
	defer rows.Close()
	out := map[plantain.AttemptID]bool{}
	for rows.Next() {
		var id plantain.AttemptID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read the attempts that are out: %w", err)
		}
		out[id] = true
	}
	return out, rows.Err()
}

// recover brings the tables up to date with what an earlier process left.
func (w *writer) recover() error {
	texts, err := w.journals.read()
	if err != nil || len(texts) == 0 {
		return err
	}
	all := make([]record, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal(text, &all[i]); err != nil {
			return fmt.Errorf("decode the journal: %w", err)
		}
	}
	if err := w.transact(func(t *tx) error { return t.redo(all...) }); err != nil {
		return err
	}
	return w.journals.remove()
}
