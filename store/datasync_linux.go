package store

import (
	"errors"
	"os"
	"syscall"
)

// datasync returns when what was written to a file is on the disk. When it was
// written need not be.
func datasync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
