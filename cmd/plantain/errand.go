package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/relay"
)

// An errand is a request that is not lost once it is sent: the first Ctrl-C ends
// one that waits, and waits for one that is out, because it is paid for; a second
// one leaves it.
type errand struct {
	way    *maker
	p      *progress
	cancel context.CancelFunc // of the request

	mu          sync.Mutex
	interrupted bool
	last        relay.Event // zero: nothing is known yet
}

// show takes the next event of the request.
func (e *errand) show(event relay.Event) {
	e.p.show(event)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = event
	if e.last.Kind == relay.EventSent {
		words := e.lastWords()
		e.way.w.lastWords.Store(&words)
		return
	}
	e.way.w.lastWords.Store(nil)
	if e.interrupted && (event.Kind == relay.EventWaiting || event.Class != plantain.Success) {
		e.cancel() // what was out brought no picture, and nobody wants another attempt
	}
}

// interrupt is the first Ctrl-C; what comes after it does nothing.
func (e *errand) interrupt() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.interrupted {
		return
	}
	e.interrupted = true
	if e.last.Kind != relay.EventSent {
		e.cancel()
		return
	}
	e.p.say(fmt.Sprintf("attempt %d of request %s is out and will be paid for, so its picture is waited for and written; Ctrl-C again leaves at once",
		e.last.Attempt, e.last.Request))
}

// lastWords are for who leaves while an attempt is out.
func (e *errand) lastWords() string {
	left := fmt.Sprintf("left while request %s was out: it may be charged", e.last.Request)
	if e.way.at == nil {
		return left + ", and stands in the ledger as unknown"
	}
	return left + "; the gateway finishes it and keeps the picture: " + e.way.command("images get "+string(e.last.Request))
}

// ended says why a request that was interrupted brought nothing.
func (e *errand) ended(err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !e.interrupted || !errors.Is(err, context.Canceled):
		return err
	case e.last.Request == "":
		return errors.New("interrupted before anything was sent: nothing was charged")
	case e.last.Kind == relay.EventSent:
		return errors.New(e.lastWords())
	case e.last.Kind == relay.EventWaiting && e.last.Attempt == 1:
		return fmt.Errorf("interrupted while request %s waited: nothing was charged", e.last.Request)
	case e.last.Kind == relay.EventWaiting:
		return fmt.Errorf("interrupted while request %s waited for attempt %d; plantain's ledger has what came before", e.last.Request, e.last.Attempt)
	default:
		return fmt.Errorf("interrupted: attempt %d of request %s brought no image (%s), cost %s", e.last.Attempt, e.last.Request, e.last.Class, e.last.Cost)
	}
}
