package pool

import (
	"math"
	"time"

	"github.com/plantainhq/plantain"
)

// A record is how the last attempts on a project for a model went. The zero value
// is one that nothing is known of. It is kept in memory: it only orders.
type record struct {
	failed  float64   // moving share of attempts that failed by the project's fault
	seconds float64   // moving time of those that brought an image; zero: none did
	failing time.Time // until then it is asked last; zero: it is not failing
}

const (
	// recent is the part of the last attempt in a moving average: two failures in a
	// row make a project failing, two successes end it.
	recent = 0.3
	// failingFor is how long a failing project is asked only where no other has room,
	// before it gets another chance.
	failingFor = time.Minute
)

// Noted takes note of how an attempt on a project went, for the order in which
// [Pool.Choose] asks. took is how long it was.
func (p *Pool) Noted(now time.Time, attempt plantain.Attempt, c plantain.Class, took time.Duration) {
	failed, says := failure(c)
	if !says {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k := Key{attempt.Project, attempt.Model}
	p.records[k] = p.records[k].after(now, c, failed, took)
	p.stale(k)
}

func (r record) after(now time.Time, c plantain.Class, failed bool, took time.Duration) record {
	share := 0.0
	if failed {
		share = 1
	}
	r.failed += recent * (share - r.failed)
	if c == plantain.Success {
		if r.seconds == 0 {
			r.seconds = took.Seconds()
		}
		r.seconds += recent * (took.Seconds() - r.seconds)
	}
	switch {
	case r.failed < 0.5:
		r.failing = time.Time{}
	case failed:
		r.failing = now.Add(failingFor)
	}
	return r
}

// failure reports whether an attempt failed by the fault of the project or the way
// to it. says is false where its class tells nothing of that: a refusal is for
// windows and parkings, and capacity is the weather of the model.
func failure(c plantain.Class) (failed, says bool) {
	switch c {
	case plantain.ServerError, plantain.Timeout, plantain.Unanswered, plantain.Unclassifiable:
		return true, true
	case plantain.Success, plantain.SafetyPrompt, plantain.SafetyImage, plantain.Recitation, plantain.NoImage, plantain.Truncated:
		return false, true
	case plantain.QuotaUnknown, plantain.RateMinute, plantain.RateDay, plantain.QuotaZero, plantain.Billing, plantain.Capacity,
		plantain.ThoughtSignature, plantain.BadRequest, plantain.KeyInvalid, plantain.Permission, plantain.Region, plantain.ModelNotFound:
		return false, false
	default:
		return false, false
	}
}

// trouble puts a record in coarse steps, the share of failures by fifths before
// the time by doublings from a second, so that only what is clearly better goes
// before what is not.
func (r record) trouble() int {
	return int(5*r.failed)*16 + int(math.Log2(max(r.seconds, 1)))
}
