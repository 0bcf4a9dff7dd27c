package gallery

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Shelf is a folder of files that are whole or not there. It is safe for
// concurrent use, also by several processes.
type Shelf struct{ dir string }

// newPrefix begins the names of files that are being written.
const newPrefix = ".new-"

// NewShelf makes the folder where there is none.
func NewShelf(dir string) (*Shelf, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder of the gallery: %w", err)
	}
	return &Shelf{dir}, nil
}

// Put writes a file and gives its size. It is whole or not there whatever becomes of
// the process; a loss of power it may not outlive.
func (s *Shelf) Put(name string, write func(io.Writer) error) (size int64, err error) {
	return s.put(name, write, func(*os.File) error { return nil })
}

// PutSynced is Put for a file that outlives a loss of power as well, once it returns.
func (s *Shelf) PutSynced(name string, write func(io.Writer) error) (size int64, err error) {
	if size, err = s.put(name, write, (*os.File).Sync); err != nil {
		return 0, err
	}
	if err := s.sync(); err != nil {
		return 0, errors.Join(err, s.Remove(name))
	}
	return size, nil
}

func (s *Shelf) put(name string, write func(io.Writer) error, sync func(*os.File) error) (size int64, err error) {
	f, err := os.CreateTemp(s.dir, newPrefix)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // it may be closed already
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return 0, err
	}
	if err := sync(f); err != nil {
		return 0, err
	}
	at, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	return at.Size(), os.Rename(f.Name(), s.path(name))
}

// sync makes the names of new files durable.
func (s *Shelf) sync() error {
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open opens a file to be read. Its error is an [fs.ErrNotExist] where there is
// none.
func (s *Shelf) Open(name string) (*os.File, error) { return os.Open(s.path(name)) }

// Remove removes a file; one that is gone already is no error.
func (s *Shelf) Remove(name string) error {
	if err := os.Remove(s.path(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// path keeps a name inside of the folder, whatever it is.
func (s *Shelf) path(name string) string { return filepath.Join(s.dir, filepath.Base(name)) }

// A kept is a file of a Shelf.
type kept struct {
	name string
	size int64
	at   time.Time // when it was written, by the clock of the disk
}

// list gives all files, oldest first, also those that are being written.
func (s *Shelf) list() ([]kept, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list a folder of the gallery: %w", err)
	}
	var files []kept
	for _, e := range entries {
		at, err := e.Info()
		if err != nil || !at.Mode().IsRegular() {
			continue // just gone, or none of ours
		}
		files = append(files, kept{e.Name(), at.Size(), at.ModTime()})
	}
	slices.SortStableFunc(files, func(a, b kept) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(a.name, b.name))
	})
	return files, nil
}

// orphaned is the age from which on a file without a row belongs to nobody: its row
// is written right after it, or, while the store can't be written, when it can.
const orphaned = 15 * time.Minute

// sweep removes files that belong to nobody: those that are not among live, by name.
// alone says that no other process writes to the shelf and this one has not begun:
// then it does not matter how young they are. files are those of a list that is
// older than live.
func (s *Shelf) sweep(files []kept, live map[string]bool, alone bool) (stay []kept, swept int, err error) {
	var errs []error
	for _, f := range files {
		if live[f.name] || !alone && time.Since(f.at) < orphaned {
			stay = append(stay, f)
			continue
		}
		errs = append(errs, s.Remove(f.name))
		swept++
	}
	return stay, swept, errors.Join(errs...)
}

// total is how many bytes files have.
func total(files []kept) (sum int64) {
	for _, f := range files {
		sum += f.size
	}
	return sum
}

// oldest gives those that must go, so that what stays is nine tenths of most; none
// where it is no more than most. Zero: there is no bound.
func oldest(files []kept, live map[string]bool, most int64) (going []kept) {
	sum := total(files)
	if most == 0 || sum <= most {
		return nil
	}
	for _, f := range files {
		if sum <= most/10*9 {
			break
		}
		if live[f.name] {
			going = append(going, f)
			sum -= f.size
		}
	}
	return going
}
