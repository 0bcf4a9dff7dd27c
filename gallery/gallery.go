package gallery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/internal/shelf"
)

// A Gallery keeps the pictures that were paid for. Rows and both shelves are
// required. It is safe for concurrent use and must not be copied.
//
// A picture is kept after its attempt is settled and its client has it: what is lost
// by a crash in between is a copy. Its file comes before its row and goes after it, so
// that a crash leaves no row without a file, and a file without a row is swept.
type Gallery struct {
	Rows   PictureRows
	Shelf  *Shelf
	Thumbs *Shelf        // of thumbnails, which can be made anew
	Age    time.Duration // past which a picture goes; zero: none does
	Max    int64         // bytes of all pictures on this Shelf, past which the oldest go; zero: no bound
	// Wordless keeps of the text that asked for a picture no more than its SHA-256.
	Wordless bool

	tally
	making  slots
	hanging hanging
}

// PictureRows is where all of a picture but its bytes stands, implemented by store.
type PictureRows interface {
	HangPicture(ctx context.Context, p plantain.Picture) error
	// Pictures gives those that a query asks for, newest first.
	Pictures(ctx context.Context, q Query) ([]plantain.Picture, error)
	// Threads gives the pictures of the threads that a query asks for, newest first.
	Threads(ctx context.Context, q ThreadQuery) ([]plantain.Picture, error)
	DropPictures(ctx context.Context, ids []plantain.PictureID) error
	// ExpirePictures removes what was made before an instant, and gives the files of
	// all that are left.
	ExpirePictures(ctx context.Context, before time.Time) (files map[string]bool, err error)
}

// A Query is which pictures to give. Zero values ask for all.
type Query struct {
	ID         plantain.PictureID
	Request    plantain.RequestID
	Client     plantain.ClientName
	Model      plantain.Model
	Thread     plantain.RequestID // that began it
	Identities []string           // any of them
	Named      string             // what the id of the picture or of its request begins with
	Before     plantain.PictureID // those that were kept before it
	Limit      int                // at most so many; zero: a hundred
}

// A ThreadQuery is which threads to give, the one that was gone on with last first.
// Zero values ask for all.
type ThreadQuery struct {
	Client plantain.ClientName
	Before plantain.PictureID // those whose last picture was kept before it
	Limit  int                // at most so many; zero: a hundred
}

// Hang keeps a picture whose bytes are read from a reader, and fills in what these
// tell.
func (g *Gallery) Hang(ctx context.Context, p plantain.Picture, from io.Reader) error {
	sum := sha256.New()
	size, err := g.Shelf.Put(p.File(), func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, sum), from)
		return err
	})
	if err != nil {
		g.lost.Add(1)
		return fmt.Errorf("keep a picture: %w", err)
	}
	g.used.Add(size)
	p.Bytes, p.Digest = size, hex.EncodeToString(sum.Sum(nil))
	if g.Wordless {
		p.Text = ""
	}
	if err := g.Rows.HangPicture(ctx, p); err != nil {
		g.lost.Add(1)
		return errors.Join(err, g.Shelf.Remove(p.File()))
	}
	return nil
}

// Open opens the file of a picture. Its error is an [io/fs.ErrNotExist] where it is
// not on this shelf.
func (g *Gallery) Open(p plantain.Picture) (*os.File, error) { return g.Shelf.Open(p.File()) }

// Find gives a picture; false: there is none.
func (g *Gallery) Find(ctx context.Context, id plantain.PictureID) (plantain.Picture, bool, error) {
	found, err := g.Rows.Pictures(ctx, Query{ID: id, Limit: 1})
	if err != nil || len(found) == 0 {
		return plantain.Picture{}, false, err
	}
	return found[0], true, nil
}

// Remove removes a picture.
func (g *Gallery) Remove(ctx context.Context, p plantain.Picture) error {
	if err := g.Rows.DropPictures(ctx, []plantain.PictureID{p.ID}); err != nil {
		return err
	}
	g.used.Add(-p.Bytes)
	return errors.Join(g.Shelf.Remove(p.File()), g.Thumbs.Remove(p.File()))
}

// Crowded reports that there is more on the shelf than may be.
func (g *Gallery) Crowded() bool { return g.over(g.Max) }

// maxStrays is how many files without a row a crash may leave: those that were being
// kept at that moment.
const maxStrays = 64

// strangers reports files that are no leftovers of a crash but of another store, such
// as one that was replaced by an empty or an older one: too many without a row, or some
// that are not young where there is no row at all. What is older than the age is
// nobody's loss.
func (g *Gallery) strangers(files []shelf.File, hang map[string]bool, before time.Time) (n int) {
	old := false
	for _, f := range files {
		if !hang[f.Name] && !strings.HasPrefix(f.Name, shelf.NewPrefix) && !f.At.Before(before) {
			n++
			old = old || time.Since(f.At) >= orphaned
		}
	}
	if n > maxStrays || len(hang) == 0 && old {
		return n
	}
	return 0
}

// Tidy removes what is too old, what belongs to nobody, and, where the bound is
// passed, the oldest until a tenth of it is free. alone is as for [Answers.Tidy].
// Where it looks as if the folder were that of another store, nothing is removed but
// what has a row, and that is its error.
func (g *Gallery) Tidy(ctx context.Context, now time.Time, alone bool) (swept int, err error) {
	g.tidies.Lock()
	defer g.tidies.Unlock()
	files, err := g.Shelf.List() // before the rows are read: a file is older than its row
	if err != nil {
		return 0, err
	}
	thumbs, err := g.Thumbs.List()
	if err != nil {
		return 0, err
	}
	var before time.Time
	if g.Age > 0 {
		before = now.Add(-g.Age)
	}
	hang, err := g.Rows.ExpirePictures(ctx, before)
	if err != nil {
		return 0, err
	}
	if n := g.strangers(files, hang, before); n > 0 {
		err = fmt.Errorf("%d files in the gallery are not known to the store and are left alone: bring back the store that knows them, or move them away", n)
	} else {
		files, swept, err = sweep(g.Shelf, files, hang, alone)
	}
	g.used.Store(shelf.Total(files))
	going := shelf.Oldest(files, func(f shelf.File) bool { return hang[f.Name] }, g.Max)
	ids := make([]plantain.PictureID, len(going))
	for i, f := range going {
		ids[i] = idOf(f.Name)
		delete(hang, f.Name)
	}
	if dropped := g.Rows.DropPictures(ctx, ids); dropped != nil {
		return swept, errors.Join(err, dropped)
	}
	for _, f := range going {
		err = errors.Join(err, g.Shelf.Remove(f.Name), g.Thumbs.Remove(f.Name))
		g.used.Add(-f.Size)
	}
	_, _, failed := sweep(g.Thumbs, thumbs, hang, alone)
	return swept, errors.Join(err, failed)
}

// idOf gives the picture whose file has a name.
func idOf(name string) plantain.PictureID {
	return plantain.PictureID(strings.TrimSuffix(name, filepath.Ext(name)))
}
