package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// After random moves, folds and faults a crash leaves the tables as the last fold or the
// one before it left them, and both journals: as they are, without what was not synced,
// or damaged. What is taken over must be a moment that was, no earlier than promised.
func TestWhateverCrashesTheBooksAreThoseOfAMomentThatWas(t *testing.T) {
	t.Parallel()
	template := filepath.Join(t.TempDir(), "template.db")
	s, err := Open(t.Context(), template)
	must(t, err)
	must(t, s.Close())
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(filepath.Dir(template), "run-") //nolint:usetesting // one of many, which would all stay until the end
		must(t, err)
		defer func() { _ = os.RemoveAll(dir) }()
		c := &crasher{dir: dir, now: now, was: map[pool.Key][]string{}, is: map[plantain.AttemptID]ledger.State{}}
		c.copy(t, template, filepath.Join(dir, "0.db"))
		c.start(t)
		defer func() { c.stop(t) }()
		t.Repeat(map[string]func(*rapid.T){"move": c.moves, "move on": c.moves, "fault": c.fault, "fold": c.fold, "crash": c.crash, "": c.compare})
	})
}

// A crasher drives a writer and knows what it was told, in texts that share nothing
// with it.
type crasher struct {
	dir      string
	now      time.Time
	attempts int
	crashes  int

	w      *writer
	before [2][]byte // what each journal held before its generation
	safe   [2]int64  // how much of each is on the disk

	was     map[pool.Key][]string // every state of a window, oldest first
	is      map[plantain.AttemptID]ledger.State
	sureWas map[pool.Key]int // of both, what a loss of power may not take
	sureIs  map[plantain.AttemptID]ledger.State
}

var crashKeys = []pool.Key{key, {Project: "studio"}, pool.AccountKey("ann")}

func (c *crasher) path() string { return filepath.Join(c.dir, fmt.Sprintf("%d.db", c.crashes)) }

// folded is where the tables stand as the last fold that has ended left them.
func (c *crasher) folded() string { return filepath.Join(c.dir, "folded.db") }

// copy copies a database as it stands.
func (c *crasher) copy(t *rapid.T, from, to string) {
	for _, of := range []string{"", "-wal"} {
		file, err := os.ReadFile(from + of)
		if errors.Is(err, fs.ErrNotExist) {
			must(t, os.WriteFile(to+of, nil, 0o600))
			continue
		}
		must(t, err)
		must(t, os.WriteFile(to+of, file, 0o600))
	}
}

func (c *crasher) start(t *rapid.T) {
	db, err := sql.Open("sqlite", dsn(c.path(), false))
	must(t, err)
	db.SetMaxOpenConns(1)
	if c.w, err = newWriter(db, c.path(), "owner"); err != nil {
		t.Fatalf("the start fails: %v", err)
	}
	c.w.turn <- struct{}{} // nothing happens by itself
	c.before, c.safe = [2][]byte{}, [2]int64{}
	c.copy(t, c.path(), c.folded())
}

func (c *crasher) stop(t *rapid.T) {
	c.wait(t)
	<-c.w.turn
	_ = c.w.close()
}

// wait waits for the fold that goes on.
func (c *crasher) wait(t *rapid.T) {
	if c.w.folding != nil && c.w.folded(c.w.folding) == nil {
		c.copy(t, c.path(), c.folded())
	}
}

func (c *crasher) state(t *rapid.T, k pool.Key) (s pool.State) {
	if n := len(c.was[k]); n > 0 {
		must(t, json.Unmarshal([]byte(c.was[k][n-1]), &s))
	}
	return s
}

func (c *crasher) took(t *rapid.T, states pool.States) {
	for k, s := range states {
		if c.state(t, k).Seq != s.Seq {
			c.was[k] = append(c.was[k], stateText(t, *s))
		}
	}
}

func stateText(t *rapid.T, s pool.State) string {
	text, err := json.Marshal(s)
	must(t, err)
	return string(text)
}

// A crashMove is a move, and what it does to the attempts.
type crashMove struct {
	step
	change func(pool.States)
	id     plantain.AttemptID
	leaves ledger.State
}

var errCrashRefused = errors.New("refused")

// moves makes some in one batch, of which some are refused when they changed something.
func (c *crasher) moves(t *rapid.T) {
	var batch []*call
	var want []error
	waits := false
	for range rapid.IntRange(1, 4).Draw(t, "moves") {
		m := c.draw(t)
		var refused error
		if rapid.IntRange(0, 5).Draw(t, "refused") == 0 {
			refused = errCrashRefused
		}
		b := &call{move{m.step, crashKeys, func(s pool.States) error { m.change(s); return refused }}, make(chan error, 1)}
		batch, want = append(batch, b), append(want, refused)
		if refused != nil {
			continue
		}
		waits = waits || b.waits()
		states := pool.States{}
		for _, k := range crashKeys {
			s := c.state(t, k)
			states[k] = &s
		}
		m.change(states)
		c.took(t, states)
		if m.id != "" {
			c.is[m.id] = m.leaves
		}
	}
	c.w.commit(batch)
	for i, b := range batch {
		if err := <-b.done; !errors.Is(err, want[i]) {
			t.Fatalf("move %d ended with %v, want %v", i, err, want[i])
		}
	}
	if waits {
		c.synced()
	}
}

func (c *crasher) draw(t *rapid.T) crashMove {
	c.now = c.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 300, 20_000, 200_000}).Draw(t, "ms")) * time.Millisecond)
	at, k := c.now, crashKeys[rapid.IntRange(0, 1).Draw(t, "key")]
	ann, pays := pool.Client{Name: "ann"}, rapid.Bool().Draw(t, "pays")
	var out []plantain.AttemptID
	for id, is := range c.is {
		if is == ledger.Sent {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	switch what := rapid.IntRange(0, 5).Draw(t, "what"); {
	case what <= 1 && len(out) > 0:
		a := plantain.Attempt{ID: rapid.SampledFrom(out).Draw(t, "out"), Opened: at}
		return crashMove{step{Settles: &ledger.Entry{Attempt: a.ID, Settled: at}}, func(s pool.States) {
			s[k].Settle(at, a.ID, at, pool.Amount{Requests: 1, Spend: 3})
			if pays {
				ann.Settle(s, at, a, pool.Amount{Requests: 1}, pool.Amount{Requests: 1})
			}
		}, a.ID, ledger.Settled}
	case what == 2:
		return crashMove{change: func(s pool.States) {
			s[k].Parks(pool.Parking{Reason: plantain.RateMinute, Since: at, Until: at.Add(time.Minute)})
		}}
	case what == 3:
		return crashMove{change: func(s pool.States) { pool.SetBack(s, at.Add(-10*time.Minute)) }}
	default:
		c.attempts++
		a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprintf("a-%d", c.attempts)), Opened: at, Deadline: at.Add(time.Minute)}
		return crashMove{step{Opens: &a}, func(s pool.States) {
			s[k].Reserve(at, a.ID, a.Deadline, pool.Amount{Requests: 1})
			if pays {
				_ = ann.Take(s, at, a, pool.Amount{Requests: 1})
			}
		}, a.ID, ledger.Sent}
	}
}

// synced takes note that all there is should be on the disk.
func (c *crasher) synced() {
	for i, j := range c.w.journals.files {
		if j != nil && !j.behind {
			c.safe[i] = j.size
		}
	}
	c.sureIs, c.sureWas = maps.Clone(c.is), map[pool.Key]int{}
	for k, was := range c.was {
		c.sureWas[k] = len(was)
	}
}

func (c *crasher) compare(t *rapid.T) {
	for _, k := range crashKeys {
		if got, want := stateText(t, c.w.windows[k]), stateText(t, c.state(t, k)); got != want {
			t.Fatalf("%v is\n%s, want\n%s", k, got, want)
		}
	}
}

// fault has the write of a move fail after some of it is in the file.
func (c *crasher) fault(t *rapid.T) {
	j := c.w.journals.files[c.w.journals.turns%2]
	if j == nil || j.generation != c.w.journals.turns+1 {
		return
	}
	_, err := j.file.WriteAt(rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "torn"), j.size)
	must(t, err)
	good := j.file
	j.file, err = os.Open(good.Name()) // to be read only
	must(t, err)
	b := &call{move{step{Opens: &plantain.Attempt{ID: "a-fault"}}, crashKeys, func(s pool.States) error {
		s[key].Reserve(c.now, "a-fault", c.now, pool.Amount{Requests: 1})
		return nil
	}}, make(chan error, 1)}
	c.w.commit([]*call{b})
	_ = j.file.Close()
	j.file = good
	if err := <-b.done; err == nil {
		t.Fatal("written to a file that is to be read")
	}
}

// fold has the tables begin to take over what the journal holds.
func (c *crasher) fold(t *rapid.T) {
	c.wait(t)
	if next := int((c.w.journals.turns + 1) % 2); !c.w.active.empty() {
		c.before[next], _ = os.ReadFile(c.w.journals.name(next)) // none: nothing was there before
		c.safe[next] = 0
	}
	c.w.fold()
	if rapid.Bool().Draw(t, "waits") {
		c.wait(t)
	}
}

// crash goes on with what a crash leaves.
func (c *crasher) crash(t *rapid.T) {
	kind := rapid.SampledFrom([]string{"a kill", "a loss of power", "damage"}).Draw(t, "crash")
	if rapid.Bool().Draw(t, "the fold had ended") {
		c.wait(t)
	}
	var files [2][]byte
	for i := range files {
		files[i], _ = os.ReadFile(c.w.journals.name(i)) // none: it is not there
		switch size := len(files[i]); {
		case size == 0 || c.w.journals.files[i] == nil: // it is what an earlier crash left
		case kind == "a loss of power":
			c.lose(t, files[i], i)
		case kind == "damage":
			files[i][rapid.IntRange(0, int(c.w.journals.files[i].size)).Draw(t, "at")] ^= 1
		}
	}
	left := filepath.Join(c.dir, "left.db")
	c.copy(t, c.folded(), left)
	c.stop(t)
	c.crashes++
	c.copy(t, left, c.path())
	for i, file := range files {
		must(t, os.WriteFile(fmt.Sprintf("%s.redo%d", c.path(), i), file, 0o600))
	}
	c.start(t)
	if rapid.Bool().Draw(t, "killed before the journals were gone, too") {
		for i, file := range files {
			must(t, os.WriteFile(fmt.Sprintf("%s.redo%d", c.path(), i), file, 0o600))
		}
		must(t, c.w.recover())
	}
	c.found(t, kind)
}

// lose gives back to the sectors of a journal that were not synced what they had before.
func (c *crasher) lose(t *rapid.T, file []byte, i int) {
	const sector = 512
	for at := c.safe[i]; at < c.w.journals.files[i].size; at = (at/sector + 1) * sector {
		if rapid.Bool().Draw(t, "lost") {
			lost := file[at : (at/sector+1)*sector]
			clear(lost)
			copy(lost, c.before[i][min(at, int64(len(c.before[i]))):])
		}
	}
}

// found holds what was taken over against what was promised, and goes on from there.
func (c *crasher) found(t *rapid.T, after string) {
	least, sure := map[pool.Key]int{}, map[plantain.AttemptID]ledger.State{}
	switch after {
	case "a kill":
		c.synced()
		least, sure = c.sureWas, c.sureIs
	case "a loss of power":
		least, sure = c.sureWas, c.sureIs
	}
	rows, err := c.w.db.Query("SELECT id, state FROM attempts")
	must(t, err)
	there := map[plantain.AttemptID]ledger.State{}
	for rows.Next() {
		var id plantain.AttemptID
		var is ledger.State
		must(t, rows.Scan(&id, &is))
		there[id] = is
		if was, ok := c.is[id]; !ok || was == ledger.Sent && is != was {
			t.Fatalf("after %s %s is %q, and never was", after, id, is)
		}
	}
	must(t, errors.Join(rows.Err(), rows.Close()))
	for id, is := range sure {
		if there[id] != is && there[id] != ledger.Settled {
			t.Fatalf("after %s %s is %q, and was promised %q", after, id, there[id], is)
		}
	}
	for _, k := range crashKeys {
		n := 0
		if s := c.w.windows[k]; s.Seq > 0 {
			if n = 1 + slices.Index(c.was[k], stateText(t, s)); n == 0 {
				t.Fatalf("after %s %v is what it never was:\n%s\n%q", after, k, stateText(t, s), c.was[k])
			}
		}
		if n < least[k] {
			t.Fatalf("after %s %v is its state %d; %d were promised", after, k, n, least[k])
		}
		c.was[k] = c.was[k][:n]
	}
	c.is = there
	c.synced()
}
