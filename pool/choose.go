package pool

import (
	"cmp"
	"math"
	"time"

	"github.com/plantainhq/plantain"
)

// A standing is where a member with room comes in the order of those that have.
type standing struct {
	failing bool
	price   int
	step    int // load in tenths
	trouble int // of its record
	load    float64
}

// before is the order in which members are asked. One that keeps failing is asked
// last. A cheaper one goes before a dearer one, whatever their room: an aggregator
// whose limits nobody knows always seems to have most. Among those of one price
// the one with most room goes first, where what is used of its tightest window
// counts by its weight: with a weight of 2 it is used twice as far before it is
// the turn of one with 1. Room is compared in tenths; within one, fewer failures
// go first, then less time for an image, then what room there is exactly, then
// the order of the configuration.
func (a *standing) before(b *standing) bool {
	switch {
	case a.failing != b.failing:
		return b.failing
	case a.price != b.price:
		return a.price < b.price
	case a.step != b.step:
		return a.step < b.step
	case a.trouble != b.trouble:
		return a.trouble < b.trouble
	default:
		return a.load < b.load
	}
}

// A place is what is known of a member for a model, reckoned at an instant and
// true until the next one at which something comes back by itself, so that a
// choice among thousands reads and does not reckon.
type place struct {
	from, until int64 // between which it is true, in Unix nanoseconds; zero: never
	back        int64 // when its parking ends; [forever]; zero: it is not parked
	standing
	requests, images, tokens, spend part
	perMinute                       int64 // images that its limits allow; -1: they do not say
	probe                           int64 // when a learnt limit may be probed; zero: never

	whole, limits Limits // of the configuration
	known         bool   // that it was asked for them
}

// A part is what is left of one kind of amount in the window that has least of
// it, and before when nothing comes back to that.
type part struct{ left, back int64 }

const forever = math.MaxInt64

// fits reports whether an amount has room.
func (at *place) fits(need Amount) bool {
	return at.back == 0 && at.requests.fits(need.Requests) && at.images.fits(need.Images) &&
		at.tokens.fits(need.Tokens) && at.spend.fits(int64(need.Spend))
}

func (p *part) fits(n int64) bool { return n == 0 || n <= p.left }

// notBefore is an instant before which an amount that does not fit will not.
func (at *place) notBefore(need Amount) int64 {
	return max(at.back, at.requests.notBefore(need.Requests), at.images.notBefore(need.Images),
		at.tokens.notBefore(need.Tokens), at.spend.notBefore(int64(need.Spend)))
}

func (p *part) notBefore(n int64) int64 {
	if p.fits(n) {
		return 0
	}
	return p.back
}

// Choose gives the member that should be asked first of those that have room for
// an amount at this instant, leaving out those that without names (nil: none).
// Where none has, the NoRoom says when the first one will; then without was called
// for every member. It must not use the pool. Where none is left, both are nil. Where none has room and one
// may probe a learnt limit, it is that one.
func (p *Pool) Choose(now time.Time, model plantain.Model, need Amount, without func(*Member) bool) (*Member, *NoRoom) {
	if without == nil {
		without = func(*Member) bool { return false }
	}
	if need == (Amount{}) {
		model = "" // only what concerns a project as a whole holds it up
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	places := p.look(now, model)
	best := -1
	for i := range places {
		if at := &places[i]; at.fits(need) && (best < 0 || at.before(&places[best].standing)) && !without(&p.members[i]) {
			best = i
		}
	}
	if best < 0 {
		if m := p.probe(now, model, places, need, without); m != nil {
			return m, nil
		}
		return nil, p.soonest(now, model, places, need, without)
	}
	return &p.members[best], nil
}

// probe gives a member that may be asked for one more than its limits; nil: none.
func (p *Pool) probe(now time.Time, model plantain.Model, places []place, need Amount, without func(*Member) bool) *Member {
	for i := range places {
		m, at := &p.members[i], &places[i]
		if at.back != 0 || at.probe == 0 || now.UnixNano() < at.probe || without(m) {
			continue
		}
		whole, own := p.seen[Key{m.Name, ""}], p.seen[Key{m.Name, model}]
		if m.probed(p.wait(now, m, model, at, need), &whole, &own, now, model, need) != "" {
			return m
		}
	}
	return nil
}

// soonest says when room appears first, where there is none.
func (p *Pool) soonest(now time.Time, model plantain.Model, places []place, need Amount, without func(*Member) bool) (first *NoRoom) {
	var deadline int64
	for i := range places {
		m, at := &p.members[i], &places[i]
		if without(m) || first != nil && !first.Forever && at.notBefore(need) >= deadline {
			continue
		}
		none := p.wait(now, m, model, at, need)
		if first = sooner(first, none); !first.Forever {
			deadline = nanos(first.At)
		}
	}
	return first
}

// wait says why a member has no room, and until when.
func (p *Pool) wait(now time.Time, m *Member, model plantain.Model, at *place, need Amount) *NoRoom {
	whole, own := p.seen[Key{m.Name, ""}], p.seen[Key{m.Name, model}]
	none := m.hindrance(nil, &whole, m.learnt(at.whole, &whole), now, need)
	return m.hindrance(none, &own, m.learnt(at.limits, &own), now, need)
}

// stale says that what is known of a key has changed.
func (p *Pool) stale(k Key) {
	i, ok := p.index[k.Project]
	if !ok {
		return
	}
	for model, places := range p.places {
		if k.Model == "" || k.Model == model {
			places[i].until = 0
		}
	}
}

// look brings the places of a model up to an instant.
func (p *Pool) look(now time.Time, model plantain.Model) []place {
	places, ok := p.places[model]
	if !ok {
		places = make([]place, len(p.members))
		p.places[model] = places
	}
	ns := now.UnixNano()
	for i := range places {
		if at := &places[i]; ns < at.from || ns >= at.until {
			p.reckon(now, &p.members[i], model, at)
		}
	}
	return places
}

// reckon finds out what is so of a member for a model.
func (p *Pool) reckon(now time.Time, m *Member, model plantain.Model, at *place) {
	if !at.known {
		at.whole, at.limits, at.known = m.limits(Key{m.Name, ""}), m.limits(Key{m.Name, model}), true
	}
	whole, own, r := p.seen[Key{m.Name, ""}], p.seen[Key{m.Name, model}], p.records[Key{m.Name, model}]
	limits, all := m.learnt(at.limits, &own), part{left: math.MaxInt64}
	*at = place{
		whole: at.whole, limits: at.limits, known: true, perMinute: perMinute(limits),
		from: now.UnixNano(), until: forever, requests: all, images: all, tokens: all, spend: all,
		standing: standing{price: cmp.Or(m.Price, 1000), failing: r.failing.After(now), trouble: r.trouble()},
	}
	if at.failing {
		at.until = nanos(r.failing)
	}
	if t := m.nextProbe(&own); !t.IsZero() {
		at.probe = nanos(t)
	}
	at.count(now, m, &whole, m.learnt(at.whole, &whole))
	at.count(now, m, &own, limits)
	at.load /= float64(cmp.Or(m.Weight, 1))
	at.step = int(10 * at.load)
}

// count adds what one state says of a place.
func (at *place) count(now time.Time, m *Member, s *State, limits Limits) {
	switch end, never := s.Park.Ends(now, m.Fingerprint); {
	case never:
		at.back = forever
	case end.After(now):
		at.back = max(at.back, nanos(end))
		at.until = min(at.until, nanos(end))
	}
	used := s.usage(now)
	at.until = min(at.until, fromMillis(used.until))
	for l, size := range limits {
		n := used.of(l)
		if size > 0 {
			at.load = max(at.load, min(float64(n)/float64(size), 1))
		}
		left := part{size - n, fromMillis(used.back(l))}
		if size == 0 {
			left.back = forever
		}
		if p := at.part(l); p != nil && left.left < p.left {
			*p = left
		} else if p != nil && left.left == p.left {
			p.back = max(p.back, left.back)
		}
	}
}

// part gives what is left of what a limit counts; nil: it counts nothing.
func (at *place) part(l plantain.Limit) *part {
	switch l {
	case plantain.LimitRPM, plantain.LimitRPD:
		return &at.requests
	case plantain.LimitIPM, plantain.LimitIPD:
		return &at.images
	case plantain.LimitTPM, plantain.LimitTPD:
		return &at.tokens
	case plantain.LimitSpend:
		return &at.spend
	case plantain.LimitZero, plantain.LimitSharedCapacity:
		return nil
	default:
		return nil
	}
}

// nanos gives an instant in Unix nanoseconds, [forever] where there are none.
func nanos(t time.Time) int64 {
	if t.After(time.Unix(0, forever)) {
		return forever
	}
	return t.UnixNano()
}

func fromMillis(ms int64) int64 {
	if ms > forever/int64(time.Millisecond) {
		return forever
	}
	return ms * int64(time.Millisecond)
}

// perMinute is how many images limits allow in a minute; -1: they do not say.
func perMinute(limits Limits) int64 {
	rpm, hasRPM := limits[plantain.LimitRPM]
	ipm, hasIPM := limits[plantain.LimitIPM]
	switch {
	case hasRPM && hasIPM:
		return min(rpm, ipm)
	case hasRPM:
		return rpm
	case hasIPM:
		return ipm
	default:
		return -1
	}
}

// Pace is the time between two images at which the projects that are not parked
// are used to their limits a minute, and no more. Zero: there is none, or one that
// has no such limit.
func (p *Pool) Pace(now time.Time, model plantain.Model) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var images int64
	places := p.look(now, model)
	for i := range places {
		switch at := &places[i]; {
		case at.back != 0:
		case at.perMinute < 0:
			return 0
		default:
			images += at.perMinute
		}
	}
	if images == 0 {
		return 0
	}
	return minute / time.Duration(images)
}
