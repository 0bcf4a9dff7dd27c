package pool

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
)

// Priority orders the requests that wait for room. The zero value is normal.
type Priority int

// The priorities of a request.
const (
	Low    Priority = -1
	Normal Priority = 0
	High   Priority = 1
)

// ErrQueueFull says that no more requests may wait.
var ErrQueueFull = errors.New("the queue is full")

// A Queue is where requests wait for room, a line for each model. In a line a
// higher priority goes first; among equals the clients take turns, so that one
// client's flood does not starve another's single request. Whoever is at the
// head looks for room, alone; the others wait for it to find some. The zero
// value is ready.
type Queue struct {
	mu    sync.Mutex
	most  int // requests that may wait over all lines; zero: defaultMost
	lines map[plantain.Model]*line
	count int
}

// A line is the queue of one model. Its turns are virtual time: a request is due
// two steps after the client's last one, or one step from now where that was long
// ago, so that whoever comes rarely goes before the next one of a flood, and not
// before every next one.
type line struct {
	waiting places
	next    time.Time // before it, the head does not take room
	lanes   map[Priority]*lane
	seq     int64
}

// A lane is the virtual time of one priority.
type lane struct {
	turn int64 // of the last one that took room
	last map[plantain.ClientName]int64
}

// A Place is a request's place in a line.
type Place struct {
	model    plantain.Model
	priority Priority
	due      int64
	seq      int64
	index    int           // in the heap; -1: it has left
	head     chan struct{} // closed when it comes to the head; another one where it is overtaken
}

const defaultMost = 1000

// Allow sets how many requests may wait over all lines; zero: 1000. Those that
// wait already stay.
func (q *Queue) Allow(most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.most = most
}

// Line is how many requests wait for a model.
func (q *Queue) Line(m plantain.Model) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[m]; l != nil {
		return len(l.waiting)
	}
	return 0
}

// Len is how many requests wait, for whatever model.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}

// Join takes a place. The caller must [Queue.Leave] it. It errs with
// [ErrQueueFull].
func (q *Queue) Join(m plantain.Model, c plantain.ClientName, p Priority) (*Place, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count >= cmp.Or(q.most, defaultMost) {
		return nil, ErrQueueFull
	}
	l := q.lines[m]
	if l == nil {
		l = &line{lanes: map[Priority]*lane{}}
		if q.lines == nil {
			q.lines = map[plantain.Model]*line{}
		}
		q.lines[m] = l
	}
	way := l.lanes[p]
	if way == nil {
		way = &lane{last: map[plantain.ClientName]int64{}}
		l.lanes[p] = way
	}
	l.seq++
	place := &Place{model: m, priority: p, due: max(way.turn+1, way.last[c]+2), seq: l.seq, head: make(chan struct{})}
	way.last[c] = place.due
	if len(l.waiting) > 0 {
		l.waiting[0].head = make(chan struct{}) // in case it is overtaken
	}
	heap.Push(&l.waiting, place)
	q.count++
	l.call()
	return place, nil
}

// Wait returns when a place is at the head of its line, or the context ends. One
// that was at the head may be overtaken by one that is due before it, so ask again
// before room is taken.
func (q *Queue) Wait(ctx context.Context, p *Place) error {
	for {
		head, called := q.isHead(p)
		if head {
			return nil
		}
		select {
		case <-called:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isHead reports whether a place is at the head, and what tells when it will be.
func (q *Queue) isHead(p *Place) (head bool, called <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[p.model]
	return p.index == 0 && l != nil && l.waiting[0] == p, p.head
}

// Next is the instant before which the head of a line should not take room, and
// Took sets it: while more is asked than there is room for, room is taken evenly
// and not in bursts, or whoever comes after a burst would wait out a whole minute.
func (q *Queue) Next(m plantain.Model) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[m]; l != nil {
		return l.next
	}
	return time.Time{}
}

// Took notes that the one at a place took room, for whom it was due, and sets
// [Queue.Next]: a step after the last one was due, and not after it came, so that
// what a wait for room delayed is made up for. No more than one step is: a burst would leave a gap a minute later.
func (q *Queue) Took(p *Place, now time.Time, step time.Duration) {
	const behind = 1
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[p.model]; l != nil {
		way := l.lanes[p.priority]
		way.turn = max(way.turn, p.due)
		if earliest := now.Add(-behind * step); l.next.Before(earliest) {
			l.next = earliest
		}
		l.next = l.next.Add(step)
	}
}

// Leave gives a place up, with room found or without, and calls the next one.
func (q *Queue) Leave(p *Place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[p.model]
	if p.index < 0 {
		return
	}
	heap.Remove(&l.waiting, p.index)
	q.count--
	if len(l.waiting) == 0 {
		delete(q.lines, p.model) // nobody is owed a turn
		return
	}
	l.call()
}

// call tells the head of the line that it is.
func (l *line) call() {
	head := l.waiting[0]
	select {
	case <-head.head:
	default:
		close(head.head)
	}
}

// places is a heap, the next one first.
type places []*Place

func (ps places) Len() int { return len(ps) }

func (ps places) Less(i, j int) bool {
	a, b := ps[i], ps[j]
	return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.due, b.due), cmp.Compare(a.seq, b.seq)) < 0
}

func (ps places) Swap(i, j int) {
	ps[i], ps[j] = ps[j], ps[i]
	ps[i].index, ps[j].index = i, j
}

// Push implements [heap.Interface].
func (ps *places) Push(x any) {
	p := x.(*Place)
	p.index = len(*ps)
	*ps = append(*ps, p)
}

// Pop implements [heap.Interface].
func (ps *places) Pop() any {
	old := *ps
	p := old[len(old)-1]
	*ps, p.index = old[:len(old)-1], -1
	return p
}
