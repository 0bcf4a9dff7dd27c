//go:build !linux

package store

import "os"

// datasync returns when what was written to a file is on the disk.
func datasync(f *os.File) error { return f.Sync() }
