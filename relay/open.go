package relay

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// errStopping says that the gateway stops and opens no attempt any more.
var errStopping = errors.New("the gateway is stopping")

// out is an attempt that is on its way.
type out struct {
	attempt plantain.Attempt
	member  pool.Member
	way     Way
	took    pool.Amount // of the windows
	charged pool.Amount // to the account of the client
}

// settling is what an attempt's deadline in the books leaves for its settlement
// after its time is over.
const settling = 5 * time.Second

// errLeft says that nobody waits for the answer any more and nothing is out.
var errLeft = errors.New("the client left before anything was sent")

// open waits its turn, then writes the attempt and takes its room. Where there
// is none soon enough the error is the *pool.NoRoom that says when there will be,
// or the *pool.OverLimit of a client that may not use more.
func (t *Transport) open(f *flight, n int) (*out, error) {
	const first = 100 * time.Millisecond
	for wait := first; ; wait = min(2*wait, 2*time.Second) {
		o, err := t.openInTurn(f, n)
		if !t.awaitsOthers(f, err, wait) {
			return o, err
		}
		if wait == first {
			t.tell(f.ask, Event{Kind: EventWaiting, Attempt: n, Until: t.until(f).patience, Why: plantain.ClientLimit.String()})
		}
		if !t.sleep(f, wait) {
			return nil, errLeft
		}
	}
}

func (t *Transport) openInTurn(f *flight, n int) (*out, error) {
	if f.left() {
		return nil, errLeft
	}
	if f.ask.route.free() || t.queue.Line(f.ask.entry.ID) == 0 {
		o, none, err := t.takeAny(f, n)
		if o != nil || err != nil {
			return o, err
		}
		if err := t.allows(f.ask, n); err != nil {
			return nil, err // it would wait for room in vain
		}
		if t.until(f).hopeless(t.now(), none) {
			return nil, none
		}
	} else if err := t.allows(f.ask, n); err != nil {
		return nil, err
	} else if _, none := t.choose(f, f.without); none != nil && t.until(f).hopeless(t.now(), none) {
		return nil, t.behind(f, none, t.queue.Line(f.ask.entry.ID))
	}
	return t.queued(f, n)
}

// queued takes a place in the line of the model, waits for its turn, and then for
// room.
func (t *Transport) queued(f *flight, n int) (*out, error) {
	a := f.ask
	place, err := t.queue.Join(a.entry.ID, a.caller.Client, a.caller.Priority)
	if err != nil {
		return nil, t.late(f, t.queue.Line(a.entry.ID), true)
	}
	defer t.queue.Leave(place)
	var told time.Time
	for {
		if err := t.turn(f, place); err != nil {
			return nil, err
		}
		now := t.now()
		if wait := min(t.queue.Next(a.entry.ID).Sub(now), t.until(f).patience.Sub(now)); wait > 0 {
			if !t.sleep(f, wait) {
				return nil, errLeft
			}
			continue // somebody may be due before it by now
		}
		o, none, err := t.takeAny(f, n)
		if o != nil || err != nil {
			t.queue.Took(place, now, t.Pool.Pace(now, a.entry.ID))
			return o, err
		}
		if t.until(f).hopeless(t.now(), none) {
			return nil, none
		}
		if !none.At.Equal(told) {
			told = none.At
			t.tell(a, Event{Kind: EventWaiting, Attempt: n, Project: none.Project, Until: none.At, Why: reason(none)})
		}
		// Room may come back sooner than it was reckoned: look again meanwhile.
		again := 5 * time.Second
		if none.Probing {
			again = 200 * time.Millisecond
		}
		if !t.sleep(f, min(none.At.Sub(now), again)) {
			return nil, errLeft
		}
	}
}

// turn waits until a request is at the head of its line, as long as its client
// does.
func (t *Transport) turn(f *flight, place *pool.Place) error {
	for {
		left := t.until(f).patience.Sub(t.now())
		if f.ask.fallback.open() {
			left = min(left, 5*time.Second) // the weather may turn meanwhile
		}
		ctx, cancel := context.WithTimeout(f.wait(), t.Clock.Real(left))
		err := t.queue.Wait(ctx, place)
		cancel()
		switch {
		case err == nil:
			return nil
		case f.left():
			return errLeft
		case !t.now().Before(t.until(f).patience):
			return t.late(f, t.queue.Line(f.ask.entry.ID)-1, false)
		}
	}
}

// bounds are how long a request waits for room at the most: as long as its most
// patient caller, and over all its waits no longer than the policy allows.
func (t *Transport) bounds(f *flight) bounds {
	b := f.until()
	if end := t.waitsEnd(f.ask); !end.IsZero() && end.Before(b.patience) {
		b.patience = end
	}
	return b
}

// waitsEnd is when a request that waits has waited as long as the policy allows;
// zero: it has no such end.
func (t *Transport) waitsEnd(a *ask) time.Time {
	most := t.set().Policy.MaxWait
	if most == 0 {
		return time.Time{}
	}
	return a.idle.Add(most - a.waited)
}

// late is the error of a request that could not wait for its turn, because its
// time was over, or because too many wait already: others are before it.
func (t *Transport) late(f *flight, others int, full bool) error {
	_, none := t.choose(f, f.without)
	turn := t.behind(f, none, others)
	if turn.Forever || turn.Sky != (pool.Sky{}) {
		return turn
	}
	return &pool.NoRoom{At: latest(turn.At, t.now().Add(time.Second)), Waiting: t.queue.Len(), Full: full}
}

// behind says when room comes for a request that has others before it. none says
// when the first of them has room; nil: at once.
func (t *Transport) behind(f *flight, none *pool.NoRoom, others int) *pool.NoRoom {
	now, turn := t.now(), pool.NoRoom{}
	if none != nil {
		turn = *none
	}
	turn.At = latest(turn.At, now).Add(time.Duration(others) * t.Pool.Pace(now, f.ask.entry.ID))
	return &turn
}

// choose gives the member to ask first of those that may be asked.
func (t *Transport) choose(f *flight, without map[plantain.ProjectName]bool) (*pool.Member, *pool.NoRoom) {
	now, a := t.now(), f.ask
	own := t.ownerOf(f, now)
	var storms pool.Storms
	if !a.route.free() { // what is free takes no capacity
		storms = t.weather.Storms(now, a.entry.ID)
	}
	var storm *pool.NoRoom // the one that ends first
	m, none := t.Pool.Choose(now, a.entry.ID, a.need, func(m *pool.Member) bool {
		if without[m.Name] || own != "" && m.Name != own || a.caller.Project != "" && m.Name != a.caller.Project {
			return true
		}
		over := storms.Over(m)
		if over != nil {
			storm = over.Sooner(storm)
		}
		return over != nil
	})
	if m == nil && storm != nil {
		none = storm.Sooner(none)
	}
	return m, none
}

// takeAny opens an attempt on the first member that has room; where none has, it
// gives what will have it first.
func (t *Transport) takeAny(f *flight, n int) (*out, *pool.NoRoom, error) {
	if t.stopping.Load() {
		return nil, nil, errStopping
	}
	if !f.ask.route.free() {
		if err := t.keeping.able(); err != nil {
			return nil, nil, err
		}
	}
	var first *pool.NoRoom
	for without := f.without; ; {
		m, none := t.choose(f, without)
		if none != nil {
			first = none.Sooner(first)
		}
		if m == nil {
			break
		}
		o, err := t.take(f.ask, *m, n, t.now())
		if !errors.As(err, &none) {
			return o, nil, err
		}
		// The snapshot was behind; the transaction decides.
		first = none.Sooner(first)
		without = maps.Clone(without)
		without[m.Name] = true
	}
	if first == nil {
		return nil, nil, errors.New("no project of the pool is left to ask")
	}
	return nil, first, nil
}

// take opens an attempt on one member.
func (t *Transport) take(a *ask, m pool.Member, n int, now time.Time) (*out, error) {
	way, ok := t.set().Ways[m.Name]
	if !ok {
		// A change of the settings is half done: the next look finds it whole.
		return nil, &pool.NoRoom{Project: m.Name, At: now.Add(time.Second)}
	}
	o := &out{member: m, way: way, attempt: plantain.Attempt{
		ID: plantain.AttemptID(t.newID("a")), Request: a.id, Number: n,
		Client: a.caller.Client, Project: m.Name, Model: a.entry.ID, Size: a.asked.Size, Continues: tokenID(a.asked.Continuation),
		Waited: now.Sub(a.idle), Opened: now, Deadline: now.Add(t.set().timeout() + settling),
	}}
	o.attempt.Claim = t.claim(a, o.attempt.Deadline)
	if a.route.free() {
		t.tell(a, Event{Kind: EventSent, Attempt: n, Project: m.Name})
		return o, nil
	}
	price := t.price(a.entry, a.asked.ServiceTier, now)
	o.attempt.Estimate = ledger.Most(a.entry, price, a.asked, way.Factor)
	o.attempt.Draft, o.attempt.Final = a.caller.Draft, a.caller.Final
	o.attempt.Spares = ledger.Spares(a.entry, price, a.asked, a.caller.Draft, way.Factor)
	o.took = a.need
	o.took.Spend = ledger.Estimate(a.entry, price, a.asked, way.Factor)
	if none := t.weather.Enter(now, m, o.attempt); none != nil {
		return nil, none
	}
	keys, take := a.charge(o, m.Keys(a.entry.ID), m.Take(now, o.attempt, o.took))
	if err := t.change(keys, take, func(fn func(pool.States) error) error {
		return t.books.Open(context.Background(), o.attempt, keys, fn)
	}); err != nil {
		t.weather.Tell(now, m, o.attempt, plantain.Unclassifiable, nil) // it never went
		if !errors.As(err, new(*pool.NoRoom)) && !errors.As(err, new(*pool.OverLimit)) && !errors.Is(err, ErrClaimed) {
			err = t.booksFailed(err)
		}
		return nil, err
	}
	a.claimed = o.attempt.Claim != (plantain.Claim{})
	t.tell(a, Event{Kind: EventSent, Attempt: n, Project: m.Name})
	return o, nil
}

// change runs a transaction on windows and shows the pool what it left, also
// where fn refused: then the true states were news to the snapshot.
func (t *Transport) change(keys []pool.Key, fn func(pool.States) error, in func(func(pool.States) error) error) error {
	seen := pool.States{}
	var refusal error
	err := in(func(s pool.States) error {
		refusal = fn(s)
		for _, k := range keys {
			seen[k] = s[k]
		}
		return refusal
	})
	if err == nil || errors.Is(err, refusal) {
		t.Pool.Saw(seen)
	} else {
		t.Pool.Doubt(keys)
	}
	return err
}

// settle ends an attempt in the books: what it cost, what it took of the
// windows, and what its verdict parks. It runs whoever left.
func (t *Transport) settle(a *ask, r *result, n int) {
	if !a.route.free() {
		t.account(a, r, n)
	}
	t.logAttempt(a, r, n)
	v := r.verdict
	t.tell(a, Event{Kind: EventJudged, Attempt: n, Project: r.member.Name, Class: v.Class, Charged: v.Charged, Cost: r.cost, Healed: a.how})
}

func (t *Transport) logAttempt(a *ask, r *result, n int) {
	if !t.log().Enabled(context.Background(), slog.LevelInfo) {
		return // before what it says is put together
	}
	v := r.verdict
	said := []any{"request", a.id, "attempt", n, "project", r.member.Name, "model", a.entry.ID,
		"status", r.facts.Status, "verdict", v.Class.String(), "charged", v.Charged.String(), "cost", r.cost.String(),
		"took", r.facts.Took.Round(time.Millisecond)}
	for _, more := range [][2]string{{"image", asAsked(a, &r.facts.Body)}, {"healed", string(a.how)}, {"error", r.cause()}} {
		if more[1] != "" {
			said = append(said, more[0], more[1])
		}
	}
	t.log().Info("attempt", said...)
}

func (t *Transport) account(a *ask, r *result, n int) {
	now := t.now()
	policy := t.set().Policy
	t.weather.Tell(now, r.member, r.attempt, r.verdict.Class, func(n int) time.Duration { return policy.jitter(policy.BackOff(n)) })
	scope, park := pool.After(r.verdict, now, policy.full(policy.BackOff(n)))
	park.Under = r.member.Fingerprint
	keys := r.member.Keys(a.entry.ID)
	if scope == pool.ScopeUpstream {
		keys = t.neighbours(r.member, keys)
	}
	keys, pay := a.pay(r, now, keys)
	entry, o, v := entryOf(a, r, now), r.out, r.verdict
	sent, really, model := sentOr(r, now), taken(a, r), a.entry.ID
	d := debt{request: a.id, attempt: o.attempt.ID, cost: r.cost, settle: func() error {
		return t.change(keys, func(s pool.States) error {
			o.member.Give(s, now, o.attempt, sent, really, v.Class == plantain.Success)
			t.park(s, o, scope, park)
			o.member.Learn(s, now, model, v)
			pay(s)
			return nil
		}, func(fn func(pool.States) error) error {
			return t.books.Settle(context.Background(), entry, keys, fn)
		})
	}}
	switch err := d.settle(); {
	case errors.Is(err, ErrNotOut):
		t.owesStill(r.owed)
		t.log().Error("the attempt was given up before it was settled, and stands as unknown",
			"request", a.id, "attempt", o.attempt.ID, "cost", r.cost.String())
	case err != nil:
		t.owe(d)
		_ = t.booksFailed(err) // whoever comes next is told
	}
	t.notice(a, r)
	t.owners.note(a.names, o.member.Name, v, now)
	t.owners.gave(entry.Continuation, o.member.Name, now)
	t.Pool.Noted(now, r.attempt, r.verdict.Class, r.facts.Took)
}

// sentOr is when an attempt was sent; now where it never was.
func sentOr(r *result, now time.Time) time.Time {
	if r.sent.IsZero() {
		return now
	}
	return r.sent
}

// taken is what an attempt takes of the windows by the last column of the retry
// table: a request that Google refused made no picture, one that never left or
// was refused for a reason outside of quota takes nothing.
func taken(a *ask, r *result) pool.Amount {
	switch {
	case r.sent.IsZero() || !pool.Counts(r.verdict.Class):
		return pool.Amount{}
	case r.status() >= 400:
		return pool.Amount{Requests: 1}
	}
	really := a.need
	really.Spend = r.cost.High
	if !r.cost.Known() {
		really.Spend = min(r.cost.High, r.took.Spend) // the most it can have been is for the ledger
	}
	if u := r.facts.Body.Usage; u.Seen && r.facts.Body.Complete {
		really.Tokens = min(max(u.Prompt, 0), 2*a.need.Tokens+1_000_000) // an upstream may say anything
	}
	really.Images = max(really.Images, int64(finals(r.facts.Body.Parts)))
	return really
}

// park applies a consequence to the states it concerns.
func (t *Transport) park(s pool.States, o *out, scope pool.Scope, p pool.Parking) {
	switch scope {
	case pool.ScopeModel:
		s[pool.Key{Project: o.member.Name, Model: o.attempt.Model}].Parks(p)
	case pool.ScopeProject:
		s[pool.Key{Project: o.member.Name}].Parks(p)
	case pool.ScopeUpstream:
		for _, m := range t.Pool.Members() {
			// One that has joined since is not among the states, and finds out by itself.
			if whole := s[pool.Key{Project: m.Name}]; whole != nil && m.Kind == o.member.Kind {
				under := p
				under.Under = m.Fingerprint
				whole.Parks(under)
			}
		}
	case pool.ScopeNone:
	}
}

// neighbours adds the projects that are reached by the same kind of upstream: a
// region is refused to all of them, since they are asked from the same place.
func (t *Transport) neighbours(of pool.Member, keys []pool.Key) []pool.Key {
	for _, m := range t.Pool.Members() {
		if m.Kind == of.Kind && m.Name != of.Name {
			keys = append(keys, pool.Key{Project: m.Name})
		}
	}
	return keys
}

func reason(n *pool.NoRoom) string {
	if n.Parked.Reason != "" {
		return string(n.Parked.Reason)
	}
	return string(n.Limit)
}
