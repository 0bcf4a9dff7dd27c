package gallery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plantainhq/plantain"
)

// A Thread is a conversation as far as its pictures are kept: all that goes back to one
// request, also where it went on from a turn in two ways.
type Thread struct {
	ID     plantain.RequestID // that began it, whether or not its pictures are still kept
	Client plantain.ClientName
	Turns  []Turn // in the order in which they were made; at least one
}

// A Turn is a request with the pictures that it brought, at least one.
type Turn struct {
	Request  plantain.RequestID
	Pictures []plantain.Picture // in the order in which they came
}

// Asked is the picture that stands for what was asked of all of them.
func (t Turn) Asked() plantain.Picture { return t.Pictures[0] }

// Cost is what the attempts cost that brought the pictures.
func (t Turn) Cost() (sum plantain.Cost) {
	seen := map[plantain.AttemptID]bool{}
	for _, p := range t.Pictures {
		if !seen[p.Attempt] {
			seen[p.Attempt] = true
			sum = plantain.Cost{Low: sum.Low + p.Cost.Low, High: sum.High + p.Cost.High}
		}
	}
	return sum
}

// Cost is what all turns cost. What brought no picture is not in it.
func (t Thread) Cost() (sum plantain.Cost) {
	for _, turn := range t.Turns {
		c := turn.Cost()
		sum = plantain.Cost{Low: sum.Low + c.Low, High: sum.High + c.High}
	}
	return sum
}

// Last is the turn that was made last.
func (t Thread) Last() Turn { return t.Turns[len(t.Turns)-1] }

// turn gives the turn of a request; false: it is not kept.
func (t Thread) turn(r plantain.RequestID) (Turn, bool) {
	i := slices.IndexFunc(t.Turns, func(turn Turn) bool { return turn.Request == r })
	if i < 0 {
		return Turn{}, false
	}
	return t.Turns[i], true
}

// line is the way from the beginning of the thread to a turn; gone says that it begins
// later, because the turns before are kept no more.
func (t Thread) line(to Turn) (line []Turn, gone bool) {
	for {
		line = append(line, to)
		parent := to.Asked().Parent
		before, kept := t.turn(parent)
		if !kept || len(line) > len(t.Turns) { // a thread that goes round was tampered with
			slices.Reverse(line)
			return line, parent != ""
		}
		to = before
	}
}

// threadsOf puts pictures, newest first, together to threads, newest first.
func threadsOf(pictures []plantain.Picture) []Thread {
	var threads []Thread
	at := map[plantain.RequestID]int{}
	for _, p := range pictures {
		if _, known := at[p.Thread]; !known {
			at[p.Thread] = len(threads)
			threads = append(threads, Thread{ID: p.Thread, Client: p.Client})
		}
	}
	for _, p := range slices.Backward(pictures) {
		t := &threads[at[p.Thread]]
		i := slices.IndexFunc(t.Turns, func(turn Turn) bool { return turn.Request == p.Request })
		if i < 0 {
			i = len(t.Turns)
			t.Turns = append(t.Turns, Turn{Request: p.Request})
		}
		t.Turns[i].Pictures = append(t.Turns[i].Pictures, p)
	}
	return threads
}

// Threads gives the threads that a query asks for, the one that was gone on with last
// first.
func (g *Gallery) Threads(ctx context.Context, q ThreadQuery) ([]Thread, error) {
	if err := g.hanging.wait(ctx, q.Client); err != nil {
		return nil, err
	}
	pictures, err := g.Rows.Threads(ctx, q)
	return threadsOf(pictures), err
}

// Last names in the place of an id what was made last.
const Last = "last"

// A NotKeptError says that nothing is kept under a name, or not enough, and what to do.
type NotKeptError struct{ text string }

func (e *NotKeptError) Error() string { return e.text }

func notKept(format string, args ...any) error { return &NotKeptError{fmt.Sprintf(format, args...)} }

// maxTurns bounds how much of a thread is looked at: its newest pictures, so many.
const maxTurns = 1000

// Thread gives the thread in which a name stands, and the turn that it names: by the id
// of a request or of a picture, by the beginning of one that is the only one to begin
// so, or by [Last]. A client finds its own only; an empty one all. Its error is a
// [NotKeptError] where there is none.
func (g *Gallery) Thread(ctx context.Context, c plantain.ClientName, name string) (Thread, Turn, error) {
	p, err := g.named(ctx, c, name)
	if err != nil {
		return Thread{}, Turn{}, err
	}
	all, err := g.Rows.Pictures(ctx, Query{Client: p.Client, Thread: p.Thread, Limit: maxTurns})
	if err != nil {
		return Thread{}, Turn{}, err
	}
	for _, thread := range threadsOf(all) {
		if turn, kept := thread.turn(p.Request); kept {
			return thread, turn, nil
		}
	}
	return Thread{}, Turn{}, notKept("%s was removed just now", name)
}

// named gives a picture of the turn that a name means.
func (g *Gallery) named(ctx context.Context, c plantain.ClientName, name string) (plantain.Picture, error) {
	var none plantain.Picture
	if err := g.hanging.wait(ctx, c); err != nil {
		return none, err
	}
	q := Query{Client: c, Named: name}
	if name == Last {
		q = Query{Client: c, Limit: 1}
	}
	found, err := g.Rows.Pictures(ctx, q)
	if err != nil {
		return none, err
	}
	if len(found) == 0 {
		if name == Last {
			return none, notKept("no picture is kept yet")
		}
		return none, notKept("no picture is kept of %s: plantain thread list shows what is", name)
	}
	var meant []string
	for _, p := range found {
		if id := string(p.Request); !slices.Contains(meant, id) {
			meant = append(meant, id)
		}
	}
	if len(meant) > 1 {
		return none, notKept("%q may be any of %s: write more of the id", name, several(meant))
	}
	return found[0], nil
}

// several lists words, the first five of them.
func several(words []string) string {
	const most = 5
	if len(words) > most {
		return strings.Join(words[:most], ", ") + " and others"
	}
	return strings.Join(words, ", ")
}

// GoesOn finds what a conversation goes on with: the last of the pictures of its model
// turns, which come by their identities, that is kept for the client. False: none is.
func (g *Gallery) GoesOn(ctx context.Context, c plantain.ClientName, identities []string) (plantain.Picture, bool, error) {
	const most = 32 // those before the last few do not matter
	identities = identities[max(len(identities)-most, 0):]
	if len(identities) == 0 {
		return plantain.Picture{}, false, nil
	}
	found, err := g.Rows.Pictures(ctx, Query{Client: c, Identities: identities})
	if err != nil {
		return plantain.Picture{}, false, err
	}
	for _, id := range slices.Backward(identities) {
		for _, p := range found {
			if p.Identity == id {
				return p, true, nil
			}
		}
	}
	return plantain.Picture{}, false, nil
}
