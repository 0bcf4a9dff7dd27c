package relay

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/plantainhq/plantain"
)

// A flight is one running request. It runs on a goroutine and a context of its
// own, because what was sent is finished whoever leaves; callers wait for it.
type flight struct {
	ask     *ask
	key     flightKey
	all     *flights
	without map[plantain.ProjectName]bool // projects that this request goes around; only run uses it

	answered chan struct{} // closed when answer is set
	answer   *answer
	unseen   bool // nobody waited any more when answer was set; only run uses it

	// What follows is guarded by flights.mu.
	bounds  bounds // of the most patient caller
	callers int
	landed  bool
	waiting context.Context // ends when the last caller leaves; another one where one joins after that
	leave   context.CancelFunc
}

// depart gives the answer to those who wait, while the flight may go on: a stream
// is answered with its first event, any other answer before it is settled. The
// first call counts; only run calls it.
func (f *flight) depart(a *answer) {
	if f.answer == nil {
		f.unseen = f.abandoned()
		f.answer = a
		close(f.answered)
	} else if f.answer != a {
		a.release()
	}
}

// until is how long the most patient caller waits.
func (f *flight) until() bounds {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	return f.bounds
}

// wait is the context of waiting for this request: it ends when the last caller
// leaves.
func (f *flight) wait() context.Context {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	return f.waiting
}

// left reports whether nobody waits for the answer any more. Then nobody can join
// the flight either: it is about to end without one.
func (f *flight) left() bool {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	if f.callers > 0 {
		return false
	}
	if f.all.byKey[f.key] == f {
		delete(f.all.byKey, f.key)
	}
	return true
}

// abandoned reports that nobody waits for the answer any more, or did when it was
// given: those who did have it, and may be gone.
func (f *flight) abandoned() bool {
	if f.answer != nil {
		return f.unseen
	}
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	return f.callers == 0
}

// flights are all running requests. Those that carry an idempotency key can be
// joined. The zero value is ready.
type flights struct {
	mu     sync.Mutex
	byKey  map[flightKey]*flight
	count  int
	landed *sync.Cond
}

type flightKey struct {
	client plantain.ClientName
	key    string
}

// join runs a request, or waits for the one that already runs under the same
// client and key, which it then reports. It gives an error only where the caller's
// context ends first.
func (fs *flights) join(ctx context.Context, a *ask, run func(*flight) *answer) (_ *answer, joined bool, _ error) {
	f := fs.board(a, run)
	if f == nil {
		a.body.Release()
		return &answer{refused: keyReused(), header: header{request: a.id}}, false, nil
	}
	joined = f.ask != a
	select {
	case <-f.answered:
	case <-ctx.Done():
		fs.quit(f)
		return nil, joined, ctx.Err()
	}
	answer := f.answer.share()
	fs.quit(f)
	return answer, joined, nil
}

// board finds the flight to wait for, and starts it where there is none. It gives
// nil where the key is in use for another body.
func (fs *flights) board(a *ask, run func(*flight) *answer) *flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	k := flightKey{a.caller.Client, a.key}
	if f := fs.byKey[k]; a.key != "" && f != nil {
		if f.ask.digest != a.digest {
			return nil
		}
		a.body.Release()
		f.bounds = f.bounds.widest(a.bounds)
		if f.callers++; f.callers == 1 {
			f.waiting, f.leave = context.WithCancel(context.Background())
		}
		return f
	}
	f := &flight{ask: a, key: k, all: fs, bounds: a.bounds, answered: make(chan struct{}), callers: 1, without: map[plantain.ProjectName]bool{}}
	f.waiting, f.leave = context.WithCancel(context.Background())
	if fs.byKey == nil {
		fs.byKey = map[flightKey]*flight{}
		fs.landed = sync.NewCond(&fs.mu)
	}
	if a.key != "" {
		fs.byKey[k] = f
	}
	fs.count++
	go func() {
		defer fs.land(f)
		a := fly(f, run)
		fs.close(f)
		f.depart(a)
	}()
	return f
}

// fly runs a request. A fault in the code that panics is a fault of this request
// alone: others are in the air, and paid for. Its attempt stays out in the books
// and becomes an unknown.
func fly(f *flight, run func(*flight) *answer) (a *answer) {
	defer func() {
		if fault := recover(); fault != nil {
			slog.Error("a request failed by a fault in plantain", "request", f.ask.id, "fault", fault, "stack", string(debug.Stack()))
			a = f.answer
			if a == nil {
				a = &answer{refused: localFault(f.ask), header: header{request: f.ask.id}}
			} else if a.body != nil {
				a.body.End()
			}
		}
	}()
	return run(f)
}

// close lets nobody join a flight any more. A client that repeats a request because
// of its answer must not get that very answer.
func (fs *flights) close(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.byKey[f.key] == f {
		delete(fs.byKey, f.key)
	}
}

func (fs *flights) land(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.count--
	f.landed = true
	if f.callers == 0 {
		f.answer.release()
	}
	fs.landed.Broadcast()
}

// quit takes a caller off; the last one to go lets go of the answer.
func (fs *flights) quit(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.callers--; f.callers > 0 {
		return
	}
	f.leave()
	if f.landed {
		f.answer.release()
	}
}

func (fs *flights) running() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.count
}

// wait returns when no flight is left, or the context ends.
func (fs *flights) wait(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if fs.landed != nil {
			fs.landed.Broadcast()
		}
	})
	defer stop()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for fs.count > 0 && ctx.Err() == nil {
		fs.landed.Wait()
	}
	if fs.count > 0 {
		return ctx.Err()
	}
	return nil
}

// keyReused is the answer to an idempotency key that came with another body, by
// the IETF draft on the Idempotency-Key header.
func keyReused() *refusal {
	const message = "this Idempotency-Key is in use for another request body"
	return &refusal{status: http.StatusUnprocessableEntity, message: message, verdict: plantain.Verdict{
		Class: plantain.BadRequest, Charged: plantain.ChargedNo, Retry: plantain.RetryAfterFix,
		Explanation: message + ". Nothing was sent.", Fix: "Use a new key for a new request."}}
}
