package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

const (
	// maxBatch bounds how many moves share a write to the journal.
	maxBatch = 256
	// The tables follow the journal so soon, or when it holds so many moves: small
	// pieces, because a long one takes a processor from those who wait.
	foldIn    = 50 * time.Millisecond
	foldAfter = 512
	// maxBehind bounds, in bytes, what the tables may be behind while they can't be
	// written: so long the books go on.
	maxBehind = 64 << 20
)

// errClosed says that the store was closed.
var errClosed = errors.New("the store is closed")

// A writer is the one goroutine that changes a file. What is moved in the books is
// decided in memory, which knows the windows and the attempts that are out, and
// made durable in a journal: moves that arrive while one write waits for the disk
// share the next. The tables follow behind, many moves in a transaction, from the
// other of two journals; after a crash they catch up from both.
type writer struct {
	db      *sql.DB
	owner   string
	ready   map[string]*sql.Stmt // the statements of every move, by text
	calls   chan call
	most    int // moves that share a write
	stopped chan struct{}

	mu     sync.RWMutex // guards closed against senders
	closed bool

	// What follows is the goroutine's alone.
	windows  map[pool.Key]pool.State
	out      map[plantain.AttemptID]bool
	journals journals
	active   journaled   // what the journal that is written to holds
	behind   journaled   // what the other one holds; empty: it can be written over
	due      *time.Timer // of the next fold
	folding  bool        // the tables take behind over, on a goroutine that tells folded
	folded   chan error  // capacity 1
	failing  bool        // the tables could not be written
}

// journaled is what a journal holds that the tables don't.
type journaled struct {
	steps   []step
	windows pool.States
	bytes   int // of its records
}

func (j *journaled) empty() bool { return len(j.steps) == 0 && len(j.windows) == 0 }

func (j *journaled) record(owner string) record {
	r := record{Owner: owner, Steps: j.steps}
	for k, s := range j.windows {
		r.Windows = append(r.Windows, window{k.Project, k.Model, *s})
	}
	return r
}

// A call is a move or another change, and where its end is told.
type call struct {
	move *move
	run  func(*tx) error // nil with a nil move: only bring the tables up to date
	done chan error
}

// newWriter brings the tables of db up to date with what an earlier process left in
// the journals beside path, and starts.
func newWriter(db *sql.DB, path, owner string) (*writer, error) {
	w := &writer{
		db: db, owner: owner, ready: map[string]*sql.Stmt{}, calls: make(chan call, maxBatch), most: maxBatch, stopped: make(chan struct{}),
		windows: map[pool.Key]pool.State{}, journals: journals{path: path}, folded: make(chan error, 1), due: time.NewTimer(foldIn),
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
	go w.loop()
	return w, nil
}

func (w *writer) move(ctx context.Context, m move) error { return w.call(ctx, call{move: &m}) }

func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	return w.call(ctx, call{run: run})
}

func (w *writer) flush(ctx context.Context) error { return w.call(ctx, call{}) }

func (w *writer) call(ctx context.Context, c call) error {
	c.done = make(chan error, 1)
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	select {
	case w.calls <- c:
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
		close(w.calls)
	}
	w.mu.Unlock()
	<-w.stopped
	return w.db.Close()
}

func (w *writer) loop() {
	defer close(w.stopped)
	defer w.due.Stop()
	for {
		select {
		case c, ok := <-w.calls:
			if !ok {
				w.finish()
				return
			}
			w.serve(c)
		case err := <-w.folded:
			w.took(err)
		case <-w.due.C:
			w.fold()
		}
	}
}

// serve makes a move, with those that have arrived meanwhile, or another change.
func (w *writer) serve(c call) {
	for c.move != nil {
		batch, next, more := w.gather(c)
		w.commit(batch)
		if len(w.active.steps) >= foldAfter {
			w.fold()
		}
		if !more {
			return
		}
		c = next
	}
	c.done <- w.change(c.run)
}

// gather takes the moves that have arrived, without waiting for more, up to the
// first call that is none.
func (w *writer) gather(first call) (batch []call, next call, more bool) {
	batch = []call{first}
	for len(batch) < w.most {
		select {
		case c, ok := <-w.calls:
			if !ok {
				return batch, call{}, false
			}
			if c.move == nil {
				return batch, c, true
			}
			batch = append(batch, c)
		default:
			return batch, call{}, false
		}
	}
	return batch, call{}, false
}

// commit makes moves in memory, writes what they changed, and tells each its end:
// its own error, or that of the write they share.
func (w *writer) commit(batch []call) {
	ends := make([]error, len(batch))
	made := journaled{windows: pool.States{}}
	out := map[plantain.AttemptID]bool{}
	for i, c := range batch {
		ends[i] = w.make(c.move, &made, out)
	}
	if !made.empty() {
		if err := w.write(&made); err != nil {
			for i := range ends {
				if ends[i] == nil {
					ends[i] = err
				}
			}
		} else {
			w.keep(&made, out)
		}
	}
	for i, c := range batch {
		c.done <- ends[i]
	}
}

// make makes one move on top of those made before it in the batch, or gives an
// error and leaves them as they are. out are the attempts that the batch opened
// (true) and settled (false).
func (w *writer) make(m *move, made *journaled, out map[plantain.AttemptID]bool) error {
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
	changed, err := change(m.keys, m.fn, func(k pool.Key) pool.State {
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

// write makes moves durable.
func (w *writer) write(made *journaled) error {
	if w.behind.bytes+w.active.bytes >= maxBehind {
		return errors.New("the tables of the store can't be written, and the journal beside them takes no more")
	}
	text, err := json.Marshal(made.record(w.owner))
	if err != nil {
		return fmt.Errorf("encode a move: %w", err)
	}
	made.bytes = len(text)
	if err := w.journals.append(text); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
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
		w.due.Reset(foldIn)
	}
	w.active.bytes += made.bytes
	w.active.steps = append(w.active.steps, made.steps...)
	for k, s := range made.windows {
		w.windows[k], w.active.windows[k] = *s, s
	}
}

// fold has the tables take over what the journal holds, if they don't already, and
// goes on with the other one.
func (w *writer) fold() {
	if w.folding || w.behind.empty() && w.active.empty() {
		return
	}
	if w.behind.empty() {
		w.behind, w.active = w.active, journaled{}
		w.journals.turn()
	}
	w.folding = true
	r := w.behind.record(w.owner)
	go func() { w.folded <- w.transact(func(t *tx) error { return t.redo(r) }) }()
}

// took takes note of how a fold ended. One that failed is tried again.
func (w *writer) took(err error) {
	w.folding = false
	switch {
	case err == nil:
		w.behind = journaled{}
		if w.failing {
			slog.Info("the store can be written again")
		}
	case !w.failing:
		slog.Error("the store can't be written; the journal beside it keeps what happens", "error", err)
	}
	w.failing = err != nil
	if w.failing {
		w.due.Reset(time.Second)
	} else {
		w.due.Reset(foldIn) // for what was moved meanwhile
	}
}

// catchUp returns when the tables have everything.
func (w *writer) catchUp() error {
	for w.folding || !w.behind.empty() || !w.active.empty() {
		w.fold()
		err := <-w.folded
		if w.took(err); err != nil {
			return err
		}
	}
	return nil
}

// change runs what is no move; nil: nothing.
func (w *writer) change(run func(*tx) error) error {
	if err := w.catchUp(); err != nil {
		return err
	}
	if run == nil {
		return nil
	}
	if err := w.transact(run); err != nil {
		return err
	}
	return w.transact(w.loadOut) // it may have given up some
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
	return w.loadOut(t)
}

// loadOut reads which attempts are out.
func (w *writer) loadOut(t *tx) error {
	rows, err := t.Query("SELECT id FROM attempts WHERE state = 'sent'")
	if err != nil {
		return fmt.Errorf("read the attempts that are out: %w", err)
	}
	defer rows.Close()
	w.out = map[plantain.AttemptID]bool{}
	for rows.Next() {
		var id plantain.AttemptID
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("read the attempts that are out: %w", err)
		}
		w.out[id] = true
	}
	return rows.Err()
}

// recover brings the tables up to date with what an earlier process left.
func (w *writer) recover() error {
	texts, err := w.journals.read()
	if err != nil || len(texts) == 0 {
		return err
	}
	err = w.transact(func(t *tx) error {
		for _, text := range texts {
			var r record
			if err := json.Unmarshal(text, &r); err != nil {
				return fmt.Errorf("decode the journal: %w", err)
			}
			if err := t.redo(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.journals.remove()
}

// finish leaves a file that needs no journal, if it can.
func (w *writer) finish() {
	if w.catchUp() == nil {
		_ = w.journals.remove() // what is left is taken over again, which changes nothing
	}
}
