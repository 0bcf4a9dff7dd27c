package spool

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func body(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestBodiesComeBackByteForByte(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, firstSize - 1, firstSize, firstSize + 1, chunkSize - 1, chunkSize, chunkSize + 1,
		firstSize + chunkSize, firstSize + chunkSize + 1, 3*chunkSize + 17}
	for name, memory := range map[string]int64{"in memory": 16 << 20, "half on disk": firstSize + chunkSize, "all on disk": 1} {
		for i := range 2 * len(sizes) {
			size, buffer := sizes[i/2], (*Spool).Buffer
			if i%2 == 1 {
				buffer = (*Spool).LargeBuffer
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, err := New(t.TempDir(), memory)
				if err != nil {
					t.Fatal(err)
				}
				want := body(size)
				b := buffer(s)
				var seen bytes.Buffer
				if err := b.Fill(iotest.HalfReader(bytes.NewReader(want)), func(p []byte) { seen.Write(p) }); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(seen.Bytes(), want) {
					t.Error("the tap saw other bytes")
				}
				r := b.Reader(nil)
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("read %d bytes (%v), want %d", len(got), err, size)
				}
				if _, err := r.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				if _, err := r.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), want) {
					t.Errorf("wrote %d bytes (%v), want %d", out.Len(), err, size)
				}
				r.Close()
				if got, err := io.ReadAll(io.NewSectionReader(b, int64(size/3), int64(size))); err != nil || !bytes.Equal(got, want[size/3:]) {
					t.Errorf("read %d bytes (%v) from the middle, want %d", len(got), err, size-size/3)
				}
				out.Reset()
				b.Hold() // of a held body too, what is not shown
				if err := b.Copy(&out); err != nil || !bytes.Equal(out.Bytes(), want) {
					t.Errorf("copied %d bytes (%v), want %d", out.Len(), err, size)
				}
				b.Release()
				if s.Used() != 0 {
					t.Errorf("%d bytes still in use", s.Used())
				}
				if left, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(left) != 0 {
					t.Errorf("files left: %v", left)
				}
			})
		}
	}
}

func TestTheEndOfABodyIsHeldBackWhereverItLies(t *testing.T) {
	t.Parallel()
	for _, memory := range []int64{1, firstSize, firstSize + chunkSize, 16 << 20} {
		for _, size := range []int{0, 1, firstSize, firstSize + 1, firstSize + chunkSize, chunkSize, chunkSize + 1, 3 * chunkSize, 5 << 20} {
			for _, large := range []bool{false, true} {
				s, err := New(t.TempDir(), memory)
				if err != nil {
					t.Fatal(err)
				}
				b := s.Buffer()
				b.large = large
				b.Hold()
				want := body(size)
				if err := b.Fill(bytes.NewReader(want), func([]byte) {}); err != nil {
					t.Fatal(err)
				}
				b.ShowMost()
				seen := make([]byte, size+1)
				n, err := b.ReadAt(seen, 0)
				if !errors.Is(err, io.EOF) || !bytes.Equal(seen[:n], want[:n]) {
					t.Errorf("%d bytes with a budget of %d: %d seen, %v", size, memory, n, err)
				}
				if held := size - n; size > 0 && (held < 1 || held > chunkSize) {
					t.Errorf("%d bytes with a budget of %d: %d are held back", size, memory, held)
				}
				b.End()
				r := b.Reader(nil)
				all, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(all, want) {
					t.Errorf("%d bytes with a budget of %d: read %d, %v", size, memory, len(all), err)
				}
				b.Release()
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestReadersOfASpilledBodyDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := body(5 << 20)
	b := s.Buffer()
	defer b.Release()
	if _, err := b.Write(want); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for range 3 {
			to, err := listener.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			go func() {
				defer to.Close()
				r := b.Reader(nil)
				defer r.Close()
				if n, err := r.WriteTo(to); n != int64(len(want)) || err != nil {
					t.Errorf("wrote %d bytes, %v", n, err)
				}
			}()
		}
	}()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			from, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer from.Close()
			if got, err := io.ReadAll(from); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	all.Wait()
}

func TestASpilledBodyIsReadWhereverItsFileWent(t *testing.T) {
	t.Parallel()
	for _, instead := range []bool{false, true} {
		dir := t.TempDir()
		s, err := New(dir, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := body(100_000)
		b := s.Buffer()
		if _, err := b.Write(want); err != nil {
			t.Fatal(err)
		}
		name := b.file.Name()
		if err := os.Rename(name, filepath.Join(dir, "moved")); err != nil {
			t.Fatal(err)
		}
		if instead {
			if err := os.WriteFile(name, body(100_001), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := b.Reader(nil)
		var got bytes.Buffer
		if _, err := r.WriteTo(&got); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("another file in its place: %v: %d bytes, %v", instead, got.Len(), err)
		}
		r.Close()
		b.Release()
	}
}

func TestABufferOverAFileLeavesItWhereItIs(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := body(100_000)
	path := filepath.Join(t.TempDir(), "kept")
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.File(f)
	if err != nil {
		t.Fatal(err)
	}
	r := b.Reader(nil)
	b.Release()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes (%v), want %d", len(got), err, len(want))
	}
	r.Close()
	if _, err := f.Stat(); err == nil {
		t.Error("the file was not closed")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestWriteAndFillAgree(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), firstSize+2*chunkSize)
	if err != nil {
		t.Fatal(err)
	}
	want := body(5 * chunkSize)
	b := s.Buffer()
	defer b.Release()
	for rest := want; len(rest) > 0; {
		n := min(len(rest), 1000)
		if _, err := b.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	r := b.Reader(nil)
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestMemoryStaysWithinTheBudget(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), 4*chunkSize)
	if err != nil {
		t.Fatal(err)
	}
	var held []*Buffer
	for range 5 {
		b := s.Buffer()
		if _, err := b.Write(body(3 * chunkSize)); err != nil {
			t.Fatal(err)
		}
		held = append(held, b)
		if s.Used() > 4*chunkSize {
			t.Fatalf("%d bytes in memory", s.Used())
		}
	}
	for _, b := range held {
		b.Release()
	}
}

func TestABrokenSourceKeepsWhatCame(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	cut := errors.New("cut")
	b := s.Buffer()
	defer b.Release()
	err = b.Fill(io.MultiReader(bytes.NewReader(body(100)), iotest.ErrReader(cut)), func([]byte) {})
	if !errors.Is(err, cut) || b.Len() != 100 {
		t.Errorf("got %v and %d bytes", err, b.Len())
	}
}

func TestSweepTakesOnlyWhatASpoolLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{filePrefix + "1", filePrefix + "2", "picture.jpg"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := New(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(); n != 2 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "picture.jpg")); err != nil {
		t.Error("a picture was swept")
	}
}

func TestAHeldBodyIsReadAsItIsShown(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]int64{"in memory": 16 << 20, "on disk": 2 * chunkSize} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := New(t.TempDir(), memory)
			if err != nil {
				t.Fatal(err)
			}
			want := body(4*chunkSize + 100)
			b := s.Buffer()
			defer b.Release()
			b.Hold()
			r := b.Reader(nil)
			defer r.Close()
			got := make(chan []byte)
			go func() {
				all, err := io.ReadAll(r)
				if err != nil {
					t.Error(err)
				}
				got <- all
			}()
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 10_000)
				if _, err := b.Write(rest[:n]); err != nil {
					t.Error(err)
				}
				b.Show(b.Len() - 5)
				rest = rest[n:]
			}
			b.End()
			if all := <-got; !bytes.Equal(all, want) {
				t.Errorf("read %d bytes, want %d", len(all), len(want))
			}
		})
	}
}

func TestAnAbortedBodyEndsWhereItWasShown(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Buffer()
	defer b.Release()
	b.Hold()
	if _, err := b.Write([]byte("whole half")); err != nil {
		t.Fatal(err)
	}
	b.Show(6)
	b.Abort([]byte("error"))
	r := b.Reader(nil)
	defer r.Close()
	if all, err := io.ReadAll(r); err != nil || string(all) != "whole error" {
		t.Errorf("read %q, %v", all, err)
	}
}

func TestAReaderQuitsWaitingWhenTold(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Buffer()
	defer b.Release()
	b.Hold()
	quit := make(chan struct{})
	r := b.Reader(quit)
	defer r.Close()
	close(quit)
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, ErrQuit) {
		t.Errorf("got %v", err)
	}
}

func TestMemoryOfABurstGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := New(t.TempDir(), 64<<20)
		if err != nil {
			t.Fatal(err)
		}
		b := s.Buffer()
		if _, err := b.Write(body(40 << 20)); err != nil {
			t.Fatal(err)
		}
		b.Release()
		free := func() int64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return int64(len(s.free)) * chunkSize
		}
		if free() < 39<<20 {
			t.Errorf("%d bytes are kept for the next ones after the burst", free())
		}
		time.Sleep(3 * trimEvery)
		synctest.Wait()
		if free() > keepFree {
			t.Errorf("%d bytes are kept", free())
		}
	})
}

func TestTheWriterReadsWhatReadersDoNotSeeYet(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), firstSize+chunkSize)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Buffer()
	defer b.Release()
	b.Hold()
	text := make([]byte, firstSize+2*chunkSize) // the first chunk, another one, and a file
	for i := range text {
		text[i] = byte(i * 7 >> 3)
	}
	if _, err := b.Write(text); err != nil || !b.Spilled() {
		t.Fatal(err, b.Spilled())
	}
	got, err := io.ReadAll(io.NewSectionReader(b.Written(), 5, int64(len(text))))
	if err != nil || !bytes.Equal(got, text[5:]) {
		t.Errorf("the writer reads %d bytes of %d, %v", len(got), len(text)-5, err)
	}
	if n, err := b.ReadAt(make([]byte, 1), 0); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("a reader sees %d bytes, %v", n, err)
	}
}

func TestAFileThatLostItsEndIsAnErrorToItsReaders(t *testing.T) {
	t.Parallel()
	s, err := New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(t.TempDir(), "answer-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(body(1000)); err != nil {
		t.Fatal(err)
	}
	b, err := s.File(f)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if err := f.Truncate(600); err != nil {
		t.Fatal(err)
	}
	r := b.Reader(nil)
	defer r.Close()
	if n, err := r.WriteTo(io.Discard); n != 600 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	r = b.Reader(nil)
	defer r.Close()
	if all, err := io.ReadAll(r); len(all) != 600 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %d bytes, %v", len(all), err)
	}
}
