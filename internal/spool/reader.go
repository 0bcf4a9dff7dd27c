package spool

import (
	"errors"
	"io"
	"os"
)

// ErrQuit says that a reader was told not to wait any longer.
var ErrQuit = errors.New("spool: the reader was told to quit")

var errBeforeStart = errors.New("spool: read before the start")

// Reader gives the body from its start, with a reference of its own that Close
// drops. Where the body is held, the reader waits for more until quit is closed;
// a nil quit waits as long as it takes. Several readers may be used at once.
func (b *Buffer) Reader(quit <-chan struct{}) *Reader { return &Reader{b: b.Retain(), quit: quit} }

// A Reader reads a Buffer. It implements io.ReadSeekCloser and io.WriterTo.
type Reader struct {
	b      *Buffer
	quit   <-chan struct{}
	at     int64
	own    *os.File // the buffer's file, opened for this reader alone; nil: it was not
	closed bool
}

// A piece is what can be read at an offset: bytes of a chunk, or a run of the file.
type piece struct {
	bytes  []byte
	file   *os.File
	offset int64 // in the file
	length int64 // of the run
}

// next waits for what stands at the reader's offset. It gives io.EOF at the end.
func (r *Reader) next() (piece, error) {
	for {
		p, news, err := r.b.at(r.at)
		if news == nil {
			return p, err
		}
		select {
		case <-news:
		case <-r.quit:
			return piece{}, ErrQuit
		}
	}
}

// at gives what can be read at an offset, or the channel that tells of more.
func (b *Buffer) at(at int64) (piece, <-chan struct{}, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := b.size
	if b.held || at < b.shown {
		// What was let go is a piece of its own: clients take an error at the end of
		// a stream for one only if it does not come in one read with what was before.
		limit = b.shown
	}
	switch {
	case at < limit:
		return b.within(at, limit), nil, nil
	case b.held:
		return piece{}, b.news, nil
	case at < limit+int64(len(b.extra)):
		return piece{bytes: b.extra[at-limit:]}, nil, nil
	default:
		return piece{}, nil, io.EOF
	}
}

// within gives what stands at an offset before limit.
func (b *Buffer) within(at, limit int64) piece {
	if at >= b.memory {
		return piece{file: b.file, offset: at - b.memory, length: limit - at}
	}
	chunk, start := b.chunkAt(at)
	end := min(int64(len(b.chunks[chunk])), min(limit, b.memory)-start)
	return piece{bytes: b.chunks[chunk][at-start : end]}
}

// chunkAt gives the chunk that has what stands at an offset, and where it begins.
func (b *Buffer) chunkAt(at int64) (chunk int, start int64) {
	first := int64(len(b.chunks[0]))
	if at < first {
		return 0, 0
	}
	n := (at - first) / chunkSize
	return 1 + int(n), first + n*chunkSize
}

// read copies what a piece has to p.
func (next piece) read(p []byte) (int, error) {
	if next.file == nil {
		return copy(p, next.bytes), nil
	}
	n, err := next.file.ReadAt(p[:min(int64(len(p)), next.length)], next.offset)
	if n == 0 && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // somebody cut the file
	}
	return n, err
}

func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	next, err := r.next()
	if err != nil {
		return 0, err
	}
	n, err := next.read(p)
	r.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// WriteTo writes the rest of the body: chunks without a copy of its own, and what is
// in a file so that the kernel can send it to a socket by itself.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		next, err := r.next()
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		var n int64
		if next.file == nil {
			var short int
			short, err = w.Write(next.bytes)
			n = int64(short)
		} else {
			n, err = io.Copy(w, r.run(next))
		}
		r.at += n
		total += n
		if n == 0 && err == nil {
			err = io.ErrUnexpectedEOF // somebody cut the file
		}
		if err != nil {
			return total, err
		}
	}
}

// run gives a run of the file to read. The kernel sends from where an open file
// stands, so each reader opens it for itself; where that fails, because the file was
// moved, the buffer's own is read, at its offsets.
func (r *Reader) run(next piece) io.Reader {
	if r.own == nil {
		r.own = reopen(next.file)
	}
	if r.own != nil {
		if _, err := r.own.Seek(next.offset, io.SeekStart); err == nil {
			return io.LimitReader(r.own, next.length)
		}
	}
	return io.NewSectionReader(next.file, next.offset, next.length)
}

// reopen opens an open file once more; nil: what has its name is not that file.
func reopen(f *os.File) *os.File {
	was, err := f.Stat()
	if err != nil {
		return nil
	}
	own, err := os.Open(f.Name())
	if err != nil {
		return nil
	}
	if is, err := own.Stat(); err != nil || !os.SameFile(was, is) {
		_ = own.Close()
		return nil
	}
	return own
}

// ReadAt implements [io.ReaderAt] over what is to be seen of the body at once: it
// waits for nothing, and ends where a held body does so far.
func (b *Buffer) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errBeforeStart
	}
	for n < len(p) {
		next, news, err := b.at(off + int64(n))
		switch {
		case news != nil:
			return n, io.EOF
		case err != nil:
			return n, err
		}
		m, err := next.read(p[n:])
		n += m
		if m == 0 {
			return n, err
		}
	}
	return n, nil
}

// Written reads all that was written, also what readers do not see yet. Only the
// buffer's own writer may use it.
func (b *Buffer) Written() io.ReaderAt { return written{b} }

type written struct{ b *Buffer }

func (w written) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errBeforeStart
	}
	for n < len(p) {
		at := off + int64(n)
		if at >= w.b.size {
			return n, io.EOF
		}
		m, err := w.b.within(at, w.b.size).read(p[n:])
		n += m
		if m == 0 {
			return n, err
		}
	}
	return n, nil
}

// Seek sets where the next Read begins. The end of a held body is what is
// written of it.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.b.Len()
	}
	if offset < 0 {
		return 0, errors.New("spool: seek before the start")
	}
	r.at = offset
	return offset, nil
}

// Close drops the reader's reference. A second Close does nothing.
func (r *Reader) Close() error {
	if !r.closed {
		r.closed = true
		if r.own != nil {
			_ = r.own.Close() // it was only read
		}
		r.b.Release()
	}
	return nil
}
