package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// A Buffer holds one body. One goroutine writes it; after that any number may
// read it at once. It starts with one reference; the last [Buffer.Release]
// gives its memory and its file back.
type Buffer struct {
	spool  *Spool
	chunks [][]byte
	tail   int // bytes used of the last chunk
	file   *os.File
	memory int64 // bytes in chunks
	size   int64
	refs   atomic.Int32
}

// Buffer gives an empty Buffer with one reference.
func (s *Spool) Buffer() *Buffer {
	b := &Buffer{spool: s}
	b.refs.Store(1)
	return b
}

// Len is how many bytes were written.
func (b *Buffer) Len() int64 { return b.size }

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
			b.size += int64(n)
			return wrote + n, err
		}
		n := copy(room, p)
		b.wrote(n)
		wrote, p = wrote+n, p[n:]
	}
	return wrote, nil
}

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
				spill = make([]byte, chunkSize)
			}
			target = spill
		}
		n, rerr := r.Read(target)
		if n > 0 {
			tap(target[:n])
			if room != nil {
				b.wrote(n)
			} else if err := b.spillWrite(target[:n]); err != nil {
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

func (b *Buffer) spillWrite(p []byte) error {
	n, err := b.file.Write(p)
	b.size += int64(n)
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
	if n := len(b.chunks); n > 0 && b.tail < chunkSize {
		return b.chunks[n-1][b.tail:], nil
	}
	if c := b.spool.take(); c != nil {
		b.chunks, b.tail = append(b.chunks, c), 0
		return c, nil
	}
	f, err := os.CreateTemp(b.spool.dir, filePrefix)
	if err != nil {
		return nil, fmt.Errorf("open a spool file: %w", err)
	}
	b.file = f
	return nil, nil
}

func (b *Buffer) wrote(n int) {
	b.tail += n
	b.memory += int64(n)
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
		_ = os.Remove(b.file.Name())
	}
}

// Reader gives the body from its start, with a reference of its own that Close
// drops. Several readers may be used at once.
func (b *Buffer) Reader() *Reader { return &Reader{b: b.Retain()} }

// A Reader reads a Buffer. It implements io.ReadSeekCloser and io.WriterTo.
type Reader struct {
	b      *Buffer
	at     int64
	closed bool
}

func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	piece, err := r.b.piece(r.at)
	if err != nil {
		return 0, err
	}
	if piece == nil {
		n, err := r.b.file.ReadAt(p, r.at-r.b.memory)
		r.at += int64(n)
		if n > 0 {
			err = nil
		}
		return n, err
	}
	n := copy(p, piece)
	r.at += int64(n)
	return n, nil
}

// piece gives the rest of the chunk at an offset, nil where the file goes on,
// io.EOF at the end.
func (b *Buffer) piece(at int64) ([]byte, error) {
	if at >= b.size {
		return nil, io.EOF
	}
	if at >= b.memory {
		return nil, nil
	}
	i := at / chunkSize
	end := min(chunkSize, b.memory-i*chunkSize)
	return b.chunks[i][at-i*chunkSize : end], nil
}

// WriteTo writes the rest of the body without a copy of its own.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		piece, err := r.b.piece(r.at)
		if err == io.EOF {
			return total, nil
		}
		if piece == nil {
			n, err := io.Copy(w, io.NewSectionReader(r.b.file, r.at-r.b.memory, r.b.size-r.at))
			r.at += n
			return total + n, err
		}
		n, err := w.Write(piece)
		r.at += int64(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// Seek sets where the next Read begins.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.b.size
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
		r.b.Release()
	}
	return nil
}
