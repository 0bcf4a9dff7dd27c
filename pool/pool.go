package pool

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
)

// A Key names the windows of one project and model, or, with an empty model,
// those of the project as a whole.
type Key struct {
	Project plantain.ProjectName
	Model   plantain.Model
}

// States are the windows that one change touches.
type States map[Key]*State

// A Store keeps the windows. Update calls fn with the states of keys (new ones
// are zero) in one transaction, alone among all who share the store; where fn
// gives an error nothing is kept and Update gives that error. fn may be called
// more than once and must not block. After fn the states are not changed any more:
// the store keeps them as they are, and so may the caller.
type Store interface {
	Update(ctx context.Context, keys []Key, fn func(States) error) error
}

// A Member is a project of the pool.
type Member struct {
	plantain.Project
	// Limits gives the windows of a model; nil: none is known.
	Limits func(plantain.Model) Limits
	// Whole are the limits of the project over all models (spend); nil: none.
	Whole Limits
	// Location is where its requests are served, as far as capacity goes: that of a
	// Vertex AI endpoint, the host of another base URL. Empty: Google's own.
	Location string
	// Fingerprint changes when the project's configuration does, so that a
	// parking that only a change can end does end.
	Fingerprint string
	// Weight is how much of its room is used before the room of others is, relative
	// to them; zero: 1.
	Weight int
	// ProbeLimits allows to find out by single requests whether a limit that a refusal
	// disclosed is higher by now.
	ProbeLimits bool
	// Price is what it takes, in thousandths of Google's price; zero: 1000.
	Price int
}

// A Pool knows its projects and chooses among them. It is safe for concurrent use.
// Its choice is made on a snapshot; the reservation, made on the true state in a
// transaction, decides.
type Pool struct {
	mu      sync.RWMutex
	members []Member // replaced, never changed
	index   map[plantain.ProjectName]int
	seen    map[Key]State
	records map[Key]record
	places  map[plantain.Model][]place // of members, in their order; a model that was never asked for has none
}

// New makes a pool of members. Each has a name of its own.
func New(members []Member) *Pool {
	p := &Pool{seen: map[Key]State{}, records: map[Key]record{}}
	p.Replace(members)
	return p
}

// Members gives the projects, in the order of the configuration. The caller does
// not change them.
func (p *Pool) Members() []Member {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.members
}

// Replace puts other members in the place of those there are; what was seen stays.
func (p *Pool) Replace(members []Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.members = slices.Clone(members)
	p.index = make(map[plantain.ProjectName]int, len(members))
	for i, m := range members {
		p.index[m.Name] = i
	}
	p.places = map[plantain.Model][]place{}
}

// Saw takes note of states as a transaction left them; they are not to be changed
// any more. Transactions that end at once may be told in any order: what is older
// than the last one seen is dropped.
func (p *Pool) Saw(states States) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, s := range states {
		if k.isAccount() {
			continue // no project's
		}
		if s.Seq >= p.seen[k].Seq {
			p.seen[k] = *s
			p.stale(k)
		}
	}
}

// Doubt says that a transaction on keys failed, so that what was seen of them
// may never have been: whatever is seen next is believed.
func (p *Pool) Doubt(keys []Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		if k.isAccount() {
			continue
		}
		s := p.seen[k]
		s.Seq = 0
		p.seen[k] = s
	}
}

// Seen gives the last known state of a key; the zero State where none is.
func (p *Pool) Seen(k Key) State {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.seen[k]
	return s.Clone()
}

// Keys are the windows that an attempt on this project for a model touches, that
// of the project as a whole first.
func (m Member) Keys(model plantain.Model) []Key {
	return []Key{{m.Name, ""}, {m.Name, model}}
}

// limits gives the limits of a key of this member.
func (m Member) limits(k Key) Limits {
	if k.Model == "" {
		return m.Whole
	}
	if m.Limits == nil {
		return nil
	}
	return m.Limits(k.Model)
}

// A NoRoom says that a project has no room, and when it will have.
type NoRoom struct {
	At      time.Time      // when room appears; zero with Forever
	Forever bool           // no wait helps until the configuration changes
	Limit   plantain.Limit // the window that binds; empty: a parking
	Parked  Parking        // what takes the project out; zero: a window
	Project plantain.ProjectName
	Waiting int  // requests that wait before it; zero: it is not about the queue
	Full    bool // the queue takes no more
	// Outgrown, with Forever, are the windows that the request alone exceeds; none
	// where it is not its size that keeps it out.
	Outgrown []Outgrown
	Sky      Sky  // that is overloaded; zero: it is not about the weather
	Probing  bool // a probe is out, so room may appear at any moment before At
}

func (n *NoRoom) Error() string {
	if n.Full {
		return fmt.Sprintf("%d requests wait for room already, and the queue takes no more", n.Waiting)
	}
	if n.Waiting > 0 {
		return fmt.Sprintf("its turn did not come in time; %d requests wait for room", n.Waiting)
	}
	if n.Sky != (Sky{}) {
		return n.overloaded()
	}
	why := string(n.Limit) + " is used up"
	if n.Parked.Reason != "" {
		why = "parked for " + string(n.Parked.Reason)
	}
	if len(n.Outgrown) > 0 {
		return "the request is larger than the window of any project: " + n.TooLarge()
	}
	if n.Forever {
		return fmt.Sprintf("project %s: %s; no wait helps", n.Project, why)
	}
	return fmt.Sprintf("project %s: %s until %s", n.Project, why, n.At.UTC().Format(time.RFC3339))
}

// room says whether an amount fits a member's states at this instant.
func (m Member) room(states func(Key) *State, now time.Time, model plantain.Model, need Amount) *NoRoom {
	var worst *NoRoom
	keys := m.Keys(model)
	if need == (Amount{}) {
		// What takes nothing of a window is held up only by what holds up everything.
		keys = keys[:1]
	}
	for _, k := range keys {
		s := states(k)
		worst = m.hindrance(worst, s, m.limitsIn(k, s), now, need)
	}
	return worst
}

// hindrance gives what holds an amount up in one state where that takes longer
// than what was found before.
func (m *Member) hindrance(worst *NoRoom, s *State, limits Limits, now time.Time, need Amount) *NoRoom {
	if at, forever := s.Park.Ends(now, m.Fingerprint); forever || at.After(now) {
		worst = later(worst, &NoRoom{At: at, Forever: forever, Parked: s.Park, Project: m.Name})
	}
	if at, limit, never := s.Room(now, need, limits); never || at.After(now) {
		none := &NoRoom{At: at, Forever: never, Limit: limit, Project: m.Name}
		if size := limits[limit]; never && size > 0 {
			none.Outgrown = []Outgrown{{m.Name, limit, need.of(limit), size}}
		}
		worst = later(worst, none)
	}
	return worst
}

// Sooner gives the one that has room first; other may be nil.
func (n *NoRoom) Sooner(other *NoRoom) *NoRoom { return sooner(other, n) }

func later(a, b *NoRoom) *NoRoom {
	if a == nil || (!a.Forever && (b.Forever || b.At.After(a.At))) {
		return b
	}
	return a
}

// Take gives the function that reserves room for an attempt on the true states,
// for use inside a transaction. It gives a *NoRoom where there is none.
func (m Member) Take(now time.Time, attempt plantain.Attempt, need Amount) func(States) error {
	return func(states States) error {
		whole, own := states[Key{m.Name, ""}], states[Key{m.Name, attempt.Model}]
		var probe plantain.Limit
		if none := m.room(func(k Key) *State { return states[k] }, now, attempt.Model, need); none != nil {
			if probe = m.probed(none, whole, own, now, attempt.Model, need); probe == "" {
				return none
			}
		}
		for _, k := range m.Keys(attempt.Model) {
			if part := m.part(k, need); part != (Amount{}) {
				states[k].Reserve(now, attempt.ID, attempt.Deadline, part)
			} else {
				states[k].probing(now)
			}
		}
		if probe != "" {
			own.probes(probe, now)
		}
		return nil
	}
}

// Give puts what an attempt really took, from the instant it was sent, in the
// place of its reservation. What it cost counts from now: nobody knows whether
// Google adds it up when a request arrives or when its answer is made. through says
// that it brought an image, so that nothing holds the project up.
func (m Member) Give(states States, now time.Time, attempt plantain.Attempt, sent time.Time, really Amount, through bool) {
	for _, k := range m.Keys(attempt.Model) {
		if m.counts(k) {
			probe := states[k].probeOf(attempt.ID)
			from := sent
			if k.Model == "" {
				from = now
			}
			states[k].Settle(now, attempt.ID, from, m.part(k, really))
			if through && probe != "" {
				states[k].passed(probe, now, sent)
			}
		}
		if through && sent.After(states[k].Park.Since) {
			// What was sent before says nothing of what came since.
			states[k].Unpark()
		}
	}
}

// part is what of an amount the windows of a key count: those of the project as
// a whole only the spend, and only where it has a limit.
func (m Member) part(k Key, a Amount) Amount {
	if !m.counts(k) {
		return Amount{}
	}
	if k.Model == "" {
		return Amount{Spend: a.Spend}
	}
	a.Spend = 0
	return a
}

func (m Member) counts(k Key) bool { return k.Model != "" || len(m.Whole) > 0 }

func sooner(a, b *NoRoom) *NoRoom {
	if a != nil && a.Forever && b.Forever && len(a.Outgrown)+len(b.Outgrown) > 0 {
		// Of what no wait helps against, its own size is what a client can change.
		if len(a.Outgrown) == 0 {
			return b
		}
		all := *a
		// In place: of the two only the result is used any more, and there may be thousands.
		all.Outgrown = append(all.Outgrown, b.Outgrown...)
		return &all
	}
	if a == nil || (a.Forever && !b.Forever) || (!b.Forever && b.At.Before(a.At)) {
		return b
	}
	return a
}
