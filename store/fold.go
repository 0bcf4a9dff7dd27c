package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/plantainhq/plantain/pool"
)

// The tables follow the journal so soon, or when it holds so many moves: small pieces,
// because a long one takes a processor from those who wait.
const (
	foldIn    = 200 * time.Millisecond
	foldAfter = 512
)

// journaled is what a journal holds that the tables don't.
type journaled struct {
	steps   []step
	windows pool.States
	bytes   int // of its records
}

func (j *journaled) empty() bool { return len(j.steps) == 0 && len(j.windows) == 0 }

// record gives what the journal keeps of more, which follows j. A journal has the
// whole of each window once: it needs nothing of the other one.
func (j *journaled) record(owner string, more *journaled) record {
	r := record{Owner: owner, Steps: more.steps}
	for k, s := range more.windows {
		before := j.windows[k]
		if before == nil {
			before = &pool.State{}
		}
		r.Changes = append(r.Changes, change{k.Project, k.Model, pool.ChangeOf(before, s)})
	}
	return r
}

// foldSoon has the tables follow after a while.
func (w *writer) foldSoon(in time.Duration) {
	time.AfterFunc(in, func() {
		// Closed meanwhile: then there is nothing left to do.
		_ = w.alone(context.Background(), func() error { w.fold(); return nil })
	})
}

// fold has the tables take over what the journal holds, if they don't already, and
// goes on with the other one.
func (w *writer) fold() {
	if w.folding != nil || w.behind.empty() && w.active.empty() {
		return
	}
	if w.behind.empty() {
		w.behind, w.active = w.active, journaled{}
		w.journals.turn()
	}
	behind, end := w.behind, make(chan error, 1)
	w.folding = end
	go func() {
		end <- w.transact(func(t *tx) error { return t.fold(w.owner, behind) })
		_ = w.alone(context.Background(), func() error { return w.folded(end) })
	}()
}

// fold brings moves into the tables, which have nothing younger.
func (t *tx) fold(owner string, j journaled) error {
	if err := t.steps(owner, j.steps); err != nil {
		return err
	}
	return t.writeWindows(j.windows)
}

// folded takes note of how a fold ended, if nobody has yet. One that failed is tried
// again.
func (w *writer) folded(end chan error) error {
	if w.folding != end {
		return nil
	}
	err := <-end
	w.folding = nil
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
		w.foldSoon(time.Second)
	} else if !w.active.empty() {
		w.foldSoon(foldIn)
	}
	return err
}

// catchUp returns when the tables have everything.
func (w *writer) catchUp() error {
	for w.folding != nil || !w.behind.empty() || !w.active.empty() {
		w.fold()
		if err := w.folded(w.folding); err != nil {
			return err
		}
	}
	return nil
}
