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

// Put writes a file and gives its size. When it returns without an error, the file
// outlives a loss of power; else there is none.
func (s *Shelf) Put(name string, write func(io.Writer) error) (size int64, err error) {
	f, err := os.CreateTemp(s.dir, newPrefix)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	at, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := os.Rename(f.Name(), s.path(name)); err != nil {
		return 0, err
	}
	if err := errors.Join(s.sync(), f.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(s.path(name)))
	}
	return at.Size(), nil
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
