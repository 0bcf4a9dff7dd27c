package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// Whatever is written in whatever pieces, and however it ends: readers beside the
// writer see what they are shown, never a byte more, and in the end all of it.
func TestReadersBesideTheWriterSeeWhatIsShown(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, firstSize, firstSize + 1, chunkSize, firstSize + chunkSize, firstSize + chunkSize + 1, firstSize + 2*chunkSize}
	for seed, size := range sizes {
		want := body(size)
		for n, memory := range []int64{16 << 20, 1, firstSize + chunkSize} {
			for _, end := range []string{"most, end", "most, abort", "end", "abort"} {
				rnd := rand.New(rand.NewPCG(uint64(seed), uint64(n)))
				t.Run(fmt.Sprintf("%d with %d, %s", size, memory, end), func(t *testing.T) {
					besideTheWriter(t, rnd, want, memory, end)
				})
			}
		}
	}
}

func besideTheWriter(t *testing.T, rnd *rand.Rand, want []byte, memory int64, end string) {
	s, err := New(t.TempDir(), memory)
	if err != nil {
		t.Fatal(err)
	}
	size, extra := len(want), []byte("instead of the rest")
	b := s.Buffer()
	b.large = rnd.IntN(2) == 0
	b.Hold()
	var let atomic.Int64 // what readers may have seen
	var seen [4]bytes.Buffer
	var readers sync.WaitGroup
	for i := range seen {
		r := b.Reader(nil)
		w := &within{to: &seen[i], let: &let}
		readers.Go(func() {
			defer r.Close()
			var err error
			switch i {
			case 0:
				_, err = r.WriteTo(w)
			case 1:
				_, err = io.CopyBuffer(w, struct{ io.Reader }{r}, make([]byte, 1000))
			default:
				_, err = io.CopyBuffer(w, struct{ io.Reader }{r}, make([]byte, chunkSize))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	show := func(n int) {
		let.Store(max(let.Load(), int64(n)))
		b.Show(int64(n))
	}
	for at := 0; at < size; {
		n := min(1+rnd.IntN(chunkSize), size-at)
		if _, err := b.Write(want[at : at+n]); err != nil {
			t.Fatal(err)
		}
		if at += n; end == "end" || end == "abort" {
			show(rnd.IntN(at))
		}
	}
	if end == "most, end" || end == "most, abort" {
		let.Store(max(int64(size)-1, 0))
		b.ShowMost()
	}
	shown := make([]byte, size+1)
	n, err := b.ReadAt(shown, 0)
	if !errors.Is(err, io.EOF) || int64(n) > let.Load() {
		t.Errorf("%d bytes are shown, %v", n, err)
	}
	if end == "abort" || end == "most, abort" {
		want = slices.Concat(shown[:n], extra)
		let.Store(int64(len(want)))
		b.Abort(extra)
	} else {
		let.Store(int64(size))
		b.End()
	}
	b.Release() // the readers have references of their own
	readers.Wait()
	for i := range seen {
		if !bytes.Equal(seen[i].Bytes(), want) {
			t.Errorf("reader %d saw %d bytes, want %d", i, seen[i].Len(), len(want))
		}
	}
	if used := s.Used(); used != 0 {
		t.Errorf("%d bytes are not given back", used)
	}
}

// within takes what a reader sees, and errs on what it may not see yet.
type within struct {
	to  *bytes.Buffer
	let *atomic.Int64
}

func (w *within) Write(p []byte) (int, error) {
	if n := int64(w.to.Len() + len(p)); n > w.let.Load() {
		return 0, fmt.Errorf("%d bytes were seen when %d were shown", n, w.let.Load())
	}
	return w.to.Write(p)
}
