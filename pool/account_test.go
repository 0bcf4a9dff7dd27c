package pool

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// What a client has really cost, kept apart from its account: every attempt with the
// instant it was opened, and what it cost in the end, or may still cost.
type spending struct {
	plantain.Attempt
	held, cost Amount
	lost       bool // nobody will settle it: a gateway was killed
	settled    bool
}

// most is what it may have cost.
func (s *spending) most() Amount {
	if s.settled {
		return s.cost
	}
	return s.held
}

type purse struct {
	*rapid.T
	client Client
	states States
	now    time.Time
	spent  []*spending
}

func newPurse(t *rapid.T) *purse {
	c := Client{Name: "alice", Allowance: plantain.Allowance{Limits: map[plantain.Limit]int64{}}}
	for _, l := range plantain.AccountLimits {
		if rapid.Bool().Draw(t, "limited "+string(l)) {
			c.Limits[l] = rapid.Int64Range(0, 12).Draw(t, string(l))
		}
	}
	from := rapid.SampledFrom([]int{0, 1, 4, 5, 8}).Draw(t, "from the midnight before")
	return &purse{
		T: t, client: c, states: States{AccountKey(c.Name): &State{}},
		now: midnights[from+1].Add(-rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 12 * time.Hour}).Draw(t, "before midnight")),
	}
}

func (p *purse) state() *State { return p.states[AccountKey(p.client.Name)] }

// ask wants an attempt to be let in, as a transaction does: a refusal leaves no trace.
func (p *purse) ask(now time.Time, need Amount) error {
	a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint(len(p.spent))), Opened: now, Deadline: now.Add(timeout)}
	tried := p.state().Clone()
	err := p.client.Take(States{AccountKey(p.client.Name): &tried}, now, a, need)
	if err == nil {
		p.states[AccountKey(p.client.Name)] = &tried
		p.spent = append(p.spent, &spending{Attempt: a, held: need})
	}
	return err
}

func (p *purse) need() Amount {
	return Amount{
		Requests: rapid.Int64Range(0, 1).Draw(p.T, "requests"), Images: 1,
		Spend: plantain.Nanodollars(rapid.Int64Range(0, 6).Draw(p.T, "spend")),
	}
}

func (p *purse) out() (out []*spending) {
	for _, s := range p.spent {
		if !s.settled && !s.lost {
			out = append(out, s)
		}
	}
	return out
}

// settle ends one that is out, also long after its deadline, when a disk was full.
func (p *purse) settle() {
	out := p.out()
	if len(out) == 0 {
		return
	}
	s := out[rapid.IntRange(0, len(out)-1).Draw(p.T, "which")]
	s.cost = Amount{
		Requests: s.held.Requests, Images: rapid.Int64Range(0, s.held.Images).Draw(p.T, "images"),
		Spend: plantain.Nanodollars(rapid.Int64Range(0, int64(s.held.Spend)).Draw(p.T, "cost")),
	}
	s.settled = true
	p.client.Settle(p.states, p.now, s.Attempt, s.held, s.cost)
}

func (p *purse) wait() {
	p.now = p.now.Add(rapid.SampledFrom([]time.Duration{
		time.Millisecond, time.Second, 20 * time.Second, time.Minute, 6 * time.Minute, time.Hour, 13 * time.Hour,
	}).Draw(p.T, "wait"))
}

func (p *purse) drive(more map[string]func(*rapid.T)) {
	actions := map[string]func(*rapid.T){
		"ask":         func(*rapid.T) { _ = p.ask(p.now, p.need()) },
		"ask again":   func(*rapid.T) { _ = p.ask(p.now, p.need()) },
		"settle":      func(*rapid.T) { p.settle() },
		"settle more": func(*rapid.T) { p.settle() },
		"wait":        func(*rapid.T) { p.wait() },
	}
	for name, action := range more {
		actions[name] = action
	}
	p.Repeat(actions)
}

func date(t time.Time) string { return t.In(gemini.Pacific).Format(time.DateOnly) }

// sum adds up what the attempts of the same period as an instant may have cost.
func (p *purse) sum(l plantain.Limit, in func(time.Time) bool) (n int64) {
	for _, s := range p.spent {
		if in(s.Opened) {
			m := s.most()
			n += m.of(l)
		}
	}
	return n
}

// within checks every limit in the period of every attempt there was.
func (p *purse) within() {
	for l, most := range p.client.Limits {
		for _, s := range p.spent {
			at := s.Opened
			in := func(t time.Time) bool { return true }
			switch l {
			case plantain.ClientRequests:
				in = func(t time.Time) bool { return !t.Before(at) && t.Before(at.Add(time.Minute)) }
			case plantain.ClientImages, plantain.BudgetDay:
				in = func(t time.Time) bool { return date(t) == date(at) }
			case plantain.BudgetMonth:
				in = func(t time.Time) bool { return date(t)[:7] == date(at)[:7] }
			default:
			}
			if n := p.sum(l, in); n > most {
				p.Fatalf("%d of %d used of %s", n, most, l)
			}
		}
	}
}

func TestNoBudgetIsExceededWhateverIsSettledLostOrLate(t *testing.T) {
	t.Parallel()
	for range 5 {
		rapid.Check(t, func(t *rapid.T) {
			p := newPurse(t)
			p.drive(map[string]func(*rapid.T){"crash": func(*rapid.T) {
				for _, s := range p.out() {
					s.lost = true
				}
			}})
			p.within()
		})
	}
}

// What was settled stands in the account with what it cost, however late that was.
func TestAnAccountIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := newPurse(t)
		p.client.Limits = map[plantain.Limit]int64{plantain.BudgetDay: 30, plantain.BudgetMonth: 40, plantain.BudgetTotal: 50, plantain.ClientImages: 60}
		p.drive(nil)
		for len(p.out()) > 0 {
			p.settle()
		}
		_ = p.ask(p.now, Amount{}) // begins the day, had it not begun
		for _, u := range p.client.Use(p.state(), p.now) {
			in := func(time.Time) bool { return true }
			switch u.Limit {
			case plantain.ClientImages, plantain.BudgetDay:
				in = func(t time.Time) bool { return date(t) == date(p.now) }
			case plantain.BudgetMonth:
				in = func(t time.Time) bool { return date(t)[:7] == date(p.now)[:7] }
			default:
			}
			if want := p.sum(u.Limit, in); u.Used != want || u.Held != 0 {
				t.Fatalf("%s: %d used and %d held, want %d", u.Limit, u.Used, u.Held, want)
			}
		}
	})
}

// The instant that a refusal names is one at which the same request is let in; where
// it names none there is none, as long as nothing that is out gives room.
func TestARefusalOfAClientKeepsItsWord(t *testing.T) {
	t.Parallel()
	for range 5 {
		rapid.Check(t, func(t *rapid.T) {
			p := newPurse(t)
			p.drive(map[string]func(*rapid.T){"obey": func(*rapid.T) {
				need := p.need()
				over := (*OverLimit)(nil)
				if err := p.ask(p.now, need); !errors.As(err, &over) {
					return
				}
				if over.At.IsZero() {
					if over.HeldOnly() {
						return
					}
					if err := p.ask(p.now.AddDate(1, 0, 0), need); err == nil {
						t.Fatalf("%v, and a year later it is let in", over)
					}
					return
				}
				if at := over.At; !at.After(p.now) {
					t.Fatalf("told at %v to come at %v", p.now, at)
				}
				p.now = over.At
				if err := p.ask(p.now, need); err != nil {
					t.Fatalf("told to come at %v: %v; and then: %v", over.At, over, err)
				}
			}})
		})
	}
}

// A clock that is set back over midnight gives no budget twice.
func TestADayDoesNotBeginTwice(t *testing.T) {
	t.Parallel()
	p := &purse{client: Client{Name: "alice", Allowance: plantain.Allowance{Limits: map[plantain.Limit]int64{plantain.BudgetDay: 5}}}}
	p.states = States{AccountKey("alice"): &State{}}
	before, after := midnights[8].Add(-time.Minute), midnights[8].Add(time.Minute)
	for i, c := range []struct {
		at time.Time
		in bool
	}{{after, true}, {before, false}, {after, false}, {before, false}, {midnights[9].Add(-time.Second), false}, {midnights[9], true}} {
		err := p.ask(c.at, Amount{Spend: 5})
		if (err == nil) != c.in {
			t.Errorf("%d: at %v got %v", i, c.at, err)
		}
	}
}

// What a clock that was a year ahead counted, counts now, and holds nobody up for
// longer than a limit lasts.
func TestAnAccountOutlivesAClockThatWasFarAhead(t *testing.T) {
	t.Parallel()
	noon := midnights[8].Add(12 * time.Hour)
	for limit, ends := range map[plantain.Limit]time.Time{
		plantain.ClientRequests: noon.Add(time.Minute + Margin), plantain.ClientImages: midnights[9], plantain.BudgetDay: midnights[9],
		plantain.BudgetMonth: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC),
	} {
		for _, settled := range []bool{true, false} {
			p := &purse{client: Client{Name: "alice", Allowance: plantain.Allowance{Limits: map[plantain.Limit]int64{limit: 2}}}}
			p.states = States{AccountKey("alice"): &State{}}
			need := Amount{Requests: 1, Images: 1, Spend: 1}
			for range 2 {
				if err := p.ask(noon.AddDate(1, 0, 0), need); err != nil {
					t.Fatal(err)
				}
				if last := p.spent[len(p.spent)-1]; settled {
					p.client.Settle(p.states, noon.AddDate(1, 0, 0), last.Attempt, need, need)
				}
			}
			SetBack(p.states, noon)
			over := (*OverLimit)(nil)
			if err := p.ask(noon, need); !errors.As(err, &over) || !over.At.Equal(ends) {
				t.Errorf("%s, settled %t: set back it says %v at %+v, want %v", limit, settled, err, over, ends)
			}
			if err := p.ask(ends, need); err != nil {
				t.Errorf("%s, settled %t: when it ends, %v", limit, settled, err)
			}
		}
	}
}

func TestAnAccountStaysSmall(t *testing.T) {
	t.Parallel()
	p := &purse{client: Client{Name: "alice", Allowance: plantain.Allowance{Limits: map[plantain.Limit]int64{plantain.ClientRequests: 1_000_000}}}}
	p.states = States{AccountKey("alice"): &State{}}
	for n := range 5_000 {
		if err := p.ask(midnights[8].Add(time.Duration(n)*time.Second/8), Amount{Requests: 1}); err != nil {
			t.Fatal(err)
		}
		if last := p.spent[n]; n%10 > 0 {
			p.client.Settle(p.states, last.Opened, last.Attempt, last.held, last.held)
		}
	}
	if s := p.state(); len(s.Ticks) > 2*grains || len(s.Account.Out) > 5*60*8/10+1 {
		t.Errorf("%d instants and %d attempts are kept", len(s.Ticks), len(s.Account.Out))
	}
}

func TestARefusalOfAClientIsInWords(t *testing.T) {
	t.Parallel()
	noon := midnights[8].Add(12 * time.Hour)
	for name, c := range map[string]struct {
		limit plantain.Limit
		of    int64
		taken Amount
		want  string
	}{
		"a budget": {plantain.BudgetMonth, 20_000_000_000, Amount{Spend: 19_950_000_000},
			"client alice has used $0.000 of its $20.000 a month, and requests that run hold $19.950; this request may cost $0.070; $0.050 is left"},
		"images":   {plantain.ClientImages, 1, Amount{Images: 1}, "client alice has used 0 of its 1 images a day, and requests that run hold 1; 0 is left"},
		"requests": {plantain.ClientRequests, 1, Amount{Requests: 1}, "client alice has used 1 of its 1 requests a minute; 0 is left"},
	} {
		p := &purse{client: Client{Name: "alice", Allowance: plantain.Allowance{Limits: map[plantain.Limit]int64{c.limit: c.of}}}}
		p.states = States{AccountKey("alice"): &State{}}
		if err := p.ask(noon, c.taken); err != nil {
			t.Fatal(err)
		}
		err := p.ask(noon, Amount{Requests: 1, Images: 1, Spend: 70_000_000})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v\nwant %s", name, err, c.want)
		}
	}
}

func TestAnAccountIsNoProjects(t *testing.T) {
	t.Parallel()
	k := AccountKey("a.b@c")
	if k.Client() != "a.b@c" || (Key{Project: "client"}).Client() != "" {
		t.Errorf("%v is of %q", k, k.Client())
	}
	p := New(nil)
	p.Saw(States{k: {Seq: 7}})
	p.Doubt([]Key{k})
	if s := p.Seen(k); s.Seq != 0 || slices.Contains(p.Endless(), k) {
		t.Error("the pool has taken it for a project")
	}
}
