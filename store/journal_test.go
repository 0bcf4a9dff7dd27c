package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

func TestAJournalThatACrashCutGivesWhatIsWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	rapid.Check(t, func(t *rapid.T) {
		js := &journals{path: path}
		defer func() { _ = js.remove() }()
		text := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 300), 1, 6)
		older, younger := text.Draw(t, "older"), text.Draw(t, "younger")
		for _, record := range older {
			must(t, js.append(record))
		}
		js.turn()
		js.turn() // the same file again
		for _, record := range younger {
			must(t, js.append(record))
		}
		file, err := os.ReadFile(js.name(0))
		must(t, err)
		size := js.files[0].size
		cut := rapid.Int64Range(0, size).Draw(t, "cut")
		if rapid.Bool().Draw(t, "damaged") && cut < size {
			file[cut] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		} else {
			file = file[:cut]
		}
		_, got := records(file)
		if len(got) > len(younger) {
			t.Fatalf("%d records of %d", len(got), len(younger))
		}
		var whole int64
		for i := range got {
			if !slices.Equal(got[i], younger[i]) {
				t.Fatalf("record %d is another one", i)
			}
			whole += recordHead + int64(len(got[i]))
		}
		// Every record that ends before the damage is there.
		if len(got) < len(younger) && whole+recordHead+int64(len(younger[len(got)])) <= cut {
			t.Fatalf("%d records, though the next one is whole", len(got))
		}
	})
}

func TestToTakeAJournalOverTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	s := open(t, path)
	openAttempt(t, s, "a-lost", now.Add(time.Minute))
	openAttempt(t, s, "a-done", now.Add(time.Minute))
	must(t, s.Settle(t.Context(), ledger.Entry{Attempt: "a-done", Settled: now, Status: 200}, nil, func(pool.States) error { return nil }))
	w := s.backend.(*writer)
	must(t, s.backend.flush(t.Context()))
	texts, err := w.journals.read()
	must(t, err)
	if len(texts) == 0 {
		t.Fatal("the journal has nothing")
	}
	// What happens after it must not be undone by it.
	if n, err := s.Recover(t.Context(), now.Add(time.Hour)); n != 1 || err != nil {
		t.Fatalf("recovered %d, %v", n, err)
	}
	must(t, s.Update(t.Context(), []pool.Key{key}, func(st pool.States) error {
		st[key].Parks(pool.Parking{Reason: plantain.RateDay, Since: now})
		return nil
	}))
	before, err := s.Attempts(t.Context(), "", 10)
	must(t, err)
	must(t, s.Close())
	var again []byte
	for _, text := range texts {
		j := &journals{path: path + "-again"}
		must(t, j.append(text))
		file, err := os.ReadFile(j.name(0))
		must(t, err)
		again = append(again, file[:j.files[0].size]...)
		must(t, j.remove())
	}
	must(t, os.WriteFile(path+".redo0", again, 0o600))
	s = open(t, path)
	after, err := s.Attempts(t.Context(), "", 10)
	must(t, err)
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("before %v\nafter  %v", before, after)
	}
	states, err := s.Windows(t.Context())
	must(t, err)
	if states[key].Park.Reason != plantain.RateDay {
		t.Errorf("the parking is gone: %+v", states[key])
	}
}

func TestTheBooksGoOnWhileTheTablesAreFull(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "p.db"))
	openAttempt(t, s, "a-0", now.Add(time.Minute))
	must(t, s.backend.flush(t.Context()))
	w := s.backend.(*writer)
	pages := func(most int) {
		if _, err := w.db.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", most)); err != nil {
			t.Fatal(err)
		}
	}
	pages(1) // SQLite takes the least that it can: what there is
	const many = 300
	for n := range many {
		openAttempt(t, s, plantain.AttemptID(fmt.Sprint("a-more-", n)), now.Add(time.Minute))
	}
	if _, err := s.Attempts(t.Context(), "", 10); err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("got %v, want a database that is full", err)
	}
	must(t, s.Settle(t.Context(), ledger.Entry{Attempt: "a-more-0"}, nil, func(pool.States) error { return nil }))
	pages(1 << 20)
	rows, err := s.Attempts(t.Context(), "", 1000)
	if err != nil || len(rows) != many+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
}

func TestAMoveThatCannotBeWrittenChangesNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/full")
	}
	path := filepath.Join(t.TempDir(), "p.db")
	s := open(t, path)
	must(t, os.Symlink("/dev/full", path+".redo0"))
	a := plantain.Attempt{ID: "a-1", Opened: now, Deadline: now}
	err := s.Open(t.Context(), a, []pool.Key{key}, func(st pool.States) error {
		st[key].Reserve(now, a.ID, a.Deadline, pool.Amount{Requests: 1})
		return nil
	})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want a disk that is full", err)
	}
	if err := s.Settle(t.Context(), ledger.Entry{Attempt: a.ID}, nil, func(pool.States) error { return nil }); !errors.Is(err, relay.ErrNotOut) {
		t.Errorf("settled an attempt that could not be written: %v", err)
	}
	must(t, s.Update(t.Context(), []pool.Key{key}, func(st pool.States) error {
		if n := len(st[key].Holds); n != 0 {
			t.Errorf("%d reservations of an attempt that could not be written", n)
		}
		return nil
	}))
	if rows, err := s.Attempts(t.Context(), "", 10); err != nil || len(rows) != 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func must(t interface {
	Helper()
	Fatal(...any)
}, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFaultInOneMoveIsThatOfItsCallerAlone(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "p.db"))
	func() {
		defer func() {
			if fault := recover(); fault == nil || !strings.Contains(fmt.Sprint(fault), "a fault") {
				t.Errorf("the caller got %v", fault)
			}
		}()
		_ = s.Update(t.Context(), []pool.Key{key}, func(st pool.States) error {
			st[key].Seq++
			panic("a fault")
		})
	}()
	openAttempt(t, s, "a-1", now.Add(time.Minute))
	if rows, err := s.Attempts(t.Context(), "", 10); err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestARefusalThatRestsOnWhatCouldNotBeWrittenIsNone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/full")
	}
	path := filepath.Join(t.TempDir(), "p.db")
	s := open(t, path)
	must(t, os.Symlink("/dev/full", path+".redo0"))
	w := s.backend.(*writer)
	w.turn <- struct{}{} // so that both moves are in one batch
	full := errors.New("no room")
	ends := make(chan error)
	for range 2 {
		go func() {
			ends <- s.Update(t.Context(), []pool.Key{key}, func(st pool.States) error {
				if st[key].Seq > 0 {
					return full
				}
				st[key].Seq++
				return nil
			})
		}()
	}
	for waits := 0; waits < 2; runtime.Gosched() {
		w.mu.Lock()
		waits = len(w.waiting)
		w.mu.Unlock()
	}
	<-w.turn
	for range 2 {
		if err := <-ends; !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v, want a disk that is full", err)
		}
	}
}

// The memory of a process can be written as a file, and does not know how to sync.
func TestWhatWasNotDurableIsNotReadBack(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc/self/mem")
	}
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	must(t, err)
	defer func() { _ = memory.Close() }()
	disk := make([]byte, 1<<10)
	j := &journal{file: memory, generation: 1, size: int64(uintptr(unsafe.Pointer(&disk[0])))}
	text := []byte("nobody was promised this")
	must(t, j.append(text))
	if err := j.sync(); !errors.Is(err, syscall.EINVAL) {
		t.Fatalf("got %v, want a file that can't be synced", err)
	}
	j.takeBack(text)
	if _, got := records(disk); len(got) > 0 {
		t.Errorf("a crash would bring back %q", got)
	}
}

func TestAStoreThatCannotTakeItsJournalOverSaysSo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	js := &journals{path: path}
	must(t, js.append([]byte("of a later version")))
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "take over what an earlier process left") {
		t.Errorf("got %v", err)
	}
	must(t, js.remove())
	open(t, path)
}

func TestAJournalNeedsNothingOfTheOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	s := open(t, path)
	openAttempt(t, s, "a-1", now.Add(time.Minute))
	must(t, s.backend.flush(t.Context()))
	w := s.backend.(*writer)
	w.turn <- struct{}{} // the tables stay behind
	defer func() { <-w.turn }()
	for _, id := range []plantain.AttemptID{"a-2", "a-3"} {
		c := &call{move{step{Opens: &plantain.Attempt{ID: id, Opened: now, Deadline: now}}, []pool.Key{key}, func(st pool.States) error {
			st[key].Reserve(now, id, now.Add(time.Minute), pool.Amount{Requests: 1})
			return nil
		}}, make(chan error, 1)}
		w.commit([]*call{c})
		must(t, <-c.done)
	}
	file, err := os.ReadFile(w.journals.name(int(w.journals.turns % 2)))
	must(t, err)
	alone := filepath.Join(t.TempDir(), "alone.db")
	must(t, os.WriteFile(alone+".redo0", file, 0o600))
	states, err := open(t, alone).Windows(t.Context())
	must(t, err)
	if n := len(states[key].Holds); n != 3 {
		t.Errorf("%d reservations, want those of all three attempts", n)
	}
}

func TestAJournalOfAnEarlierVersionIsTakenOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	js := &journals{path: path}
	must(t, js.append([]byte(`{"owner":"o","windows":[{"project":"p","model":"m","state":{"ticks":[1784905200000,1,1,20,0],"seq":2}}]}`)))
	states, err := open(t, path).Windows(t.Context())
	must(t, err)
	if s := states[pool.Key{Project: "p", Model: "m"}]; s == nil || s.Seq != 2 || len(s.Ticks) != 1 {
		t.Errorf("the window is %+v", s)
	}
}

func TestAJournalWithAGapIsNotTakenOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	js := &journals{path: path}
	must(t, js.append([]byte(`{"owner":"o","changes":[{"project":"p","from":3,"to":{"seq":4}}]}`)))
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "goes on from change 3 of a window of project p, of which the tables have 0: it is that of another database; put that one beside it") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsSettledOrClaimedIsOnTheDiskAndTheRestFollowsIt(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "p.db"))
	w := s.backend.(*writer)
	w.turn <- struct{}{} // the tables stay behind, and nobody syncs but these
	opens, claims := claiming("r-1", ""), claiming("r-2", "k")
	opens.Claim = plantain.Claim{}
	behind := func(m step) bool {
		c := &call{move{step: m, fn: func(pool.States) error { return nil }}, make(chan error, 1)}
		w.commit([]*call{c})
		must(t, <-c.done)
		return w.journals.files[w.journals.turns%2].behind
	}
	if !behind(step{Opens: &opens}) {
		t.Error("an attempt that opens waited for the disk")
	}
	if behind(step{Settles: &ledger.Entry{Attempt: opens.ID, Settled: now}}) {
		t.Error("a settlement did not wait for the disk, or what it settles is not there")
	}
	if behind(step{Opens: &claims}) {
		t.Error("a claim did not wait for the disk")
	}
	again := opens
	again.ID += "-again"
	if !behind(step{Opens: &again}) {
		t.Error("an attempt that opens waited for the disk")
	}
	w.unsynced = w.unsynced.Add(-syncIn)
	w.syncDue()
	if w.journals.files[w.journals.turns%2].behind {
		t.Error("what nobody waits for never gets to the disk")
	}
	<-w.turn
}
