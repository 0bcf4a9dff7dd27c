//go:build !unix

package spool

func newChunk() []byte { return make([]byte, chunkSize) }

func freeChunk([]byte) {}
