package gallery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/internal/shelf"
)

// Answers keeps the answers that are owed to repeated requests. All fields but Max
// are required. It is safe for concurrent use and must not be copied.
//
// A claim is written with the attempt, before anything is sent. When the answer
// is final its body is a file, synced and renamed into place, before its row is
// written, in the one transaction that also settles the attempt; only after that
// does the client see the end of it. So a crash leaves one of these:
//
//   - before the claim: nothing was sent, and the request starts anew;
//   - between claim and settlement: a claim without an answer. Whether the attempts
//     of its request may have been charged stands in the ledger; where one may, the
//     claim answers that it is not known, and where none was, it starts anew. A file
//     that was written by then has no row and is swept;
//   - after the settlement: row and file are there, whatever the client saw.
//
// A body leaves before its row does: a row without a body still tells that the
// request was answered, so that no crash makes it be paid for twice.
type Answers struct {
	Rows  AnswerRows
	Shelf *Shelf
	Max   int64 // bytes of all bodies on this Shelf, past which the oldest go; zero: no bound

	tally
}

// AnswerRows is where all of an answer but its body stands, implemented by store.
type AnswerRows interface {
	// Owed gives what stands under a client's key, or, where the key is empty, of a
	// request; nil: nothing that has not expired.
	Owed(ctx context.Context, by plantain.Answer, now time.Time) (*Owed, error)
	// KeepAnswer writes an answer in the place of its own claim, or where there is none.
	KeepAnswer(ctx context.Context, a plantain.Answer) error
	// ReleaseClaim removes the claim or the answer of a request.
	ReleaseClaim(ctx context.Context, r plantain.RequestID) error
	// LoseAnswers takes note that the bodies of answers are gone.
	LoseAnswers(ctx context.Context, requests []plantain.RequestID) error
	// ExpireAnswers removes what has expired and gives all requests whose bodies are
	// left.
	ExpireAnswers(ctx context.Context, now time.Time) (map[string]bool, error)
}

// Owed is a claim, and the answer once it is final.
type Owed struct {
	plantain.Answer
	// Elsewhere says that the request runs in another process. False of a claim
	// without an answer: nobody runs it, unless the asker does.
	Elsewhere bool
	Spent     plantain.Cost // of the attempts of a claim without an answer
}

// Replayed is the header by which an answer tells that it was made for an earlier
// request.
const Replayed = "Idempotent-Replayed"

// Heading gives the headers of an answer as it is given again.
func (o *Owed) Heading() map[string][]string {
	h := maps.Clone(o.Header)
	if h == nil {
		h = map[string][]string{}
	}
	h[Replayed] = []string{"true"}
	return h
}

// Find gives what stands under a client's key; nil: nothing.
func (a *Answers) Find(ctx context.Context, c plantain.ClientName, key string, now time.Time) (*Owed, error) {
	return a.Rows.Owed(ctx, plantain.Answer{Client: c, Claim: plantain.Claim{Key: key}}, now)
}

// Of gives the claim or the answer of a request; nil: there is none.
func (a *Answers) Of(ctx context.Context, r plantain.RequestID, now time.Time) (*Owed, error) {
	return a.Rows.Owed(ctx, plantain.Answer{Request: r}, now)
}

// Write makes the body of an answer durable and gives its size.
func (a *Answers) Write(r plantain.RequestID, write func(io.Writer) error) (int64, error) {
	n, err := a.Shelf.PutSynced(string(r), write)
	if err != nil {
		a.lost.Add(1)
		return 0, fmt.Errorf("keep an answer: %w", err)
	}
	a.used.Add(n)
	return n, nil
}

// Open opens the body of an answer. Close it. Its error is an [io/fs.ErrNotExist]
// where it is not on this shelf; one that is not whole is an error too.
func (a *Answers) Open(o *Owed) (*os.File, error) {
	f, err := a.Shelf.Open(string(o.Request))
	if err != nil {
		return nil, err
	}
	at, err := f.Stat()
	if err == nil && at.Size() != o.Size {
		err = fmt.Errorf("it has %d bytes, of %d that were kept", at.Size(), o.Size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Release forgets a request that may be asked anew.
func (a *Answers) Release(ctx context.Context, r plantain.RequestID) error {
	// The row goes last: without one, the file of a crash in between would be swept,
	// but a file that is gone says nothing wrong.
	return errors.Join(a.Shelf.Remove(string(r)), a.Rows.ReleaseClaim(ctx, r))
}

// Crowded reports that there is more on the shelf than may be.
func (a *Answers) Crowded() bool { return a.over(a.Max) }

// Tidy removes what has expired, what belongs to nobody, and, where the bound is
// passed, the oldest until a tenth of it is free. alone says that no other process
// writes to the shelf and this one has not begun: then what has no row is nobody's
// at once.
func (a *Answers) Tidy(ctx context.Context, now time.Time, alone bool) (swept int, err error) {
	a.tidies.Lock()
	defer a.tidies.Unlock()
	files, err := a.Shelf.List() // before the rows are read: a file is older than its row
	if err != nil {
		return 0, err
	}
	owed, err := a.Rows.ExpireAnswers(ctx, now)
	if err != nil {
		return 0, err
	}
	files, swept, err = sweep(a.Shelf, files, owed, alone)
	a.used.Store(shelf.Total(files))
	going := shelf.Oldest(files, func(f shelf.File) bool { return owed[f.Name] }, a.Max)
	requests := make([]plantain.RequestID, len(going))
	for i, f := range going {
		requests[i] = plantain.RequestID(f.Name)
	}
	if lost := a.Rows.LoseAnswers(ctx, requests); lost != nil {
		return swept, errors.Join(err, lost)
	}
	for _, f := range going {
		err = errors.Join(err, a.Shelf.Remove(f.Name))
		a.used.Add(-f.Size)
	}
	return swept, err
}
