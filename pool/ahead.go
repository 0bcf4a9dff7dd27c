package pool

import (
	"slices"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A clock that is set back leaves behind what it wrote when it was ahead. Left as it
// is, a minute that was used up by a clock a day ahead would end in a day. Whatever it
// says, all of it happened by now: so from now it counts, and that errs on the careful
// side.

// Ahead are the windows that something was written to by a clock since set back by
// more than a minute. Less than that holds nothing up for longer than a minute.
func (p *Pool) Ahead(now time.Time) (keys []Key) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for k, s := range p.seen {
		if s.Ahead(now) {
			keys = append(keys, k)
		}
	}
	return keys
}

// SetBack brings what is ahead of an instant back to it.
func SetBack(states States, now time.Time) {
	for _, s := range states {
		if s.Ahead(now) {
			s.setBack(now)
		}
	}
}

// Ahead reports a state that such a clock wrote to.
func (s *State) Ahead(now time.Time) bool {
	after := now.Add(minute)
	if n := len(s.Ticks); n > 0 && s.Ticks[n-1].At > after.UnixMilli() {
		return true
	}
	for _, h := range s.Holds {
		if h.At > after.UnixMilli() {
			return true
		}
	}
	return s.Park.Since.After(after) || s.Account.ahead(now)
}

func (s *State) setBack(now time.Time) {
	s.Seq++
	ms, tomorrow := now.UnixMilli(), gemini.DayOf(gemini.Midnight(now))
	s.Ticks = slices.Clone(s.Ticks)
	for i := range s.Ticks {
		s.Ticks[i].At = min(s.Ticks[i].At, ms)
	}
	for i := range s.Holds {
		h := &s.Holds[i]
		if h.At <= ms {
			continue
		}
		if day := today(time.UnixMilli(h.At)); day <= tomorrow {
			h.Day = max(h.Day, day)
		}
		h.At, h.Until = ms, h.Until-(h.At-ms)
	}
	s.Park.setBack(now)
	s.Account.setBack(now)
}

func (p *Parking) setBack(now time.Time) {
	ahead := p.Since.Sub(now)
	if ahead <= 0 {
		return
	}
	p.Since = now
	if !p.Probe.IsZero() {
		p.Probe = p.Probe.Add(-ahead)
	}
	switch {
	case p.Until.IsZero():
	case p.Reason == plantain.RateDay:
		p.Until = dayEnds(now)
	default:
		p.Until = p.Until.Add(-ahead)
	}
}
