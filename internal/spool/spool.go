// Package spool holds bodies while they are verified: in recycled chunks under
// one memory budget, beyond it in files of one folder. It knows nothing of what
// the bytes mean.
//
// The folder must not be the system's temporary one, which may be memory; it
// lies beside the images, so that a spilled body can be renamed into place.
package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// chunkSize is the size of a chunk: large enough that a read and a write of one
// cost little, small enough that a short body wastes little.
const chunkSize = 64 << 10

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

	mu       sync.Mutex
	used     int64 // bytes of chunks in Buffers
	most     int64 // the most that was used since the last trim
	free     [][]byte
	trimming bool // a trim is due
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
	var errs []error
	swept := 0
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filePrefix) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
			errs = append(errs, err)
			continue
		}
		swept++
	}
	return swept, errors.Join(errs...)
}

// Used reports how many bytes of memory bodies hold at this moment.
func (s *Spool) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// take gives a chunk, or nil where the budget is used up.
func (s *Spool) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+chunkSize > s.budget {
		return nil
	}
	s.used += chunkSize
	s.most = max(s.most, s.used)
	if n := len(s.free); n > 0 {
		c := s.free[n-1]
		s.free = s.free[:n-1]
		return c
	}
	return newChunk()
}

// give takes chunks back.
func (s *Spool) give(chunks [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= int64(len(chunks)) * chunkSize
	s.free = append(s.free, chunks...)
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
