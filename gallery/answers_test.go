package gallery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/internal/shelf"
)

// rows remembers what answers are kept, for tests of what is on the disk.
type rows struct {
	AnswerRows
	owed map[string]bool
}

func (r *rows) ExpireAnswers(context.Context, time.Time) (map[string]bool, error) {
	return r.owed, nil
}

func (r *rows) LoseAnswers(_ context.Context, requests []plantain.RequestID) error {
	for _, id := range requests {
		delete(r.owed, string(id))
	}
	return nil
}

func answers(t *testing.T, most int64) (*Answers, *rows, string) {
	t.Helper()
	dir := t.TempDir()
	shelf, err := NewShelf(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := &rows{owed: map[string]bool{}}
	return &Answers{Rows: r, Shelf: shelf, Max: most}, r, dir
}

// write keeps ten bytes, as old as minutes tell.
func write(t *testing.T, a *Answers, dir, name string, minutes int) {
	t.Helper()
	n, err := a.Write(plantain.RequestID(name), func(w io.Writer) error {
		_, err := io.WriteString(w, "0123456789")
		return err
	})
	if err != nil || n != 10 {
		t.Fatalf("wrote %d bytes, %v", n, err)
	}
	at := time.Now().Add(-time.Duration(minutes) * time.Minute)
	if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return fmt.Sprint(all)
}

func TestTheOldestAnswersMakeRoom(t *testing.T) {
	t.Parallel()
	a, r, dir := answers(t, 30)
	for i, name := range []string{"d", "c", "b", "a"} { // d is the youngest
		write(t, a, dir, name, 10*i)
		r.owed[name] = true
	}
	if !a.Crowded() {
		t.Fatal("forty bytes fit in thirty")
	}
	if _, err := a.Tidy(t.Context(), time.Now(), false); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); got != "[c d]" || len(r.owed) != 2 || a.Crowded() {
		t.Errorf("left are %s, owed %v", got, r.owed)
	}
}

func TestFilesOfNobodyGo(t *testing.T) {
	t.Parallel()
	a, r, dir := answers(t, 0)
	r.owed["owed"] = true
	write(t, a, dir, "owed", 60)
	write(t, a, dir, "orphan", 60)
	write(t, a, dir, "young", 1) // its row may be on its way
	write(t, a, dir, shelf.NewPrefix+"half", 60)
	if n, err := a.Tidy(t.Context(), time.Now(), false); err != nil || n != 2 {
		t.Errorf("swept %d, %v", n, err)
	}
	if got := names(t, dir); got != "[owed young]" {
		t.Errorf("left are %s", got)
	}
	if n, err := a.Tidy(t.Context(), time.Now(), true); err != nil || n != 1 {
		t.Errorf("at the start of the only process: swept %d, %v", n, err)
	}
	if got := names(t, dir); got != "[owed]" {
		t.Errorf("left are %s", got)
	}
}

func TestAFileIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	a, _, dir := answers(t, 0)
	full := errors.New("no space left on device")
	_, err := a.Write("r", func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return full
	})
	if !errors.Is(err, full) || names(t, dir) != "[]" || a.Lost() != 1 {
		t.Errorf("got %v, %s, %d lost", err, names(t, dir), a.Lost())
	}
}

// A file that was cut off outside of the program is not given as what was paid for.
func TestABodyThatIsNotWholeIsNotGivenAgain(t *testing.T) {
	t.Parallel()
	a, _, _ := answers(t, 0)
	size, err := a.Write("r", func(w io.Writer) error { _, err := io.WriteString(w, "whole"); return err })
	if err != nil {
		t.Fatal(err)
	}
	owed := &Owed{Answer: plantain.Answer{Request: "r", Size: size}}
	f, err := a.Open(owed)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if err := os.Truncate(f.Name(), size-1); err != nil {
		t.Fatal(err)
	}
	if f, err := a.Open(owed); err == nil {
		_ = f.Close()
		t.Error("opened")
	}
}

func TestANameStaysInsideOfItsShelf(t *testing.T) {
	t.Parallel()
	a, _, dir := answers(t, 0)
	outside := filepath.Join(filepath.Dir(dir), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := a.Open(&Owed{Answer: plantain.Answer{Request: "../outside"}}); err == nil {
		_ = f.Close()
		t.Error("opened a file outside of the shelf")
	}
}
