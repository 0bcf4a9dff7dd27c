package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// accounts marks the keys that belong to a client: no project's name has a colon.
const accounts = "client:"

// AccountKey names the state that has the [Account] of a client.
func AccountKey(c plantain.ClientName) Key { return Key{Project: plantain.ProjectName(accounts + c)} }

func (k Key) isAccount() bool { return strings.HasPrefix(string(k.Project), accounts) }

// Client gives whose account a key names; empty: it is a project's.
func (k Key) Client() plantain.ClientName {
	if !k.isAccount() {
		return ""
	}
	return plantain.ClientName(strings.TrimPrefix(string(k.Project), accounts))
}

// An Account is what a client has used. An attempt belongs to the Pacific day and
// month in which it was opened. The zero value has used nothing.
type Account struct {
	Day   Period   `json:"day,omitzero"`
	Month Period   `json:"month,omitzero"`
	Total Amount   `json:"total,omitzero"`
	Out   []Charge `json:"out,omitempty"` // attempts that are out, at what each was expected to cost at the most
}

// A Period is what was used in one day ("2026-11-24") or month ("2026-11").
type Period struct {
	Name string `json:"name"`
	Amount
}

// A Charge is what an attempt that is out holds of an account. Past its deadline
// nobody will settle it, and it counts as used.
type Charge struct {
	Attempt plantain.AttemptID `json:"attempt"`
	Until   int64              `json:"until"` // Unix milliseconds, the attempt's deadline
	Day     string             `json:"day"`   // in which it was opened
	Amount
}

// A Client is whose account an attempt is charged to, and what it may use.
type Client struct {
	Name plantain.ClientName
	plantain.Allowance
}

// An OverLimit says that a client may not use as much as an attempt needs.
type OverLimit struct {
	Client plantain.ClientName
	Limit  plantain.Limit
	// Most is the size of the limit, Used what is used of it for good, Held what
	// attempts hold that are out, Need what this one needs: nano-dollars of a budget.
	Most, Used, Held, Need int64
	At                     time.Time // when it has room again; zero: by no time that is known
	// Waits says that no other limit binds but those of which attempts that are out
	// hold what is needed: there may be room as soon as one of them is settled.
	Waits bool
}

// HeldOnly reports a limit of which attempts that are out hold what is needed.
func (o *OverLimit) HeldOnly() bool { return o.Held > 0 && o.Used+o.Need <= o.Most }

func (o *OverLimit) Error() string {
	unit, span := words(o.Limit)
	s := fmt.Sprintf("client %s has used %s of its %s%s%s", o.Client, amount(o.Limit, o.Used), amount(o.Limit, o.Most), unit, span)
	if o.Held > 0 {
		s += fmt.Sprintf(", and requests that run hold %s", amount(o.Limit, o.Held))
	}
	if o.Limit.Money() {
		s += fmt.Sprintf("; this request may cost %s", amount(o.Limit, o.Need))
	}
	return s + fmt.Sprintf("; %s is left", amount(o.Limit, o.Left()))
}

// Left is what is left of the limit, never below zero.
func (o *OverLimit) Left() int64 { return max(o.Most-o.Used-o.Held, 0) }

// sooner reports a limit that has room before another one has.
func (o *OverLimit) sooner(than *OverLimit) bool {
	return !o.At.IsZero() && (than.At.IsZero() || o.At.Before(than.At))
}

// Allows says whether a client may use an amount at this instant, by the state of
// its account; else the error is an *OverLimit.
func (c Client) Allows(s *State, now time.Time, need Amount) error {
	var worst *OverLimit
	waits := true
	for _, u := range c.Use(s, now) {
		o := &OverLimit{Client: c.Name, Limit: u.Limit, Most: u.Of, Used: u.Used, Held: u.Held, Need: need.of(u.Limit), At: u.Reset}
		if o.Need == 0 || o.Used+o.Held+o.Need <= o.Most {
			continue
		}
		if u.Limit == plantain.ClientRequests {
			o.At, _, _ = s.Room(now, Amount{Requests: 1}, Limits{plantain.LimitRPM: o.Most})
		}
		if o.Need > o.Most {
			o.At = time.Time{} // alone it is too much, now and for ever
		}
		waits = waits && o.HeldOnly()
		if worst == nil || worst.sooner(o) {
			worst = o
		}
	}
	if worst == nil {
		return nil
	}
	worst.Waits = waits
	return worst
}

// Take charges an attempt to the client's account until it is settled or its
// deadline passes, for use inside a transaction. It gives an *OverLimit where
// the client may not use as much.
func (c Client) Take(states States, now time.Time, attempt plantain.Attempt, need Amount) error {
	s := states[AccountKey(c.Name)]
	if err := c.Allows(s, now, need); err != nil {
		return err
	}
	s.Seq++
	s.expire(now)
	if _, limited := c.Limits[plantain.ClientRequests]; limited && need.Requests > 0 {
		s.tick(now.UnixMilli(), Amount{Requests: need.Requests})
	}
	a := &s.Account
	a.turn(now)
	a.Out = append(a.Out, Charge{Attempt: attempt.ID, Until: attempt.Deadline.UnixMilli(), Day: a.Day.Name, Amount: need})
	return nil
}

// Settle puts what an attempt really used in the place of what it was charged,
// which was held.
func (c Client) Settle(states States, now time.Time, attempt plantain.Attempt, held, really Amount) {
	s := states[AccountKey(c.Name)]
	s.Seq++
	a := &s.Account
	a.turn(now)
	if i := slices.IndexFunc(a.Out, func(h Charge) bool { return h.Attempt == attempt.ID }); i >= 0 {
		day := a.Out[i].Day
		a.Out = slices.Delete(a.Out, i, i+1)
		a.add(day, really)
		return
	}
	// It counts as used already, because its deadline is past.
	a.add(gemini.DayOf(attempt.Opened), really.minus(held))
}

// turn begins the day and the month of an instant, unless a later one has begun,
// and counts as used what nobody will settle.
func (a *Account) turn(now time.Time) {
	today := gemini.DayOf(now)
	if today > a.Day.Name {
		a.Day = Period{Name: today}
	}
	if month := monthOf(today); month > a.Month.Name {
		a.Month = Period{Name: month}
	}
	a.Out = slices.DeleteFunc(a.Out, func(h Charge) bool {
		if h.Until > now.UnixMilli() {
			return false
		}
		a.add(h.Day, h.Amount)
		return true
	})
}

// ahead reports what was written by a clock that was ahead by more than to tomorrow.
func (a *Account) ahead(now time.Time) bool {
	tomorrow := gemini.DayOf(gemini.Midnight(now))
	return a.Day.Name > tomorrow || a.Month.Name > monthOf(tomorrow) ||
		slices.ContainsFunc(a.Out, func(h Charge) bool { return h.Day > tomorrow })
}

// setBack has it count from today on, so that no budget is used up for longer than it
// lasts.
func (a *Account) setBack(now time.Time) {
	today, tomorrow := gemini.DayOf(now), gemini.DayOf(gemini.Midnight(now))
	if a.Day.Name > tomorrow {
		a.Day.Name = today
	}
	if a.Month.Name > monthOf(tomorrow) {
		a.Month.Name = monthOf(today)
	}
	for i := range a.Out {
		h := &a.Out[i]
		if h.Day > tomorrow {
			h.Day, h.Until = today, min(h.Until, now.Add(time.Hour).UnixMilli())
		}
	}
}

// add counts an amount in the periods that a day is in.
func (a *Account) add(day string, n Amount) {
	if day == a.Day.Name {
		a.Day.Amount = a.Day.plus(n)
	}
	if monthOf(day) == a.Month.Name {
		a.Month.Amount = a.Month.plus(n)
	}
	a.Total = a.Total.plus(n)
}

// monthOf gives the month of a day by their names.
func monthOf(day string) string { return day[:len("2006-01")] }

// Use is how much of a limit a client has used: nano-dollars of a budget.
type Use struct {
	Limit    plantain.Limit
	Of, Used int64
	Held     int64     // by attempts that are out
	Reset    time.Time // when all of it is back if nothing else is sent; zero: never, or it is
}

// Left is what is left, never below zero.
func (u Use) Left() int64 { return max(u.Of-u.Used-u.Held, 0) }

// Use tells how much of each limit that a client has is used at an instant.
func (c Client) Use(s *State, now time.Time) []Use {
	a := s.Account
	a.Out = slices.Clone(a.Out)
	a.turn(now)
	var day, month, total Amount
	for _, h := range a.Out {
		total = total.plus(h.Amount)
		if h.Day == a.Day.Name {
			day = day.plus(h.Amount)
		}
		if monthOf(h.Day) == a.Month.Name {
			month = month.plus(h.Amount)
		}
	}
	var uses []Use
	for _, l := range plantain.AccountLimits {
		of, has := c.Limits[l]
		if !has {
			continue
		}
		u := Use{Limit: l, Of: of}
		switch l {
		case plantain.ClientRequests:
			if u.Used = s.Used(plantain.LimitRPM, now); u.Used > 0 {
				u.Reset = s.Ticks[len(s.Ticks)-1].free(minute)
			}
		case plantain.ClientImages, plantain.BudgetDay:
			u.Used, u.Held, u.Reset = a.Day.of(l), day.of(l), ends(time.DateOnly, a.Day.Name, 0, 1)
		case plantain.BudgetMonth:
			u.Used, u.Held, u.Reset = a.Month.of(l), month.of(l), ends("2006-01", a.Month.Name, 1, 0)
		default:
			u.Used, u.Held = a.Total.of(l), total.of(l)
		}
		uses = append(uses, u)
	}
	return uses
}

// ends is when a period is over that its name tells in a layout.
func ends(layout, name string, months, days int) time.Time {
	begin, err := time.ParseInLocation(layout, name, gemini.Pacific)
	if err != nil {
		return time.Time{} // nothing but turn writes names
	}
	return begin.AddDate(0, months, days)
}
