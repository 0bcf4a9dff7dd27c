package relay_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// fullBooks are books whose disk is full for a while.
type fullBooks struct {
	relay.Memory
	full    atomic.Bool
	settled atomic.Pointer[ledger.Entry]
}

var errFull = &fs.PathError{Op: "write", Path: "/secret/place", Err: errors.New("no space left on device")}

func (b *fullBooks) Open(ctx context.Context, a plantain.Attempt, keys []pool.Key, fn func(pool.States) error) error {
	if b.full.Load() {
		return errFull
	}
	return b.Memory.Open(ctx, a, keys, fn)
}

func (b *fullBooks) Settle(ctx context.Context, e ledger.Entry, keys []pool.Key, fn func(pool.States) error) error {
	if b.full.Load() {
		return errFull
	}
	b.settled.Store(&e)
	return b.Memory.Settle(ctx, e, keys, fn)
}

func (b *fullBooks) Update(ctx context.Context, keys []pool.Key, fn func(pool.States) error) error {
	if b.full.Load() {
		return errFull
	}
	return b.Memory.Update(ctx, keys, fn)
}

// lines are those of a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// about gives the lines that hold one of the words.
func (l *lines) about(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			found = append(found, line)
		}
	}
	return found
}

// unkept checks a refusal of what could not be kept.
func unkept(t *testing.T, h *house, g got) {
	t.Helper()
	if g.StatusCode != 503 || g.Header.Get("Retry-After") == "" || g.detail(t)["charged"] != "no" || strings.Contains(g.body, "/secret/place") {
		t.Errorf("got %d, Retry-After %q: %s", g.StatusCode, g.Header.Get("Retry-After"), g.body)
	}
	if h.Ready() == nil {
		t.Error("it says that it is ready")
	}
}

// soon waits as long as a refusal says.
func soon(t *testing.T, g got) {
	t.Helper()
	d, err := time.ParseDuration(g.Header.Get("Retry-After") + "s")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(d)
}

func TestNothingIsSentThatCouldNotBeKept(t *testing.T) {
	t.Parallel()
	story(t, "the books can't be opened", func(t *testing.T) {
		h, b := newHouse(t, map[string][]reply{"a": list(says(200, success))}), &fullBooks{}
		h.Books = b
		b.full.Store(true)
		g := h.generate(t)
		unkept(t, h, g)
		time.Sleep(time.Hour)
		unkept(t, h, h.generate(t))
		if h.google.calls() != "" {
			t.Fatalf("asked %s", h.google.calls())
		}
		b.full.Store(false)
		soon(t, g)
		if err := h.Ready(); err != nil {
			t.Errorf("it is not ready without traffic: %v", err)
		}
		if g := h.generate(t); g.StatusCode != 200 {
			t.Errorf("got %d %s", g.StatusCode, g.body)
		}
	})
	story(t, "the log tells when it begins and when it is over", func(t *testing.T) {
		h, b := newHouse(t, map[string][]reply{"a": list(says(200, success))}), &fullBooks{}
		var log lines
		h.Books, h.Log = b, slog.New(slog.NewTextHandler(&log, nil))
		b.full.Store(true)
		h.generate(t)
		time.Sleep(500 * time.Millisecond) // it is looked for between what follows
		for range 100 {                    // what takes little fits now and then
			h.generate(t)
			time.Sleep(time.Minute)
			b.full.Store(false)
			time.Sleep(2 * time.Second)
			b.full.Store(true)
		}
		if got := log.about("nothing is sent", "sent again"); len(got) != 1 || !strings.Contains(got[0], "the store can't be written") {
			t.Errorf("while it lasts, %d lines: %.200q", len(got), got)
		}
		b.full.Store(false)
		time.Sleep(time.Minute)
		if got := log.about("nothing is sent", "can be kept again"); len(got) != 2 || !strings.Contains(got[1], "after=1h43m") {
			t.Errorf("after it: %q", got)
		}
		if g := h.generate(t); g.StatusCode != 200 {
			t.Errorf("got %d", g.StatusCode)
		}
		if got := log.about("msg=attempt"); len(got) == 0 || strings.Contains(got[0], "error=") || strings.Contains(got[0], `=""`) {
			t.Errorf("of a good attempt: %q", got)
		}
	})
	story(t, "the books fill up while an image is in the making", func(t *testing.T) {
		h, b := newHouse(t, map[string][]reply{"a": list(says(200, success))}), &fullBooks{}
		h.Books = b
		h.google.script["key-a"][0] = after(time.Second, says(200, success))
		time.AfterFunc(500*time.Millisecond, func() { b.full.Store(true) })
		if g := h.generate(t); g.StatusCode != 200 || g.body != success {
			t.Fatalf("what was paid for is not handed on: %d", g.StatusCode)
		}
		g := h.generate(t)
		unkept(t, h, g)
		time.Sleep(time.Hour)
		unkept(t, h, h.generate(t))
		b.full.Store(false)
		soon(t, g)
		if e := b.settled.Load(); e == nil || !e.Cost.Known() || e.Verdict.Class != plantain.Success {
			t.Errorf("the attempt was settled as %+v", e)
		}
		if g := h.generate(t); g.StatusCode != 200 || h.google.calls() != "aa" {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.calls())
		}
	})
	story(t, "the books are full to the end", func(t *testing.T) {
		h, b := newHouse(t, map[string][]reply{"a": list(after(time.Second, says(200, success)))}), &fullBooks{}
		h.Books = b
		time.AfterFunc(500*time.Millisecond, func() { b.full.Store(true) })
		h.generate(t)
		if err := h.Close(t.Context()); !errors.Is(err, errFull) || !strings.Contains(err.Error(), "1 attempt") {
			t.Errorf("closing tells %v", err)
		}
	})
	story(t, "the spool can't be written", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		dir := filepath.Join(t.TempDir(), "spool")
		const request = 16 << 10 // memory for it, and none for the answer
		s, err := spool.New(dir, request)
		if err != nil {
			t.Fatal(err)
		}
		h.Spool = s
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if g := h.generate(t); g.StatusCode != 500 || g.detail(t)["charged"] != "yes" {
			t.Errorf("the answer that is lost: %d %s", g.StatusCode, g.body)
		}
		g := h.generate(t)
		unkept(t, h, g)
		time.Sleep(time.Hour)
		unkept(t, h, h.generate(t))
		if h.google.calls() != "a" {
			t.Errorf("asked %s", h.google.calls())
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		soon(t, g)
		if g := h.generate(t); g.StatusCode != 200 || h.Ready() != nil {
			t.Errorf("got %d %s", g.StatusCode, g.body)
		}
		synctest.Wait() // the request ends after its answer
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	story(t, "there is no room for the request itself", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		dir := filepath.Join(t.TempDir(), "spool")
		s, err := spool.New(dir, 1)
		if err != nil {
			t.Fatal(err)
		}
		h.Spool = s
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := h.Examine(); err == nil {
			t.Error("it is found well before anything is asked")
		}
		unkept(t, h, h.generate(t))
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// unreadable are the rows of answers of a store whose tables are behind its journal
// and can't be written.
type unreadable struct{ gallery.AnswerRows }

func (unreadable) Owed(context.Context, plantain.Answer, time.Time) (*gallery.Owed, error) {
	return nil, syscall.ENOSPC
}

func TestWhatHasNoKeyGoesOnWhileAnswersCannotBeRead(t *testing.T) {
	t.Parallel()
	story(t, "a full disk", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		shelf, err := gallery.NewShelf(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		h.Answers = &gallery.Answers{Rows: unreadable{}, Shelf: shelf}
		keyed := request(t.Context(), "nb2", body)
		keyed.Header.Set("Idempotency-Key", "once")
		if g := h.do(t, keyed); g.StatusCode != 503 || g.Header.Get("Retry-After") == "" || len(h.google.calls()) > 0 {
			t.Errorf("with a key: %d after %d calls: %s", g.StatusCode, len(h.google.calls()), g.body)
		}
		if g := h.generate(t); g.StatusCode != 200 || h.Ready() != nil {
			t.Errorf("without one: %d, %v: %s", g.StatusCode, h.Ready(), g.body)
		}
	})
}
