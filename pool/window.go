package pool

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// Margin is added to the instant at which the last request byte left, for the
// way to Google: what was sent at 0 s counts there until 60 s after it arrived.
const Margin = 500 * time.Millisecond

const (
	minute     = time.Minute
	tenMinutes = 10 * time.Minute
)

// Limits are the sizes of the windows of one project and model, or of one
// project as a whole. A limit that is absent is not known and does not bind; a
// limit of 0 admits nothing. Spend is in nano-dollars.
type Limits map[plantain.Limit]int64

// An Amount is what an attempt takes of every window.
type Amount struct {
	Requests int64                `json:"r,omitempty"`
	Images   int64                `json:"i,omitempty"`
	Tokens   int64                `json:"t,omitempty"`
	Spend    plantain.Nanodollars `json:"s,omitempty"`
}

func (a Amount) plus(b Amount) Amount {
	return Amount{a.Requests + b.Requests, a.Images + b.Images, a.Tokens + b.Tokens, a.Spend + b.Spend}
}

func (a Amount) minus(b Amount) Amount {
	return Amount{a.Requests - b.Requests, a.Images - b.Images, a.Tokens - b.Tokens, a.Spend - b.Spend}
}

// of gives the part of an amount that a limit counts.
func (a Amount) of(l plantain.Limit) int64 {
	switch l {
	case plantain.LimitRPM, plantain.LimitRPD, plantain.ClientRequests:
		return a.Requests
	case plantain.LimitIPM, plantain.LimitIPD, plantain.ClientImages:
		return a.Images
	case plantain.LimitTPM, plantain.LimitTPD:
		return a.Tokens
	case plantain.LimitSpend, plantain.BudgetDay, plantain.BudgetMonth, plantain.BudgetTotal:
		return int64(a.Spend)
	case plantain.LimitZero, plantain.LimitSharedCapacity:
		return 0
	default:
		return 0
	}
}

// span is how long an amount counts against a rolling limit; zero: by the day.
func span(l plantain.Limit) time.Duration {
	switch l {
	case plantain.LimitRPM, plantain.LimitIPM, plantain.LimitTPM:
		return minute
	case plantain.LimitSpend:
		return tenMinutes
	case plantain.LimitRPD, plantain.LimitIPD, plantain.LimitTPD, plantain.LimitZero, plantain.LimitSharedCapacity:
		return 0
	default:
		return 0
	}
}

// A State is what is known of the windows of one [Key]. It is small, plain and
// serialisable; its zero value is a project that nothing was sent to.
type State struct {
	Ticks Ticks   `json:"ticks,omitempty"` // settled amounts that still count, oldest first; a list is replaced, never changed
	Days  []Day   `json:"days,omitempty"`  // settled amounts by Pacific day, newest first: yesterday to tomorrow
	Holds []Hold  `json:"holds,omitempty"` // reservations of attempts that are out
	Park  Parking `json:"park,omitzero"`
	// Learnt are the limits that refusals disclosed, under a configuration of the
	// project that Under names by its fingerprint. The map is replaced, never changed.
	Learnt map[plantain.Limit]Learnt `json:"learnt,omitempty"`
	Under  string                    `json:"under,omitempty"`
	// Account is what a client has used; only the state of an [AccountKey] has one.
	Account Account `json:"account,omitzero"`
	// Seq counts the changes of the state, so that of two snapshots the newer is
	// known, and a state that was only looked at need not be written.
	Seq int64 `json:"seq,omitempty"`
}

// A Tick is an amount and the instant it counts from.
type Tick struct {
	At int64 // Unix milliseconds
	Amount
}

// A Day is what was sent on one Pacific day.
type Day struct {
	Date string `json:"date"`
	Amount
}

// A Hold is a reservation: room taken before an attempt, until it is settled
// or its deadline passes.
type Hold struct {
	Attempt plantain.AttemptID `json:"attempt"`
	At      int64              `json:"at"`              // Unix milliseconds, when it was taken
	Until   int64              `json:"until"`           // Unix milliseconds, the attempt's deadline
	Probe   plantain.Limit     `json:"probe,omitempty"` // the learnt limit that it exceeds; empty: none
	// Day is one that had begun before the attempt was opened, by a clock that was set
	// back since: nobody knows which of the two was right. Empty: there is none.
	Day string `json:"day,omitempty"`
	Amount
}

// Clone gives a copy. It shares what is replaced and never changed: the ticks, and the
// limits that were learnt.
func (s *State) Clone() State {
	c := *s
	c.Days, c.Holds = slices.Clone(s.Days), slices.Clone(s.Holds)
	c.Account.Out = slices.Clone(s.Account.Out)
	return c
}

// Room says when an amount fits all limits: now or earlier where it does at
// once, else the instant at which it will if nothing else is sent. never is true
// where no wait helps, because the amount alone exceeds the limit. binding is
// the limit that makes the wait longest.
func (s *State) Room(now time.Time, need Amount, limits Limits) (at time.Time, binding plantain.Limit, never bool) {
	at = now
	used := s.usage(now)
	for _, l := range slices.Sorted(maps.Keys(limits)) {
		value, want := limits[l], need.of(l)
		if want > value {
			return time.Time{}, l, true
		}
		if want == 0 {
			continue
		}
		if t := s.roomIn(l, now, used.of(l), value-want); t.After(at) {
			at, binding = t, l
		}
	}
	return at, binding, false
}

// roomIn says when no more than spare is used of a limit, of which used is now.
func (s *State) roomIn(l plantain.Limit, now time.Time, used, spare int64) time.Time {
	if used <= spare {
		return now
	}
	if span(l) == 0 {
		at := dayEnds(now)
		for s.Used(l, at) > spare {
			at = dayEnds(at)
		}
		return at
	}
	// Each settled amount leaves in its turn; what is out is taken as sent when
	// it was opened, which is the earliest that its room can come back.
	sent, out := s.since(now.Add(-span(l)-Margin)), s.out(l, now)
	for len(sent)+len(out) > 0 {
		next := &sent
		if len(sent) == 0 || len(out) > 0 && out[0].At < sent[0].At {
			next = &out
		}
		t := (*next)[0]
		if used -= t.of(l); used <= spare {
			return t.free(span(l))
		}
		*next = (*next)[1:]
	}
	return now.Add(span(l) + Margin)
}

// since gives the ticks after an instant.
func (s *State) since(t time.Time) Ticks {
	i, ms := len(s.Ticks), t.UnixMilli()
	for i > 0 && s.Ticks[i-1].At > ms {
		i--
	}
	return s.Ticks[i:]
}

// out gives the reservations that count against a rolling limit as if they had been
// sent, by the instant from which they count.
func (s *State) out(l plantain.Limit, now time.Time) (out Ticks) {
	for _, h := range s.Holds {
		at := h.Until
		switch {
		case h.of(l) == 0, h.overdue(now) && at <= now.Add(-span(l)-Margin).UnixMilli():
			continue
		case !h.overdue(now):
			// It leaves a little after it was opened. One that is out for longer than the
			// window may be settled at any moment.
			at = max(h.At+Margin.Milliseconds(), now.Add(-span(l)).UnixMilli())
		}
		out = append(out, Tick{at, h.Amount})
	}
	slices.SortFunc(out, func(a, b Tick) int { return cmp.Compare(a.At, b.At) })
	return out
}

// free is the instant at which a tick no longer counts.
func (t Tick) free(span time.Duration) time.Time {
	return time.UnixMilli(t.At).Add(span + Margin)
}

// Used gives how much of a limit is taken at an instant, reservations included.
func (s *State) Used(l plantain.Limit, now time.Time) int64 {
	u := s.usage(now)
	return u.of(l)
}

// A usage is what is taken of every window at an instant, reservations included.
type usage struct {
	minute, day Amount
	spend       plantain.Nanodollars // in ten minutes
	// until is the first instant, in Unix milliseconds, at which it is not so any more
	// although nothing was sent. Before the others nothing comes back to the windows of
	// each span, as [State.Room] reckons; they may be past.
	until, minuteBack, tenBack, dayBack int64
}

func (u *usage) of(l plantain.Limit) int64 {
	switch span(l) {
	case minute:
		return u.minute.of(l)
	case tenMinutes:
		return int64(u.spend)
	default:
		return u.day.of(l)
	}
}

func (u *usage) back(l plantain.Limit) int64 {
	switch span(l) {
	case minute:
		return u.minuteBack
	case tenMinutes:
		return u.tenBack
	default:
		return u.dayBack
	}
}

// usage adds up what counts at an instant. An attempt that is out counts in the
// current day whenever it was opened: at midnight it may arrive on either side. What
// a clock that was set back has counted for tomorrow may have been today.
func (s *State) usage(now time.Time) usage {
	day, ms := calendarOf(now), now.UnixMilli()
	u := usage{minuteBack: math.MaxInt64, tenBack: math.MaxInt64, dayBack: day.ends}
	for _, d := range s.Days {
		if d.Date >= day.today && d.Date <= day.tomorrow {
			u.day = u.day.plus(d.Amount)
		}
	}
	for _, t := range s.since(now.Add(-tenMinutes - Margin)) {
		u.sent(t.At, t.Amount, ms)
	}
	for _, h := range s.Holds {
		if h.Until <= ms {
			// Nobody will settle it: it may have been sent at any moment until then.
			u.sent(h.Until, h.Amount, ms)
			if _, last := h.days(time.UnixMilli(h.At), time.UnixMilli(h.Until)); last >= day.today {
				u.day = u.day.plus(h.Amount)
			}
		}
	}
	u.until = min(u.minuteBack, u.tenBack, day.until)
	for _, h := range s.Holds {
		if h.Until > ms {
			u.minute, u.spend, u.day = u.minute.plus(h.Amount), u.spend+h.Spend, u.day.plus(h.Amount)
			u.until, u.minuteBack, u.tenBack = min(u.until, h.Until), min(u.minuteBack, h.At+inMinute), min(u.tenBack, h.At+inTen)
		}
	}
	return u
}

// How long a sent amount counts in the rolling windows, in milliseconds.
const (
	inMinute = int64((minute + Margin) / time.Millisecond)
	inTen    = int64((tenMinutes + Margin) / time.Millisecond)
)

// sent counts what was sent at an instant in the rolling windows that it is in.
func (u *usage) sent(at int64, a Amount, ms int64) {
	if at > ms-inTen && a.Spend != 0 {
		u.spend += a.Spend
		u.tenBack = min(u.tenBack, at+inTen)
	}
	if at > ms-inMinute {
		u.minute = u.minute.plus(a)
		u.minuteBack = min(u.minuteBack, at+inMinute)
	}
}

// overdue reports that nobody will settle a reservation any more.
func (h Hold) overdue(now time.Time) bool { return h.Until <= now.UnixMilli() }

// days are the first and the last day in which an attempt may have arrived that left
// at some moment from one instant to another.
func (h Hold) days(from, to time.Time) (first, last string) {
	return max(today(from), h.Day), max(gemini.DayOf(to.Add(Margin)), h.Day)
}

// Reserve takes room for an attempt until it is settled or its deadline passes.
// The caller has asked [State.Room] on the same state.
func (s *State) Reserve(now time.Time, attempt plantain.AttemptID, deadline time.Time, need Amount) {
	s.Seq++
	s.expire(now)
	h := Hold{Attempt: attempt, At: now.UnixMilli(), Until: deadline.UnixMilli(), Amount: need}
	if len(s.Days) > 0 && s.Days[0].Date > gemini.DayOf(now) {
		h.Day = s.Days[0].Date
	}
	s.Holds = append(s.Holds, h)
	s.probing(now)
}

// Settle gives the reservation of an attempt back and counts what really
// happened from the instant it was sent. The zero Amount counts nothing. Where
// another change found the reservation overdue, what it held is counted already,
// and counted once more: that errs on the careful side.
func (s *State) Settle(now time.Time, attempt plantain.AttemptID, sent time.Time, really Amount) {
	s.Seq++
	var held Hold
	if i := slices.IndexFunc(s.Holds, func(h Hold) bool { return h.Attempt == attempt }); i >= 0 {
		held = s.Holds[i]
		s.Holds = slices.Delete(s.Holds, i, i+1)
	}
	s.expire(now)
	if really == (Amount{}) {
		return
	}
	s.tick(sent.UnixMilli(), really)
	first, last := held.days(sent, sent)
	s.countDays(first, last, really)
}

// grains is how many ticks a span is kept in at the most: amounts in one grain of
// time are one tick at the latest instant, so that a state stays small however
// large the limit. It costs less than a hundredth of it: room comes back a grain late.
const grains = 120

func (s *State) tick(at int64, a Amount) {
	grain := (minute / grains).Milliseconds()
	if a.onlySpend() {
		grain = (tenMinutes / grains).Milliseconds()
	}
	i := len(s.Ticks)
	for i > 0 && s.Ticks[i-1].At > at {
		i--
	}
	before, after, t := s.Ticks[:i], s.Ticks[i:], Tick{at, a}
	if i > 0 && at/grain == s.Ticks[i-1].At/grain && len(s.Ticks) > 64 {
		last := s.Ticks[i-1]
		before, t = s.Ticks[:i-1], Tick{max(at, last.At), last.plus(a)}
	}
	s.Ticks = slices.Concat(before, Ticks{t}, after)
}

// onlySpend reports an amount that only the ten-minute window counts.
func (a Amount) onlySpend() bool { return a == Amount{Spend: a.Spend} && a.Spend != 0 }

// countDays counts an amount in two days, which may be the same.
func (s *State) countDays(first, last string, a Amount) {
	s.countDay(first, a)
	if last != first {
		s.countDay(last, a)
	}
}

func (s *State) countDay(date string, a Amount) {
	for i := range s.Days {
		if s.Days[i].Date == date {
			s.Days[i].Amount = s.Days[i].plus(a)
			return
		}
	}
	s.Days = append(s.Days, Day{date, a})
	slices.SortFunc(s.Days, func(a, b Day) int { return cmp.Compare(b.Date, a.Date) })
}

// expire forgets what no longer counts. A reservation past its deadline belongs
// to an attempt that nobody will settle: it may have been sent at any moment until
// then, so it counts from there in the rolling windows, and in each of its days.
func (s *State) expire(now time.Time) {
	yesterday, tomorrow := today(now.AddDate(0, 0, -1)), gemini.DayOf(gemini.Midnight(now))
	s.Days = slices.DeleteFunc(s.Days, func(d Day) bool { return d.Date < yesterday || d.Date > tomorrow })
	for _, h := range s.Holds {
		if h.overdue(now) {
			first, last := h.days(time.UnixMilli(h.At), time.UnixMilli(h.Until))
			s.countDays(first, last, h.Amount)
			s.tick(h.Until, h.Amount)
		}
	}
	s.Holds = slices.DeleteFunc(s.Holds, func(h Hold) bool { return h.overdue(now) })
	aMinute, ten := now.Add(-minute-Margin).UnixMilli(), now.Add(-tenMinutes-Margin).UnixMilli()
	over := func(t Tick) bool { return t.At <= ten || t.At <= aMinute && t.Spend == 0 }
	if slices.ContainsFunc(s.Ticks, over) {
		s.Ticks = slices.DeleteFunc(slices.Clone(s.Ticks), over)
	}
}
