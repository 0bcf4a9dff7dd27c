package pool

import (
	"fmt"
	"maps"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A project may be granted more than a refusal disclosed at the time. Where its
// member allows it, one request is sent beyond a learnt limit: only where no other
// project has room and nothing but this limit is in the way, once a window, and
// not within a day of a refusal for quota. If it brings an image, one more was
// learnt; if it is refused, the next probe is a day away.
const probeRest = 24 * time.Hour

// probe is when the next probe may be sent.
func (l Learnt) probe() time.Time {
	if l.Probe.IsZero() {
		return l.At.Add(probeRest)
	}
	return l.Probe
}

// nextProbe is when the first probe may be sent; zero: none is allowed.
func (m *Member) nextProbe(s *State) (at time.Time) {
	if !m.ProbeLimits || s.Under != m.Fingerprint {
		return time.Time{}
	}
	for _, l := range s.Learnt {
		if at.IsZero() || l.probe().Before(at) {
			at = l.probe()
		}
	}
	return at
}

// probed gives the learnt limit that an attempt may probe, which is all that
// leaves it no room; empty: none.
func (m *Member) probed(none *NoRoom, whole, own *State, now time.Time, model plantain.Model, need Amount) plantain.Limit {
	if !m.ProbeLimits || own.Under != m.Fingerprint {
		return ""
	}
	l := none.Limit
	switch l {
	case plantain.LimitRPM, plantain.LimitIPM, plantain.LimitRPD, plantain.LimitIPD:
	default:
		return "" // one more of anything else is no request
	}
	if learnt, ok := own.Learnt[l]; !ok || now.Before(learnt.probe()) {
		return ""
	}
	limits := maps.Clone(m.limitsIn(Key{m.Name, model}, own))
	limits[l]++
	still := m.hindrance(nil, whole, m.limitsIn(Key{m.Name, ""}, whole), now, need)
	if m.hindrance(still, own, limits, now, need) != nil {
		return ""
	}
	return l
}

// probes notes that the attempt that took room last probes a limit.
func (s *State) probes(l plantain.Limit, now time.Time) {
	s.Holds[len(s.Holds)-1].Probe = l
	next := now.Add(span(l) + Margin)
	if span(l) == 0 {
		next = gemini.Midnight(now).Add(Margin)
	}
	s.relearn(l, func(known *Learnt) { known.Probe = next })
}

// probeOf gives the limit that an attempt probes; empty: none.
func (s *State) probeOf(attempt plantain.AttemptID) plantain.Limit {
	for _, h := range s.Holds {
		if h.Attempt == attempt {
			return h.Probe
		}
	}
	return ""
}

// passed notes that a probe brought an image.
func (s *State) passed(l plantain.Limit, now, sent time.Time) {
	if known, ok := s.Learnt[l]; !ok || !sent.After(known.At) {
		return // since it was sent, a refusal disclosed what is so now
	}
	s.relearn(l, func(known *Learnt) {
		known.From = fmt.Sprintf("One more than %d came through.", known.Value)
		known.Value++
		known.At = now
	})
}

// restProbes puts off the probes of a project that refused something for quota:
// what is known of it is not so wrong that it could be exceeded.
func (s *State) restProbes(now time.Time) {
	for l := range s.Learnt {
		s.relearn(l, func(known *Learnt) { known.Probe = now.Add(probeRest) })
	}
}

// relearn changes what was learnt of a limit.
func (s *State) relearn(l plantain.Limit, change func(*Learnt)) {
	known := s.Learnt[l]
	change(&known)
	learnt := maps.Clone(s.Learnt)
	if learnt == nil {
		learnt = map[plantain.Limit]Learnt{}
	}
	learnt[l] = known
	s.Learnt = learnt
	s.Seq++
}
