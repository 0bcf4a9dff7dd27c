package relay

import (
	"math/rand/v2"
	"time"

	"github.com/plantainhq/plantain"
)

// A Policy says what the loop does by itself after a verdict. Its zero value is
// the retry table of the design.
type Policy struct {
	Attempts int           // at most, of one request; zero: 6
	Base     time.Duration // the first back-off; zero: 1 s
	Cap      time.Duration // the longest back-off; zero: 32 s
	MaxWait  time.Duration // of one request over all its waits; zero: its deadline and the queue bound it
	NoImage  int           // how often an answer without an image may be asked for again; zero: never, it may have cost money
	Unknown  int           // how often an attempt that may have been charged may be sent again; zero: never
	// Budget is the share of requests, 0 to 1, that may be retries for trouble at
	// Google; zero: 0.2. A burst of fifty, and one a second, are always allowed.
	Budget float64
	// Rand draws the jitter, from 0 to 1; nil: at random.
	Rand func() float64
}

// A Step is what to do next. The zero value waits for nothing and goes again.
type Step struct {
	Done bool
	Wait time.Duration
	// Costly says that the retry answers trouble on Google's side, so that it must
	// fit the retry budget.
	Costly bool
}

// Next decides after the attempt number n of a request. again counts how often
// this class was answered before by sending the same request once more.
func (p Policy) Next(v plantain.Verdict, n, again int) Step {
	if n >= p.attempts() {
		return Step{Done: true}
	}
	if v.Charged != plantain.ChargedNo && v.Class != plantain.NoImage {
		// Whatever it is called: to send it again may be to pay again.
		done := v.Class == plantain.Success || filtered(v.Class) || again >= p.Unknown
		return Step{Done: done, Wait: p.jitter(p.BackOff(n))}
	}
	switch v.Class {
	case plantain.RateMinute, plantain.RateDay, plantain.QuotaUnknown, plantain.QuotaZero, plantain.Billing,
		plantain.KeyInvalid, plantain.Permission, plantain.Region:
		// The project is parked; the pool finds another, or says when there is room.
		return Step{}
	case plantain.Capacity, plantain.ServerError, plantain.Timeout:
		return Step{Wait: p.jitter(p.BackOff(n)), Costly: true}
	case plantain.ClientLimit:
		return Step{Done: v.Wait == 0} // as above, where it is one that a wait ends
	case plantain.NoImage:
		return Step{Done: again >= p.NoImage}
	case plantain.ThoughtSignature:
		return Step{Done: again > 0} // once more, healed harder
	case plantain.Success, plantain.Unanswered, plantain.Unclassifiable, plantain.BadRequest,
		plantain.ModelNotFound, plantain.SafetyPrompt, plantain.SafetyImage, plantain.Recitation, plantain.Truncated:
		return Step{Done: true}
	default:
		return Step{Done: true}
	}
}

// filtered reports an outcome that the same request would only repeat.
func filtered(c plantain.Class) bool {
	switch c {
	case plantain.SafetyPrompt, plantain.SafetyImage, plantain.Recitation, plantain.Truncated, plantain.Unclassifiable:
		return true
	default:
		return false
	}
}

func (p Policy) attempts() int {
	if p.Attempts == 0 {
		return 6
	}
	return p.Attempts
}

// BackOff is the wait after attempt number n without jitter: Base, doubled each
// time, at most Cap.
func (p Policy) BackOff(n int) time.Duration {
	d, limit := p.Base, p.Cap
	if d == 0 {
		d = time.Second
	}
	if limit == 0 {
		limit = 32 * time.Second
	}
	for ; n > 1 && d < limit; n-- {
		d *= 2
	}
	return min(d, limit)
}

// backOffs is the most that all back-offs of a request take together.
func (p Policy) backOffs() (sum time.Duration) {
	for n := 1; n < p.attempts(); n++ {
		sum += p.BackOff(n)
	}
	return sum
}

// jitter draws from half of a wait to all of it: callers spread, and none comes
// back at once.
func (p Policy) jitter(d time.Duration) time.Duration {
	r := rand.Float64
	if p.Rand != nil {
		r = p.Rand
	}
	return d/2 + time.Duration(r()*float64(d)/2)
}

// full draws from nothing to all of a wait.
func (p Policy) full(d time.Duration) time.Duration {
	r := rand.Float64
	if p.Rand != nil {
		r = p.Rand
	}
	return time.Duration(r() * float64(d))
}
