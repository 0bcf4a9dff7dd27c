package pool

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
)

// Weather is how readily models are served. A lack of capacity is nobody's quota:
// whom it hits is chance, so what one request met is news for all who ask for the
// model at that location, and for nobody else. Each [Sky] has a breaker. It is
// closed as long as attempts are served; after a row of refusals it opens, and then
// one attempt at a time goes through, a probe, after a back-off that they share. It
// grows once nothing was served for a minute. A probe that is served closes the
// breaker. The zero value is fair weather everywhere. It is safe for concurrent use,
// and not kept: a new process sees for itself.
type Weather struct {
	mu    sync.Mutex
	skies map[Sky]*breaker
}

// A Sky is under what one weather reigns: a model at a location of an upstream.
type Sky struct {
	Model    plantain.Model    `json:"model"`
	Upstream plantain.Upstream `json:"upstream"`
	Location string            `json:"location,omitempty"` // see [Member]
}

// Where names the location for a person: "gemini", "vertex at global".
func (s Sky) Where() string {
	if s.Location == "" {
		return string(s.Upstream)
	}
	return string(s.Upstream) + " at " + s.Location
}

// sky gives under which one an attempt on a member is.
func (m *Member) sky(model plantain.Model) Sky {
	return Sky{model, cmp.Or(m.Kind, plantain.Gemini), m.Location}
}

// Storms are the skies under which no attempt for a model may go at an instant,
// each with when one may.
type Storms []*NoRoom

// Storms gives those of a model.
func (w *Weather) Storms(now time.Time, model plantain.Model) (storms Storms) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s, b := range w.skies {
		if s.Model == model {
			if none := b.stops(now, s); none != nil {
				storms = append(storms, none)
			}
		}
	}
	return storms
}

// Over gives the storm that a member is under; nil: none.
func (s Storms) Over(m *Member) *NoRoom {
	for _, none := range s {
		if none.Sky == m.sky(none.Sky.Model) {
			return none
		}
	}
	return nil
}

// Enter notes that an attempt is about to go to a member, as the probe where one is
// due. It gives a *NoRoom, and notes nothing, where it must not go. Every attempt
// that entered is to be told of once.
func (w *Weather) Enter(now time.Time, m Member, a plantain.Attempt) *NoRoom {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := m.sky(a.Model)
	b := w.skies[s]
	if b == nil {
		b = &breaker{}
		if w.skies == nil {
			w.skies = map[Sky]*breaker{}
		}
		w.skies[s] = b
	}
	if stop := b.stops(now, s); stop != nil {
		return stop
	}
	b.enter(now, a.ID)
	return nil
}

// Tell says how an attempt ended that entered; the zero Class says nothing of the
// weather. backOff is the wait after so many refusals in a row, 1 or more.
func (w *Weather) Tell(now time.Time, m Member, a plantain.Attempt, c plantain.Class, backOff func(n int) time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.skies[m.sky(a.Model)]
	if b == nil {
		return
	}
	switch c {
	case plantain.Capacity, plantain.ServerError:
		b.recent.add(now, 1)
		b.refused(now, a.ID, c, backOff)
	case plantain.Success, plantain.SafetyImage, plantain.Recitation, plantain.NoImage, plantain.Truncated:
		b.recent.add(now, 0)
		b.served(now, a)
	default:
		// Refused for another reason, or its end was not seen.
		b.drop(now, a.ID)
	}
}

// Recheck lets a probe go at once under every sky, as after a change of the
// configuration.
func (w *Weather) Recheck(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.skies {
		if b.state == Open {
			b.until(now, 0)
		}
	}
}

// WeatherReport is what a person sees of one sky.
type WeatherReport struct {
	Sky
	Breaker BreakerState `json:"breaker"`
	// Why an attempt may not go: capacity, or server_error where Google cannot be
	// reached or fails; empty: it may.
	Why   plantain.Class `json:"why,omitempty"`
	Since time.Time      `json:"since,omitzero"`      // of the overload, or of its end; zero: none was seen
	Probe time.Time      `json:"next_probe,omitzero"` // when the next attempt may go; zero: at any time
	// Refused of so many attempts were refused for a lack of capacity, or failed
	// on Google's side, in the last ten minutes.
	Refused  int `json:"refused"`
	Attempts int `json:"attempts"`
}

// Report describes every sky under which there was an attempt in this process.
func (w *Weather) Report(now time.Time) []WeatherReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]WeatherReport, 0, len(w.skies))
	for s, b := range w.skies {
		b.look(now)
		r := WeatherReport{Sky: s, Breaker: b.state, Why: b.why, Since: b.since}
		if b.state != Closed {
			r.Probe = b.next
		}
		r.Refused, r.Attempts = b.recent.sum(now)
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b WeatherReport) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Where(), b.Where()))
	})
	return out
}

// tally counts attempts and refusals over the last ten minutes. A bucket is a
// minute.
type tally [10]struct {
	minute            int64
	attempts, refused int
}

func (t *tally) add(now time.Time, refused int) {
	at := now.Unix() / 60
	b := &t[at%int64(len(t))]
	if b.minute != at {
		b.minute, b.attempts, b.refused = at, 0, 0
	}
	b.attempts++
	b.refused += refused
}

func (t *tally) sum(now time.Time) (refused, attempts int) {
	at := now.Unix() / 60
	for _, b := range t {
		if b.minute > at-int64(len(t)) && b.minute <= at {
			refused, attempts = refused+b.refused, attempts+b.attempts
		}
	}
	return refused, attempts
}

// overloaded says what a NoRoom for the weather is about.
func (n *NoRoom) overloaded() string {
	next := "the next attempt may go at "
	if n.Probing {
		next = "an attempt is out to see whether that is over, and another may go at "
	}
	is := "is overloaded"
	if n.Parked.Reason == plantain.ServerError {
		is = "fails"
	}
	return fmt.Sprintf("%s %s on %s since %s; %s%s", n.Sky.Model, is, n.Sky.Where(),
		n.Parked.Since.UTC().Format(time.RFC3339), next, n.At.UTC().Format(time.RFC3339))
}
