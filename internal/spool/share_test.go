package spool

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSharersOfAFolderLeaveEachOtherAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	share := func() *Spool {
		t.Helper()
		s, _, err := Share(dir, 1)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	spill := func(s *Spool) *Buffer {
		t.Helper()
		b := s.Buffer()
		if _, err := b.Write(body(10)); err != nil || !b.Spilled() {
			t.Fatalf("spilled: %v, %v", b.Spilled(), err)
		}
		return b
	}
	alive, killed := share(), share()
	b, _ := spill(alive), spill(killed)
	if err := killed.alive.Unlock(); err != nil { // as its end does
		t.Fatal(err)
	}
	next, swept, err := Share(dir, 1)
	if err != nil || swept != 1 {
		t.Fatalf("swept %d, %v; want what the killed one left", swept, err)
	}
	if _, err := os.Stat(b.file.Name()); err != nil {
		t.Errorf("a living one lost its file: %v", err)
	}
	b.Release()
	for _, s := range []*Spool{alive, next} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
