package gallery

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plantainhq/plantain/internal/shelf"
)

// A Shelf is a folder of files that are whole or not there. It is safe for
// concurrent use, also by several processes.
type Shelf = shelf.Shelf

// NewShelf makes the folder where there is none.
func NewShelf(dir string) (*Shelf, error) { return shelf.New(dir) }

// A tally is what is known of a shelf without looking at it. Its zero value is that of
// an empty one.
type tally struct {
	used   atomic.Int64 // bytes, as far as known
	lost   atomic.Int64 // files
	tidies sync.Mutex   // one goes on at a time
}

// Lost is how many could not be kept, since the start.
func (t *tally) Lost() int64 { return t.lost.Load() }

// over reports that there are more bytes than may be; most zero: there is no bound.
func (t *tally) over(most int64) bool { return most > 0 && t.used.Load() > most }

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
