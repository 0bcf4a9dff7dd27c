//go:build unix

package spool

import "syscall"

// newChunk takes a chunk from the system and not from the garbage collector's
// heap: live bodies would let that grow by as much again before it collects.
// Where the system gives none, the heap does.
func newChunk() []byte {
	c, err := syscall.Mmap(-1, 0, chunkSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, chunkSize)
	}
	return c
}

// freeChunk gives a chunk back. One from the heap is not known to the system,
// which says so; the collector takes it.
func freeChunk(c []byte) { _ = syscall.Munmap(c) }
