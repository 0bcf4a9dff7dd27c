package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// A Buffer holds one body. One goroutine writes it; any number may read it at
// once, after it was written or, between [Buffer.Hold] and [Buffer.End], while it
// is. It starts with one reference; the last [Buffer.Release] gives its memory and
// its file back.
type Buffer struct {
	spool *Spool
	refs  atomic.Int32
	large bool // it begins with a large chunk

	mu     sync.Mutex // guards what follows; the writer's own reads need it not
	chunks [][]byte
	tail   int // bytes used of the last chunk
	file   *os.File
	stays  bool  // the file is not the buffer's own
	memory int64 // bytes in chunks
	size   int64

	held  bool          // more may come: readers see no more than shown, and wait
	shown int64         // of a held body, and of one that was: no piece reaches over it
	extra []byte        // what readers of an aborted body see in the place of the rest
	news  chan struct{} // closed and replaced when a held body shows more
}

// Buffer gives an empty Buffer with one reference.
func (s *Spool) Buffer() *Buffer {
	b := &Buffer{spool: s}
	b.refs.Store(1)
	return b
}

// LargeBuffer is like Buffer, for a body that is likely to be a long one.
func (s *Spool) LargeBuffer() *Buffer {
	b := s.Buffer()
	b.large = true
	return b
}

// File gives a Buffer over a file that is there, with one reference. It closes the
// file in the end and leaves it where it is.
func (s *Spool) File(f *os.File) (*Buffer, error) {
	at, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b := s.Buffer()
	b.file, b.size, b.stays = f, at.Size(), true
	return b, nil
}

// Copy writes all that was written to w, also what readers do not see yet. Only the
// buffer's own writer may call it.
func (b *Buffer) Copy(w io.Writer) error {
	for i, c := range b.chunks {
		if i == len(b.chunks)-1 {
			c = c[:b.tail]
		}
		if _, err := w.Write(c); err != nil {
			return err
		}
	}
	if b.file == nil {
		return nil
	}
	_, err := io.Copy(w, io.NewSectionReader(b.file, 0, b.size-b.memory))
	return err
}

// Len is how many bytes were written.
func (b *Buffer) Len() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

// Hold makes the body one that is read while it is written: readers see nothing
// until [Buffer.Show] says how much, and wait at its end until [Buffer.End] or
// [Buffer.Abort].
func (b *Buffer) Hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held, b.shown, b.news = true, 0, make(chan struct{})
}

// Show lets readers see the first n bytes of a held body.
func (b *Buffer) Show(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held && n > b.shown {
		b.shown = min(n, b.size)
		close(b.news)
		b.news = make(chan struct{})
	}
}

// ShowMost lets readers see all but the end of a held body that was written whole: but
// for its last chunk, or as much of its file. To hold less would be one write and one
// awakened reader more, a twentieth of what 1.5 MB cost; a reader that is slow has the
// rest to take meanwhile.
func (b *Buffer) ShowMost() {
	b.mu.Lock()
	last := b.size - 1
	var end int64 // where it begins
	switch {
	case last >= b.memory:
		end = max(b.memory, b.size-chunkSize)
	case last >= 0:
		_, end = b.chunkAt(last)
	}
	b.mu.Unlock()
	b.Show(end)
}

// End lets readers see all of a held body. It does nothing to any other, nor to
// nil.
func (b *Buffer) End() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held {
		b.held = false
		close(b.news)
	}
}

// Abort ends a held body where it was shown to, with extra bytes in the place of
// what was not.
func (b *Buffer) Abort(extra []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held {
		b.held, b.extra, b.size = false, extra, b.shown
		close(b.news)
	}
}

// Spilled reports whether part of the body is in a file.
func (b *Buffer) Spilled() bool { return b.file != nil }

// Write appends p. It errs only if the disk does.
func (b *Buffer) Write(p []byte) (int, error) {
	wrote := 0
	for len(p) > 0 {
		room, err := b.room()
		if err != nil {
			return wrote, err
		}
		if room == nil {
			n, err := b.file.Write(p)
			b.grew(n)
			return wrote + n, err
		}
		n := copy(room, p)
		b.wrote(n)
		wrote, p = wrote+n, p[n:]
	}
	return wrote, nil
}

// spillSize is how much is read at once on its way to a file: with 64 KiB a body of
// 25 MB took a fifth more processor time.
const spillSize = 256 << 10

// Fill reads r to its end into the buffer, each piece straight into its place,
// and shows every piece to tap. It gives the error of r (nil at io.EOF), or
// that of the disk wrapped in a [DiskError]; what was read until then is kept.
func (b *Buffer) Fill(r io.Reader, tap func([]byte)) error {
	var spill []byte
	for {
		room, err := b.room()
		if err != nil {
			return &DiskError{err}
		}
		target := room
		if target == nil {
			if spill == nil {
				spill = make([]byte, spillSize)
			}
			target = spill
		}
		n, rerr := r.Read(target)
		if n > 0 {
			err := b.keep(target[:n], room != nil)
			tap(target[:n])
			if err != nil {
				return err
			}
		}
		if rerr == io.EOF {
			return nil
		}
		if rerr != nil {
			return rerr
		}
	}
}

// A DiskError says that the spool itself failed, not the body's source.
type DiskError struct{ Err error }

func (e *DiskError) Error() string { return "spool: " + e.Err.Error() }

func (e *DiskError) Unwrap() error { return e.Err }

// keep takes note of bytes that were read: in their chunk already, or to be
// written to the file.
func (b *Buffer) keep(p []byte, inChunk bool) error {
	if inChunk {
		b.wrote(len(p))
		return nil
	}
	n, err := b.file.Write(p)
	b.grew(n)
	if err != nil {
		return &DiskError{err}
	}
	return nil
}

// room gives the free end of the last chunk, or nil once the body goes to the
// file: from then on all of it does, so that chunks come first and the file last.
func (b *Buffer) room() ([]byte, error) {
	if b.file != nil {
		return nil, nil
	}
	n := len(b.chunks)
	if n > 0 && b.tail < len(b.chunks[n-1]) {
		return b.chunks[n-1][b.tail:], nil
	}
	if c := b.spool.take(n == 0 && !b.large); c != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.chunks, b.tail = append(b.chunks, c), 0
		return c, nil
	}
	f, err := os.CreateTemp(b.spool.dir, filePrefix)
	if err != nil {
		return nil, fmt.Errorf("open a spool file: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.file = f
	return nil, nil
}

func (b *Buffer) wrote(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tail += n
	b.memory += int64(n)
	b.size += int64(n)
}

func (b *Buffer) grew(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size += int64(n)
}

// Retain adds a reference.
func (b *Buffer) Retain() *Buffer {
	b.refs.Add(1)
	return b
}

// Release drops a reference; the last one gives memory and file back. A nil
// Buffer is released already.
func (b *Buffer) Release() {
	if b == nil || b.refs.Add(-1) > 0 {
		return
	}
	b.spool.give(b.chunks)
	b.chunks = nil
	if b.file != nil {
		// Nothing can be done about a file that will not go; the next Sweep takes it.
		_ = b.file.Close()
		if !b.stays {
			_ = os.Remove(b.file.Name())
		}
	}
}
