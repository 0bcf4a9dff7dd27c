package pool

import (
	"slices"
	"time"

	"github.com/plantainhq/plantain"
)

// BreakerState says what a breaker lets through.
type BreakerState string

// The states of a breaker. Zero: [Closed].
const (
	Closed   BreakerState = ""          // every attempt
	Open     BreakerState = "open"      // none until the next probe is due
	HalfOpen BreakerState = "half-open" // none while the probe is out
)

// String gives the state; the zero value is "closed".
func (s BreakerState) String() string {
	if s == Closed {
		return "closed"
	}
	return string(s)
}

// MarshalText gives [BreakerState.String].
func (s BreakerState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [BreakerState.MarshalText] wrote.
func (s *BreakerState) UnmarshalText(text []byte) error {
	*s = BreakerState(text)
	if *s == "closed" {
		*s = Closed
	}
	return nil
}

const (
	// refusals in a row, all within memory, open a breaker. Fewer are chance where
	// half of all are refused, as at busy hours, and each is answered by the back-off
	// of its own request: to stop the rest would cost images.
	refusals = 8
	memory   = time.Minute
	// An attempt that is out, and came before one that was refused, has outlived
	// the check that refused the other: it counts as much as this many refusals.
	outlived = 9
	// mostTries bounds what is remembered of attempts.
	mostTries = 64
	// probing is how long a probe holds the others up. A refusal takes seconds, an
	// image up to minutes, a hanging connection the whole time-out: whatever is not
	// refused by then is no reason to let everybody wait.
	probing = 10 * time.Second
	// forgotten is after how long without an attempt an overload is no news.
	forgotten = 10 * time.Minute
)

// A breaker is the weather under one sky. The zero value is closed; a nil one too.
type breaker struct {
	state  BreakerState
	why    plantain.Class // of the last refusal that mattered
	since  time.Time      // when it opened, or closed again; zero: it was never open
	next   time.Time      // open, half-open: when the next probe may go
	span   time.Duration
	probe  plantain.AttemptID
	row    int       // refused probes in a row, the refusals that opened it as one
	fair   time.Time // when the last attempt that was served had been opened; zero: none was
	tries  []try
	recent tally
}

// A try is an attempt that nothing served since, in the order of their opening.
type try struct {
	id      plantain.AttemptID
	at      time.Time // when it was opened, or refused
	refused bool
}

// until sets when the next probe may go.
func (b *breaker) until(now time.Time, span time.Duration) { b.next, b.span = now.Add(span), span }

// look lets time pass.
func (b *breaker) look(now time.Time) {
	if b.state == Closed {
		return
	}
	if b.next.Sub(now) > b.span {
		b.until(now, b.span) // the clock was set back
	}
	if now.Sub(b.next) > forgotten {
		b.close(now)
	}
}

// stops gives the reason why no attempt may go; nil: one may.
func (b *breaker) stops(now time.Time, s Sky) *NoRoom {
	if b == nil {
		return nil
	}
	b.look(now)
	if b.state == Closed || !now.Before(b.next) {
		return nil
	}
	return &NoRoom{At: b.next, Sky: s, Probing: b.state == HalfOpen, Parked: Parking{Reason: b.why, Since: b.since, Until: b.next}}
}

// enter notes an attempt that goes.
func (b *breaker) enter(now time.Time, id plantain.AttemptID) {
	b.tries = slices.DeleteFunc(b.tries, func(t try) bool { return t.old(now) })
	if len(b.tries) == mostTries {
		b.tries = slices.Delete(b.tries, 0, 1)
	}
	b.tries = append(b.tries, try{id: id, at: now})
	if b.state != Closed {
		b.state, b.probe = HalfOpen, id
		b.until(now, probing)
	}
}

func (t try) old(now time.Time) bool {
	age := now.Sub(t.at).Abs() // a clock may be set back
	return age > forgotten || t.refused && age > memory
}

// refused notes that an attempt was.
func (b *breaker) refused(now time.Time, id plantain.AttemptID, why plantain.Class, backOff func(int) time.Duration) {
	for i := range b.tries {
		if t := &b.tries[i]; t.id == id {
			t.at, t.refused = now, true
		}
	}
	switch {
	case b.state == Closed && b.overloaded(now):
		b.since, b.row = now, 0
	case b.state == HalfOpen && b.probe == id:
	default:
		return
	}
	b.row++
	if now.Sub(b.fair).Abs() < memory {
		// Where one in ten is served, ten probes bring an image, and a back-off that
		// grows with each of them gives most images up.
		b.row = 1
	}
	b.state, b.why = Open, why
	b.until(now, backOff(b.row))
}

// overloaded reports whether so many were refused, and so few were not, that it is
// no chance.
func (b *breaker) overloaded(now time.Time) bool {
	refused, passed, out := 0, 0, 0
	for _, t := range b.tries {
		switch {
		case t.old(now):
		case t.refused:
			refused, passed, out = refused+1, passed+out, 0
		default:
			out++
		}
	}
	return refused >= refusals && refused >= outlived*passed
}

// served notes that an attempt was: what was sent before it, and refused, was not
// the beginning of an overload.
func (b *breaker) served(now time.Time, a plantain.Attempt) {
	if a.Opened.After(b.fair) {
		b.fair = a.Opened
	}
	if i := slices.IndexFunc(b.tries, func(t try) bool { return t.id == a.ID }); i >= 0 {
		b.tries = slices.Delete(b.tries, 0, i+1)
	}
	if b.state != Closed && (a.ID == b.probe || a.Opened.After(b.since)) {
		b.close(now) // what went before it opened says nothing of what came since
	}
}

// drop forgets an attempt whose end says nothing; was it the probe, another may go.
func (b *breaker) drop(now time.Time, id plantain.AttemptID) {
	b.tries = slices.DeleteFunc(b.tries, func(t try) bool { return t.id == id })
	if b.state == HalfOpen && b.probe == id {
		b.state = Open
		b.until(now, 0)
	}
}

func (b *breaker) close(now time.Time) {
	b.state, b.why, b.since, b.row, b.probe = Closed, "", now, 0, ""
	b.tries = nil
}
