// Package spool holds bodies while they are verified: in recycled chunks under
// one memory budget, beyond it in files of one folder. It knows nothing of what
// the bytes mean.
//
// The folder must not be the system's temporary one, which may be memory; it
// lies beside the images, so that a spilled body can be renamed into place.
package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// A body begins with a small chunk, which most requests and errors fit, unless it is
// likely to be long, and goes on in large ones: with 512 KiB a 1.5 MB answer took a
// quarter less processor time than with 64 KiB, most of it in the kernel.
const (
	firstSize = 16 << 10
	chunkSize = 512 << 10
)

// keepFirsts is how many first chunks are kept for the next bodies.
const keepFirsts = 64

// keepFree is how much memory is kept for the next bodies however long none come,
// and trimEvery how long what was in use before is kept beyond that: to take a
// chunk from the system again costs more than to copy a body into it.
const (
	keepFree  = 8 << 20
	trimEvery = 3 * time.Second
)

// DefaultMemory is the budget of a Spool whose Memory is zero.
const DefaultMemory = 128 << 20

// filePrefix marks the files that [Spool.Sweep] may remove.
const filePrefix = "spool-"

// A Spool hands out Buffers that share one memory budget. It is safe for
// concurrent use.
type Spool struct {
	dir    string
	budget int64
	alive  *flock.Flock // of a folder that Share made; nil: dir is New's

	mu       sync.Mutex
	used     int64    // bytes of chunks in Buffers
	most     int64    // the most that was used since the last trim
	firsts   [][]byte // free first chunks
	free     [][]byte // free large chunks
	trimming bool     // a trim is due
}

// New makes a Spool that keeps at most memory bytes of bodies in memory (zero:
// [DefaultMemory]) and the rest in dir, which is made if it does not exist.
func New(dir string, memory int64) (*Spool, error) {
	if memory == 0 {
		memory = DefaultMemory
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the spool folder: %w", err)
	}
	return &Spool{dir: dir, budget: memory}, nil
}

// Sweep removes the files that an earlier process left behind and reports how
// many there were. Call it before the first Buffer, and only if no other
// process uses the folder.
func (s *Spool) Sweep() (int, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, fmt.Errorf("sweep the spool: %w", err)
	}
	swept := 0
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filePrefix) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
			return swept, fmt.Errorf("sweep the spool: %w", err)
		}
		swept++
	}
	return swept, nil
}

// maxProbe bounds what a probe writes.
const maxProbe = 32 << 20

// Probe writes a file of a size, at least a small one and at most 32 MiB, as far as
// to the disk, and removes it. Its error says why a body could not be kept.
func (s *Spool) Probe(size int64) (err error) {
	f, err := os.CreateTemp(s.dir, filePrefix)
	if err != nil {
		return fmt.Errorf("probe the spool: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, firstSize)
	_, _ = rand.Read(block) // zeros might take no room; it never fails
	for size = min(max(size, 1), maxProbe); size > 0; size -= firstSize {
		if _, err := f.Write(block); err != nil {
			return fmt.Errorf("probe the spool: %w", err)
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("probe the spool: %w", err)
	}
	return nil
}

// Used reports how many bytes of memory bodies hold at this moment.
func (s *Spool) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// take gives a chunk, a small first one or a large one, or nil where the budget is
// used up.
func (s *Spool) take(first bool) []byte {
	size := int64(chunkSize)
	if first {
		size = firstSize
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+size > s.budget {
		return nil
	}
	s.used += size
	s.most = max(s.most, s.used)
	switch {
	case first && len(s.firsts) > 0:
		return pop(&s.firsts)
	case first:
		return make([]byte, firstSize)
	case len(s.free) > 0:
		return pop(&s.free)
	default:
		return newChunk()
	}
}

func pop(chunks *[][]byte) []byte {
	last := len(*chunks) - 1
	c := (*chunks)[last]
	(*chunks)[last] = nil
	*chunks = (*chunks)[:last]
	return c
}

// give takes the chunks of a body back. First ones beyond keepFirsts are left to the
// collector.
func (s *Spool) give(chunks [][]byte) {
	if len(chunks) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range chunks {
		s.used -= int64(len(c))
		switch {
		case len(c) == chunkSize:
			s.free = append(s.free, c)
		case len(s.firsts) < keepFirsts:
			s.firsts = append(s.firsts, c)
		}
	}
	s.trimLater()
}

// trimLater sees to it that free memory is given back to the system in time.
func (s *Spool) trimLater() {
	if !s.trimming && int64(len(s.free))*chunkSize > keepFree {
		s.trimming = true
		time.AfterFunc(trimEvery, s.trim)
	}
}

// trim gives back what was not needed since the last trim.
func (s *Spool) trim() {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := int(max(s.most-s.used, keepFree-s.used, 0) / chunkSize)
	for i := keep; i < len(s.free); i++ {
		freeChunk(s.free[i])
		s.free[i] = nil
	}
	s.free = s.free[:min(keep, len(s.free))]
	s.most, s.trimming = s.used, false
	s.trimLater()
}
