package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// The disk of this test is memory: it can be written as a file, and does not know how
// to sync.
func TestASettlementThatTheDiskRefusedIsNoneAndMayComeAgain(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc/self/mem")
	}
	s := open(t, filepath.Join(t.TempDir(), "p.db"))
	w := s.backend.(*writer)
	w.turn <- struct{}{} // the tables stay behind
	defer func() { <-w.turn }()
	move := func(st step) error {
		c := &call{move{step: st, fn: func(pool.States) error { return nil }}, make(chan error, 1)}
		w.commit([]*call{c})
		return <-c.done
	}
	must(t, move(step{Opens: &plantain.Attempt{ID: "a-1", Request: "r-1", Opened: now, Deadline: now.Add(time.Minute)}}))
	settles := step{Settles: &ledger.Entry{Attempt: "a-1", Settled: now}}

	j := w.journals.files[w.journals.turns%2]
	disk, err := os.ReadFile(j.file.Name())
	must(t, err)
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	must(t, err)
	defer func() { _ = memory.Close() }()
	file, size := j.file, j.size
	j.file, j.size = memory, int64(uintptr(unsafe.Pointer(&disk[size])))
	if err := move(settles); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("got %v, want a disk that can't sync", err)
	}
	j.file, j.size = file, size

	crashed := filepath.Join(t.TempDir(), "crashed.db")
	must(t, os.WriteFile(crashed+".redo0", disk, 0o600))
	rows, err := open(t, crashed).Attempts(t.Context(), "r-1", 10)
	must(t, err)
	if len(rows) != 1 || rows[0].State != ledger.Sent {
		t.Errorf("after a crash there is %+v, want the attempt as it was opened", rows)
	}
	if err := move(settles); err != nil {
		t.Errorf("settled again: %v", err)
	}
}
