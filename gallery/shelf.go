package gallery

import (
	"errors"
	"time"

	"github.com/plantainhq/plantain/internal/shelf"
)

// A Shelf is a folder of files that are whole or not there. It is safe for
// concurrent use, also by several processes.
type Shelf = shelf.Shelf

// NewShelf makes the folder where there is none.
func NewShelf(dir string) (*Shelf, error) { return shelf.New(dir) }

// orphaned is the age from which on a file without a row belongs to nobody: its row
// is written right after it, or, while the store can't be written, when it can.
const orphaned = 15 * time.Minute

// sweep removes files of a shelf that belong to nobody: those that are not among live, by name.
// alone says that no other process writes to the shelf and this one has not begun:
// then it does not matter how young they are. files are those of a list that is
// older than live.
func sweep(s *Shelf, files []shelf.File, live map[string]bool, alone bool) (stay []shelf.File, swept int, err error) {
	var errs []error
	for _, f := range files {
		if live[f.Name] || !alone && time.Since(f.At) < orphaned {
			stay = append(stay, f)
			continue
		}
		errs = append(errs, s.Remove(f.Name))
		swept++
	}
	return stay, swept, errors.Join(errs...)
}
