package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plantainhq/plantain"
)

// What Google counts, kept apart from all that the windows are made of: a plain
// list of what arrived, each with its true instant. Google counts a request when it
// arrives, which is somewhere between its reservation and a Margin after its last
// byte left. No span may hold more than the limit, wherever it begins; so neither
// a sliding minute nor a fixed one can.

// arrival is one request as Google counted it.
type arrival struct {
	at time.Time
	Amount
}

// flying is an attempt that is out.
type flying struct {
	plantain.Attempt           // by the gateway's clock
	opened           time.Time // in truth
	need             Amount
}

const (
	model   = "nb2"
	timeout = 5 * time.Minute // an attempt that has not left by then never will
	settles = 5 * time.Second // what its deadline in the books leaves for settling
)

// midnights are when Pacific days begin, from the almanac: the two days with a
// change of the clock, and an ordinary one, with their neighbours.
var midnights = utcs(
	"2026-03-07T08:00:00Z", "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z", "2026-03-10T07:00:00Z",
	"2026-10-31T07:00:00Z", "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z", "2026-11-03T08:00:00Z",
	"2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z", "2026-11-26T08:00:00Z",
)

func utcs(texts ...string) (out []time.Time) {
	for _, s := range texts {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic(err)
		}
		out = append(out, t)
	}
	return out
}

// night numbers the days between midnights.
func night(t time.Time) int {
	n := 0
	for n < len(midnights) && !t.Before(midnights[n]) {
		n++
	}
	return n
}

// A run is a gateway and its clock, driven by rapid.
type run struct {
	*rapid.T
	member Member
	states States
	limits Limits
	now    time.Time     // in truth
	end    time.Time     // of the almanac
	wrong  time.Duration // how far the gateway's clock is ahead of it
	began  int           // the last day on which something was settled by a clock that was right
	out    []flying
	n      int

	arrived  []arrival // by true time
	believed []arrival // the same by the gateway's clock
}

func newRun(t *rapid.T) *run {
	from := rapid.SampledFrom([]int{0, 1, 4, 5, 8}).Draw(t, "from the midnight before")
	limits := Limits{}
	for _, l := range []struct {
		plantain.Limit
		most int64
	}{{plantain.LimitRPM, 4}, {plantain.LimitIPM, 6}, {plantain.LimitTPM, 40}, {plantain.LimitRPD, 15}, {plantain.LimitSpend, 60}} {
		// One that is not there lets the others bind.
		if rapid.Bool().Draw(t, "a limit "+string(l.Limit)) {
			limits[l.Limit] = rapid.Int64Range(1, l.most).Draw(t, string(l.Limit))
		}
	}
	before := rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, 90 * time.Minute, 12 * time.Hour}).Draw(t, "before midnight")
	member := Member{Project: plantain.Project{Name: "studio"}, Limits: func(plantain.Model) Limits { return limits }}
	if spend, ok := limits[plantain.LimitSpend]; ok {
		member.Whole = Limits{plantain.LimitSpend: spend}
	}
	states := States{}
	for _, k := range member.Keys(model) {
		states[k] = &State{}
	}
	return &run{T: t, member: member, states: states, now: midnights[from+1].Add(-before), end: midnights[from+2].Add(10 * time.Hour), limits: limits}
}

// check looks at many runs. A hundred, which is rapid's own number, are too few: it
// takes several things at once to break a window.
func check(t *testing.T, promise func(*run)) {
	t.Helper()
	for range 10 {
		rapid.Check(t, func(t *rapid.T) { promise(newRun(t)) })
	}
}

// clock is what the gateway takes for the present.
func (r *run) clock() time.Time { return r.now.Add(r.wrong) }

func (r *run) need() Amount {
	return Amount{
		Requests: 1, Images: rapid.Int64Range(1, 3).Draw(r.T, "images"), Tokens: rapid.Int64Range(0, 20).Draw(r.T, "tokens"),
		Spend: plantain.Nanodollars(rapid.Int64Range(0, 30).Draw(r.T, "spend")),
	}
}

// open asks for room as the pool does, and takes it.
func (r *run) open() {
	need := r.need()
	r.take(r.clock(), need)
}

// take opens an attempt at an instant of the gateway's clock, or says when there
// will be room.
func (r *run) take(now time.Time, need Amount) *NoRoom {
	a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint(r.n)), Model: model, Opened: now, Deadline: now.Add(timeout + settles)}
	none := (*NoRoom)(nil)
	switch err := r.member.Take(now, a, need)(r.states); {
	case err == nil:
		r.out = append(r.out, flying{a, now.Add(-r.wrong), need})
		r.n++
	case !errors.As(err, &none):
		r.Fatal(err)
	}
	return none
}

// settle ends one that is out: it left at some moment since it was opened, and
// took no more than was reserved, or nothing.
func (r *run) settle(really func(Amount) Amount) {
	if len(r.out) == 0 {
		return
	}
	i := rapid.IntRange(0, len(r.out)-1).Draw(r.T, "which")
	f := r.out[i]
	r.out = slices.Delete(r.out, i, i+1)
	left := r.between("left", f.opened, earlier(r.now, f.opened.Add(timeout)))
	sent := r.clock().Add(-r.now.Sub(left)) // as the relay reckons it: by how long ago it was
	if sent.Before(f.Opened) {
		sent = f.Opened
	}
	took := really(f.need)
	r.member.Give(r.states, r.clock(), f.Attempt, sent, took, false)
	if took == (Amount{}) {
		return
	}
	// By the gateway's own clock it left by its deadline, however far that jumped since.
	r.google(left, earlier(r.now, f.opened.Add(timeout)), earlier(sent, f.Deadline), took)
	if r.wrong == 0 {
		r.began = max(r.began, night(sent))
	}
}

// crash ends the process: what was out is never settled, and may have left at any
// moment or not at all. All that is left is the state as it was stored.
func (r *run) crash() {
	for _, f := range r.out {
		if rapid.Bool().Draw(r.T, "was sent") {
			left := r.between("left", f.opened, f.opened.Add(timeout))
			r.google(left, f.opened.Add(timeout+settles), f.Opened.Add(left.Sub(f.opened)), f.need)
		}
	}
	r.out = nil
	for k, s := range r.states {
		text, err := json.Marshal(s)
		if err != nil {
			r.Fatal(err)
		}
		stored := &State{}
		if err := json.Unmarshal(text, stored); err != nil {
			r.Fatal(err)
		}
		r.states[k] = stored
	}
}

// google counts a request that left at an instant, and was answered at another.
// What it costs may count from when the request arrives to when the answer is made.
func (r *run) google(left, answered, sent time.Time, a Amount) {
	way := r.between("way", left, left.Add(Margin)).Sub(left)
	paid := r.between("paid", left.Add(way), latest(left.Add(way), answered))
	spend := Amount{Spend: a.Spend}
	a.Spend = 0
	r.arrived = append(r.arrived, arrival{left.Add(way), a}, arrival{paid, spend})
	r.believed = append(r.believed, arrival{sent.Add(way), a})
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// between draws an instant, its ends above all.
func (r *run) between(name string, from, to time.Time) time.Time {
	d := to.Sub(from).Milliseconds()
	ms := rapid.OneOf(rapid.Just(int64(0)), rapid.Just(d), rapid.Int64Range(0, d)).Draw(r.T, name)
	return from.Add(time.Duration(ms) * time.Millisecond)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// wait lets time pass, most often about as long as a window is.
func (r *run) wait() {
	ms := rapid.OneOf(rapid.Int64Range(0, 2_000), rapid.Int64Range(0, 70_000), rapid.SampledFrom([]int64{59_500, 60_000, 60_400, 60_500, 600_000, 600_400, 600_500}), rapid.Int64Range(0, 660_000),
		rapid.Int64Range(0, 3*3_600_000)).Draw(r.T, "wait, ms")
	if to := r.now.Add(time.Duration(ms) * time.Millisecond); to.Before(r.end) {
		r.now = to
	}
}

// rolling checks every span that ends with an arrival. Each one counts for as long
// as the span; what is as old is out of it.
func (r *run) rolling(when []arrival) {
	slices.SortStableFunc(when, func(a, b arrival) int { return a.at.Compare(b.at) })
	for i := range when {
		r.within(when[:i+1], when[i].Amount, when[i].at)
	}
}

// within checks the spans that end with the last of what arrived.
func (r *run) within(arrived []arrival, last Amount, end time.Time) {
	for l, limit := range r.limits {
		if last.of(l) == 0 {
			continue // it has not added to this one
		}
		if l == plantain.LimitRPD {
			continue
		}
		span := time.Minute
		if l == plantain.LimitSpend {
			span = 10 * time.Minute
		}
		sum := int64(0)
		for _, a := range arrived {
			if a.at.After(end.Add(-span)) {
				sum += a.of(l)
			}
		}
		if sum > limit {
			r.Fatalf("%d in the %v until %v, and the limit %s is %d", sum, span, end, l, limit)
		}
	}
}

func (r *run) daily(when []arrival) {
	days := map[int]int64{}
	for _, a := range when {
		days[night(a.at)] += a.Requests
		if n, limit := days[night(a.at)], r.limits[plantain.LimitRPD]; limit > 0 && n > limit {
			r.Fatalf("%d on the day of %v, and the limit is %d", n, a.at, limit)
		}
	}
}

// drive runs what is common to all, and more, until rapid has enough.
func (r *run) drive(more map[string]func(*rapid.T)) {
	// All or some of it: what was refused made no picture, and what never left took nothing.
	less := func(a Amount) Amount {
		return rapid.SampledFrom([]Amount{a, a, a, {Requests: 1}, {}}).Draw(r.T, "took")
	}
	do := map[string]func(*rapid.T){
		"open":      func(*rapid.T) { r.open() },
		"open more": func(*rapid.T) { r.open(); r.open(); r.open() },
		"settle":    func(*rapid.T) { r.settle(less) },
		"settle all": func(*rapid.T) {
			for len(r.out) > 0 {
				r.settle(less)
			}
		},
		"crash":      func(*rapid.T) { r.crash() },
		"wait":       func(*rapid.T) { r.wait() },
		"wait again": func(*rapid.T) { r.wait() },
	}
	for name, fn := range more {
		do[name] = fn
	}
	for range 5 { // rapid's own thirty steps are too few to fill windows twice
		r.Repeat(do)
	}
	do["crash"](r.T)
}

func TestNoSpanAndNoDayExceedsALimitHoweverThingsInterleave(t *testing.T) {
	t.Parallel()
	check(t, func(r *run) {
		r.drive(nil)
		r.rolling(r.arrived)
		r.daily(r.arrived)
	})
}

// A clock that is set back makes windows last longer, never shorter. One that jumps
// forward is to a gateway what waiting is: by all that it can know time has passed.
func TestNoSpanExceedsALimitWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	check(t, func(r *run) {
		r.drive(map[string]func(*rapid.T){
			"set back": func(*rapid.T) { r.jump(-1) },
			"noticed":  func(*rapid.T) { SetBack(r.states, r.clock()) },
		})
		r.rolling(r.arrived)
	})
}

// However far ahead a clock was, when that is noticed room is as near as by a clock
// that was right: a day no further than midnight, all else no further than its span.
func TestAClockThatWasAheadHoldsNobodyUpForLonger(t *testing.T) {
	t.Parallel()
	check(t, func(r *run) {
		r.drive(map[string]func(*rapid.T){"set back": func(*rapid.T) { r.jump(-1) }})
		back := rapid.SampledFrom([]time.Duration{0, 90 * time.Second, time.Hour, 30 * time.Hour, 400 * 24 * time.Hour}).Draw(r.T, "set back at last")
		now := r.clock().Add(-back)
		for _, s := range r.states {
			s.Parks(Parking{Reason: plantain.RateMinute, Since: r.clock(), Until: r.clock().Add(30 * time.Second)})
		}
		SetBack(r.states, now)
		delete(r.limits, plantain.LimitRPD)
		need := r.need()
		// Of a crash before: nobody knows until the deadline whether it was sent.
		soon := now.Add(minute + timeout + settles + minute + Margin)
		if _, spends := r.limits[plantain.LimitSpend]; spends {
			soon = soon.Add(tenMinutes)
		}
		if none := r.take(now, need); none != nil && !none.Forever && none.At.After(soon) {
			r.Fatalf("at %v there is room at %v by %s, and not by %v", now, none.At, none.Limit, soon)
		}
		if rapid.Bool().Draw(r.T, "and then") {
			if none := r.take(soon, need); none != nil && !none.Forever {
				r.Fatalf("at %v there is no room before %v by %s", soon, none.At, none.Limit)
			}
		}
	})
}

// A clock that falls behind when the books have seen the day begin, and is right
// again before the next midnight and when nothing is out, costs room and no more.
func TestNoDayExceedsALimitWhenTheClockGoesBackOverMidnight(t *testing.T) {
	t.Parallel()
	check(t, func(r *run) {
		right := func() {
			for len(r.out) > 0 {
				r.settle(func(a Amount) Amount { return a })
			}
			r.wrong = 0
		}
		r.drive(map[string]func(*rapid.T){
			"set back": func(*rapid.T) {
				// What leaves just before midnight arrives after it, when the clock is to be right again.
				if today := night(r.now); r.began == today && night(r.now.Add(Margin)) == today {
					over := rapid.Int64Range(1, 3*3_600_000).Draw(r.T, "over midnight, ms")
					r.wrong = max(midnights[today-1].Sub(r.now)-time.Duration(over)*time.Millisecond, -mostWrong)
				}
			},
			"set right": func(*rapid.T) { right() },
			"crash": func(*rapid.T) {
				if r.wrong == 0 {
					r.crash()
				}
			},
			"wait": func(*rapid.T) {
				was := r.now
				if r.wait(); r.wrong != 0 && night(r.now.Add(Margin)) != night(was) {
					r.now = was
				}
			},
			"wait again": func(*rapid.T) { right(); r.wait() },
		})
		r.daily(r.arrived)
	})
}

// Forward and back, by seconds and by hours, over midnight and over it again: by
// the calendar of the gateway itself every day holds.
func TestByItsOwnCalendarNoDayExceedsALimitHoweverTheClockJumps(t *testing.T) {
	t.Parallel()
	check(t, func(r *run) {
		r.drive(map[string]func(*rapid.T){"set back": func(*rapid.T) { r.jump(-1) }, "set forward": func(*rapid.T) { r.jump(1) }})
		r.daily(r.believed)
	})
}

// An attempt may take more than it asked for: Google made two images where one was
// wanted. It can't be undone, but it is paid back: nothing more is let in until all
// that was really taken leaves room for it.
func TestWhatWasTakenBeyondTheEstimateIsPaidBack(t *testing.T) {
	t.Parallel()
	check(t, func(r *run) {
		more := func(a Amount) Amount {
			return a.plus(Amount{Images: rapid.Int64Range(0, 3).Draw(r.T, "more images"), Tokens: rapid.Int64Range(0, 9).Draw(r.T, "more tokens")})
		}
		r.drive(map[string]func(*rapid.T){
			"settle":     func(*rapid.T) { r.settle(more) },
			"settle all": func(*rapid.T) { r.settle(more) },
			"open": func(*rapid.T) {
				known, before := slices.Clone(r.arrived), r.n
				if r.open(); r.n == before {
					return
				}
				last := r.out[len(r.out)-1].need
				r.within(append(known, arrival{r.now, last}), last, r.now)
			},
		})
	})
}

// The instant that is promised is the first one at which there is room, if nothing
// else is sent.
func TestTheRoomThatIsPromisedIsThereAndNotSooner(t *testing.T) {
	t.Parallel()
	check(t, func(r *run) {
		all := func(a Amount) Amount { return a }
		r.drive(map[string]func(*rapid.T){"ask": func(*rapid.T) {
			for len(r.out) > 0 { // of what is out nobody knows when its room comes back
				r.settle(all)
			}
			for _, s := range r.states {
				if len(s.Holds) > 0 {
					return // a crash left them
				}
			}
			need := r.need()
			none := r.take(r.now, need)
			if none == nil || none.Forever || none.At.After(r.end) {
				return
			}
			if sooner := r.take(none.At.Add(-time.Millisecond), need); sooner == nil || !sooner.At.Equal(none.At) {
				r.Fatalf("room for %+v was promised at %v by %s, and before it was %+v", need, none.At, none.Limit, sooner)
			}
			if again := r.take(none.At, need); again != nil {
				r.Fatalf("room for %+v was promised at %v by %s, and then at %v by %s", need, none.At, none.Limit, again.At, again.Limit)
			}
			r.now = none.At
		}})
	})
}

// mostWrong is how far a clock may be wrong either way, so that what it says stays
// within two days.
const mostWrong = 11 * time.Hour

func (r *run) jump(way int64) {
	ms := rapid.OneOf(rapid.Int64Range(0, 2_000), rapid.Int64Range(0, 90_000), rapid.Int64Range(0, 6*3_600_000)).Draw(r.T, "jump, ms")
	r.wrong = min(max(r.wrong+time.Duration(way*ms)*time.Millisecond, -mostWrong), mostWrong)
}
