package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// A move is one change of the books: an attempt that opens or is settled, a picture
// that is kept, pictures that are removed, what was filtered, or none of these, and what fn makes of the windows
// of keys. All of it happens or nothing does.
type move struct {
	step
	keys []pool.Key
	fn   func(pool.States) error
}

// A step is what a move does beside the windows. The zero value does nothing.
type step struct {
	Opens   *plantain.Attempt `json:"opens,omitempty"`
	Settles *ledger.Entry     `json:"settles,omitempty"`
	Hangs   *plantain.Picture `json:"hangs,omitempty"`
	Drops   *drops            `json:"drops,omitempty"`
	// What was filtered, to be remembered or to be forgotten.
	Filters *relay.Filtered `json:"filters,omitempty"`
	Passes  *relay.Filtered `json:"passes,omitempty"`
}

// waits reports that a move is only made when the disk has it: what is settled, and a
// claim, without which a repeated request could be paid twice. An attempt that
// is merely out, and copies, can do without.
func (m *move) waits() bool {
	copies := m.Hangs != nil || m.Filters != nil || m.Passes != nil
	opens := m.Opens != nil && m.Opens.Claim == (plantain.Claim{})
	return !opens && !copies
}

// errUsed says that an attempt was opened before.
var errUsed = errors.New("an attempt of that id was opened before")

// step takes a step in the tables. It gives errUsed or [relay.ErrNotOut] where that
// is not possible, and has changed nothing then; or [relay.ErrClaimed], having
// written the attempt.
func (t *tx) step(owner string, s step) error {
	if s.Opens != nil {
		return t.open(owner, *s.Opens)
	}
	if s.Settles != nil {
		return t.settle(*s.Settles)
	}
	if s.Hangs != nil {
		return t.hang(*s.Hangs)
	}
	if s.Drops != nil {
		return t.drop(*s.Drops)
	}
	if s.Filters != nil {
		return t.filter(*s.Filters)
	}
	if s.Passes != nil {
		return t.pass(*s.Passes)
	}
	return nil
}

// apply gives those of the states of keys that fn changes, as it leaves them.
// window gives a state as it is, which stays as it is.
func apply(keys []pool.Key, fn func(pool.States) error, window func(pool.Key) pool.State) (pool.States, error) {
	states, before := pool.States{}, map[pool.Key]int64{}
	for _, k := range keys {
		s := window(k)
		c := s.Clone()
		states[k], before[k] = &c, s.Seq
	}
	if err := fn(states); err != nil {
		return nil, err
	}
	changed := pool.States{}
	for k, s := range states {
		if s.Seq != before[k] {
			changed[k] = s
		}
	}
	return changed, nil
}

// A record is what a journal keeps of moves: what is needed to bring them into the
// tables. To do that twice is to do it once.
type record struct {
	Owner   string   `json:"owner"` // who opened the attempts
	Steps   []step   `json:"steps,omitempty"`
	Changes []change `json:"changes,omitempty"` // of windows, by all of the moves
	Windows []window `json:"windows,omitempty"` // as the moves left them; earlier versions wrote these
}

// changes gives the changes of windows, whole windows among them.
func (r *record) changes() []change {
	all := slices.Clone(r.Changes)
	for _, w := range r.Windows {
		all = append(all, change{w.Project, w.Model, pool.ChangeOf(&pool.State{}, &w.State)})
	}
	return all
}

type change struct {
	Project plantain.ProjectName `json:"project"`
	Model   plantain.Model       `json:"model,omitempty"`
	pool.Change
}

type window struct {
	Project plantain.ProjectName `json:"project"`
	Model   plantain.Model       `json:"model,omitempty"`
	State   pool.State           `json:"state"`
}

// redo brings records into the tables, oldest first, however much of them, or of what
// came after them, is there already.
func (t *tx) redo(records ...record) error {
	states := pool.States{}
	for _, r := range records {
		if err := t.steps(r.Owner, r.Steps); err != nil {
			return err
		}
		for _, c := range r.changes() {
			if err := t.change(states, c); err != nil {
				return err
			}
		}
	}
	return t.writeWindows(states)
}

// change makes a change in states, which it fills from the tables as it needs them. One
// that a state has behind it already changes nothing.
func (t *tx) change(states pool.States, c change) error {
	k := pool.Key{Project: c.Project, Model: c.Model}
	if states[k] == nil {
		s, err := t.window(k)
		if err != nil {
			return err
		}
		states[k] = &s
	}
	s := states[k]
	if c.To.Seq <= s.Seq {
		return nil
	}
	after, ok := c.After(s)
	if !ok {
		return fmt.Errorf("the journal goes on from change %d of a window of project %s, of which the tables have %d: it is that of another database; "+
			"put that one beside it, or move the files ending in .redo0 and .redo1 away and lose what they hold", c.From, k.Project, s.Seq)
	}
	states[k] = &after
	return nil
}

// steps takes those of the steps of moves that were not taken yet.
func (t *tx) steps(owner string, steps []step) error {
	for _, s := range steps {
		err := t.step(owner, s)
		if err != nil && !errors.Is(err, errUsed) && !errors.Is(err, relay.ErrNotOut) && !errors.Is(err, relay.ErrClaimed) {
			return err
		}
	}
	return nil
}
