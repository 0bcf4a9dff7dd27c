// Package shelf keeps files in a folder, each of them whole or not there. It knows
// nothing of what they are.
package shelf

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

// NewPrefix begins the names of files that are being written.
const NewPrefix = ".new-"

// New makes the folder where there is none.
func New(dir string) (*Shelf, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
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
	f, err := os.CreateTemp(s.dir, NewPrefix)
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

// Touch gives a file another age; one that is gone is no error.
func (s *Shelf) Touch(name string, at time.Time) error {
	if err := os.Chtimes(s.path(name), at, at); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Remove removes a file; one that is gone already is no error.
func (s *Shelf) Remove(name string) error {
	if err := os.Remove(s.path(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// path keeps a name inside of the folder, whatever it is.
func (s *Shelf) path(name string) string { return filepath.Join(s.dir, filepath.Base(name)) }

// A File is one of a Shelf.
type File struct {
	Name string
	Size int64
	At   time.Time // when it was written, by the clock of the disk, or last touched
}

// List gives all files, oldest first, also those that are being written.
func (s *Shelf) List() ([]File, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list a folder: %w", err)
	}
	var files []File
	for _, e := range entries {
		at, err := e.Info()
		if err != nil || !at.Mode().IsRegular() {
			continue // just gone, or none of ours
		}
		files = append(files, File{e.Name(), at.Size(), at.ModTime()})
	}
	slices.SortStableFunc(files, func(a, b File) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Name, b.Name))
	})
	return files, nil
}

// Total is how many bytes files have.
func Total(files []File) (sum int64) {
	for _, f := range files {
		sum += f.Size
	}
	return sum
}

// Oldest gives those that must go of files in the order of [Shelf.List], so that what
// stays is nine tenths of most; none where it is no more than most. Zero: there is no
// bound.
func Oldest(files []File, may func(File) bool, most int64) (going []File) {
	sum := Total(files)
	if most == 0 || sum <= most {
		return nil
	}
	for _, f := range files {
		if sum <= most/10*9 {
			break
		}
		if may(f) {
			going = append(going, f)
			sum -= f.Size
		}
	}
	return going
}
