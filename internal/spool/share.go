package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// lockSuffix ends the name of the lock beside a folder that [Share] made.
const lockSuffix = ".lock"

// Share is [New] for processes that use one dir at once: the Spool has a folder of
// its own in it. The folders of processes that are gone are removed, and swept is
// how many files were in them. Close it.
func Share(dir string, memory int64) (_ *Spool, swept int, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, fmt.Errorf("make the spool folder: %w", err)
	}
	if swept, err = sweepGone(dir); err != nil {
		return nil, swept, fmt.Errorf("sweep the spool: %w", err)
	}
	own := filepath.Join(dir, "of-"+rand.Text())
	// The lock comes first: a folder without one would be nobody's.
	alive := flock.New(own + lockSuffix)
	if err := alive.Lock(); err != nil {
		return nil, swept, fmt.Errorf("lock the spool folder: %w", err)
	}
	s, err := New(own, memory)
	if err != nil {
		return nil, swept, errors.Join(err, alive.Unlock())
	}
	s.alive = alive
	return s, swept, nil
}

// Close removes the folder that [Share] made. A Spool of [New] needs no end.
func (s *Spool) Close() error {
	if s.alive == nil {
		return nil
	}
	return remove(s.dir, s.alive)
}

// sweepGone removes the folders whose lock nobody holds.
func sweepGone(dir string) (swept int, err error) {
	locks, err := filepath.Glob(filepath.Join(dir, "of-*"+lockSuffix))
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, path := range locks {
		lock := flock.New(path)
		if ok, err := lock.TryLock(); err != nil || !ok {
			continue // it is alive, or just gone
		}
		folder := strings.TrimSuffix(path, lockSuffix)
		if files, err := os.ReadDir(folder); err == nil {
			swept += len(files)
		}
		errs = append(errs, remove(folder, lock))
	}
	return swept, errors.Join(errs...)
}

// remove takes a folder away, and then its lock.
func remove(folder string, lock *flock.Flock) error {
	err := errors.Join(os.RemoveAll(folder), lock.Unlock())
	if gone := os.Remove(lock.Path()); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
