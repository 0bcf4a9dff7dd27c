// Package windowstest is the conformance suite of [pool.Store]: what every place
// that keeps windows promises, in memory and on every database.
package windowstest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

// Run checks an implementation. open gives empty windows and cleans up by itself;
// what it gives opens the same windows once more, as another gateway has them, or
// gives the same one again where only one can have them.
func Run(t *testing.T, open func(t *testing.T) func() pool.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func() pool.Store){
		"what nobody wrote is zero":                       zero,
		"all of a state comes back":                       whole,
		"a change touches the keys it names":              named,
		"what is refused leaves nothing in any window":    refused,
		"what was only looked at stays as it is":          looked,
		"a context that has ended changes nothing":        ended,
		"changes come one after the other":                inOrder,
		"changes of the same windows in any order end":    anyOrder,
		"gateways never exceed a limit together":          together,
		"what one gateway gives back another one can use": givenBack,
		"clients never use more than they may together":   clients,
		"what a client has used comes back":               account,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var (
	noon  = time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)
	model = plantain.Model("gemini-3.1-flash-image")
	here  = pool.Key{Project: "studio", Model: model}
	all   = pool.Key{Project: "studio"}
	there = pool.Key{Project: "annexe", Model: model}
)

// update changes windows and fails the test where that fails.
func update(t *testing.T, s pool.Store, fn func(pool.States), keys ...pool.Key) {
	t.Helper()
	if err := s.Update(t.Context(), keys, func(states pool.States) error { fn(states); return nil }); err != nil {
		t.Fatal(err)
	}
}

// read gives a window as it is kept.
func read(t *testing.T, s pool.Store, k pool.Key) (state pool.State) {
	t.Helper()
	update(t, s, func(states pool.States) { state = states[k].Clone() }, k)
	return state
}

func reserve(id string) func(*pool.State) {
	return func(s *pool.State) {
		s.Reserve(noon, plantain.AttemptID(id), noon.Add(time.Minute), pool.Amount{Requests: 1, Images: 2, Tokens: 30, Spend: 4_000_000_000})
	}
}

func zero(t *testing.T, open func() pool.Store) {
	if got := read(t, open(), here); !reflect.DeepEqual(got, pool.State{}) {
		t.Errorf("got %+v", got)
	}
}

func whole(t *testing.T, open func() pool.Store) {
	var want pool.State
	s := open()
	update(t, s, func(states pool.States) {
		k := states[here]
		reserve("settled")(k)
		reserve("out")(k)
		k.Settle(noon.Add(time.Second), "settled", noon, pool.Amount{Requests: 1, Images: 1, Tokens: 9, Spend: 3_000_000_001})
		k.Parks(pool.Parking{Reason: plantain.RateDay, Since: noon, Until: noon.Add(time.Hour), Probe: noon.Add(time.Minute), Under: "print", Why: "“voll”, sagt Google\n"})
		k.Learnt = map[plantain.Limit]pool.Learnt{plantain.LimitRPM: {Value: 7, At: noon, From: "a refusal"}}
		k.Under = "print"
		want = k.Clone()
	}, here)
	for name, store := range map[string]pool.Store{"the same": s, "another": open()} {
		if got := read(t, store, here); fmt.Sprintf("%+v", utc(got)) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s reads %+v\nwant %+v", name, got, want)
		}
	}
}

// utc gives a state with its times where noon is: an instant may come back in
// another zone.
func utc(s pool.State) pool.State {
	s.Park.Since, s.Park.Until, s.Park.Probe = s.Park.Since.UTC(), s.Park.Until.UTC(), s.Park.Probe.UTC()
	for l, learnt := range s.Learnt {
		learnt.At = learnt.At.UTC()
		s.Learnt[l] = learnt
	}
	return s
}

func named(t *testing.T, open func() pool.Store) {
	s := open()
	update(t, s, func(states pool.States) {
		if len(states) != 2 || states[here] == nil || states[all] == nil {
			t.Fatalf("given %v", states)
		}
		reserve("a")(states[here])
		reserve("a")(states[all])
	}, here, all)
	for k, want := range map[pool.Key]int64{here: 1, all: 1, there: 0} {
		state := read(t, s, k)
		if n := state.Used(plantain.LimitRPM, noon); n != want {
			t.Errorf("%v has %d, want %d", k, n, want)
		}
	}
}

func refused(t *testing.T, open func() pool.Store) {
	s, want := open(), &pool.NoRoom{Project: "studio"}
	update(t, s, func(states pool.States) { reserve("before")(states[all]) }, all)
	err := s.Update(t.Context(), []pool.Key{all, here}, func(states pool.States) error {
		reserve("refused")(states[all])
		reserve("refused")(states[here])
		return want
	})
	if got := (*pool.NoRoom)(nil); !errors.As(err, &got) || got != want {
		t.Errorf("got %v, want the error itself", err)
	}
	for k, want := range map[pool.Key]int64{all: 1, here: 0} {
		state := read(t, s, k)
		if n := state.Used(plantain.LimitRPM, noon); n != want {
			t.Errorf("%v has %d, want %d", k, n, want)
		}
	}
}

func looked(t *testing.T, open func() pool.Store) {
	s := open()
	update(t, s, func(states pool.States) { reserve("a")(states[here]) }, here)
	before := read(t, s, here)
	if before.Seq == 0 {
		t.Error("a change did not count")
	}
	if after := read(t, open(), here); after.Seq != before.Seq {
		t.Errorf("looking at it changed Seq from %d to %d", before.Seq, after.Seq)
	}
}

func ended(t *testing.T, open func() pool.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := open()
	err := s.Update(ctx, []pool.Key{here}, func(states pool.States) error { reserve("a")(states[here]); return nil })
	// One that goes through all the same says so, and is there.
	want := int64(1)
	if err != nil {
		want = 0
	}
	state := read(t, s, here)
	if n := state.Used(plantain.LimitRPM, noon); n != want {
		t.Errorf("%d in use after %v", n, err)
	}
}

func inOrder(t *testing.T, open func() pool.Store) {
	const changes = 40
	gateways := []pool.Store{open(), open()}
	var wg sync.WaitGroup
	for n := range changes {
		wg.Go(func() {
			if err := gateways[n%2].Update(context.Background(), []pool.Key{here}, func(states pool.States) error {
				reserve(fmt.Sprint(n))(states[here])
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	state := read(t, gateways[0], here)
	if n := state.Used(plantain.LimitRPM, noon); n != changes || state.Seq != changes {
		t.Errorf("%d in use and Seq %d after %d changes", n, state.Seq, changes)
	}
}

func anyOrder(t *testing.T, open func() pool.Store) {
	gateways := []pool.Store{open(), open()}
	orders := [][]pool.Key{{all, here, there}, {there, here, all}, {here, all}, {there, all}, {here, there}}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			keys := orders[n%len(orders)]
			if err := gateways[n%2].Update(context.Background(), keys, func(states pool.States) error {
				for _, k := range keys {
					states[k].Seq++
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := map[pool.Key]int64{all: 32, here: 32, there: 32} // four of the five orders name each
	for k, n := range want {
		if state := read(t, gateways[1], k); state.Seq != n {
			t.Errorf("%v was changed %d times, want %d", k, state.Seq, n)
		}
	}
}

// studio is a project whose windows are taken by the pool's own arithmetic.
func studio(l pool.Limits, spend int64) pool.Member {
	m := pool.Member{Project: plantain.Project{Name: here.Project}, Limits: func(plantain.Model) pool.Limits { return l }}
	if spend > 0 {
		m.Whole = pool.Limits{plantain.LimitSpend: spend}
	}
	return m
}

func attempt(n int) plantain.Attempt {
	return plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint(n)), Model: model, Opened: noon, Deadline: noon.Add(time.Minute)}
}

// together lets many callers on two gateways ask at once, some of them settled and
// some not, with one window after the other as the narrowest.
func together(t *testing.T, open func() pool.Store) {
	gateways := []pool.Store{open(), open()}
	need := pool.Amount{Requests: 1, Images: 2, Tokens: 3, Spend: 4}
	const callers, fit = 40, 11
	for i, c := range []struct {
		limits pool.Limits
		spend  int64
	}{
		{limits: pool.Limits{plantain.LimitRPM: fit}},
		{limits: pool.Limits{plantain.LimitIPM: 2*fit + 1, plantain.LimitRPM: 1000}},
		{limits: pool.Limits{plantain.LimitTPM: 3*fit + 2}},
		{limits: pool.Limits{plantain.LimitRPD: fit, plantain.LimitRPM: 1000}},
		{spend: 4*fit + 3},
	} {
		m := studio(c.limits, c.spend)
		m.Name = plantain.ProjectName(fmt.Sprint("studio-", i))
		var let atomic.Int64
		var wg sync.WaitGroup
		for n := range callers {
			wg.Go(func() {
				a, keys := attempt(n), m.Keys(model)
				err := gateways[n%2].Update(context.Background(), keys, m.Take(noon, a, need))
				if none := (*pool.NoRoom)(nil); errors.As(err, &none) {
					return
				} else if err != nil {
					t.Error(err)
					return
				}
				let.Add(1)
				if n%3 == 0 {
					return // it stays out
				}
				if err := gateways[(n+1)%2].Update(context.Background(), keys, func(s pool.States) error {
					m.Give(s, noon, a, noon, need, true)
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if let.Load() != fit {
			t.Errorf("%v and a spend of %d let %d in, want %d", c.limits, c.spend, let.Load(), fit)
		}
	}
}

func givenBack(t *testing.T, open func() pool.Store) {
	one, two := open(), open()
	m := studio(pool.Limits{plantain.LimitRPM: 1}, 0)
	take := func(s pool.Store, n int) error {
		return s.Update(t.Context(), m.Keys(model), m.Take(noon, attempt(n), pool.Amount{Requests: 1}))
	}
	if err := take(one, 1); err != nil {
		t.Fatal(err)
	}
	if none := (*pool.NoRoom)(nil); !errors.As(take(two, 2), &none) {
		t.Fatal("two gateways had the one place")
	}
	update(t, one, func(s pool.States) { m.Give(s, noon, attempt(1), noon, pool.Amount{}, false) }, m.Keys(model)...)
	if err := take(two, 3); err != nil {
		t.Errorf("what was given back is not there: %v", err)
	}
}

// clients lets many callers on two gateways ask for one client at once, some of them
// settled at less, some at all they held and some not, with one limit after the other.
func clients(t *testing.T, open func() pool.Store) {
	gateways := []pool.Store{open(), open()}
	const callers, fit = 40, 11
	need, keys := pool.Amount{Requests: 1, Images: 1, Spend: 10}, studio(nil, 0).Keys(model)
	for l, size := range map[plantain.Limit]int64{
		plantain.ClientRequests: fit, plantain.ClientImages: fit, plantain.BudgetDay: 10*fit + 9, plantain.BudgetMonth: 10 * fit, plantain.BudgetTotal: 10*fit + 1,
	} {
		c := pool.Client{Name: plantain.ClientName(l), Allowance: plantain.Allowance{Limits: map[plantain.Limit]int64{l: size}}}
		keys := append(keys, pool.AccountKey(c.Name))
		var let, spent atomic.Int64
		var wg sync.WaitGroup
		for n := range callers {
			wg.Go(func() {
				a := attempt(n)
				err := gateways[n%2].Update(context.Background(), keys, func(s pool.States) error { return c.Take(s, noon, a, need) })
				if over := (*pool.OverLimit)(nil); errors.As(err, &over) {
					return
				} else if err != nil {
					t.Error(err)
					return
				}
				let.Add(1)
				really := need
				if n%3 == 1 {
					really.Spend -= 5
				}
				spent.Add(int64(really.Spend))
				if n%3 == 0 {
					return // it stays out
				}
				if err := gateways[(n+1)%2].Update(context.Background(), keys, func(s pool.States) error {
					c.Settle(s, noon, a, need, really)
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if exact := !l.Money(); let.Load() < fit || exact && let.Load() > fit || !exact && spent.Load() > size {
			t.Errorf("%s of %d let %d in, who spend %d", l, size, let.Load(), spent.Load())
		}
	}
}

func account(t *testing.T, open func() pool.Store) {
	c, s := pool.Client{Name: "alice"}, open()
	key := pool.AccountKey(c.Name)
	var want pool.State
	update(t, s, func(states pool.States) {
		for n := range 3 {
			if err := c.Take(states, noon, attempt(n), pool.Amount{Requests: 1, Images: 1, Spend: 7}); err != nil {
				t.Fatal(err)
			}
		}
		c.Settle(states, noon, attempt(1), pool.Amount{Requests: 1, Images: 1, Spend: 7}, pool.Amount{Requests: 1, Spend: 5})
		want = states[key].Clone()
	}, key)
	for name, store := range map[string]pool.Store{"the same": s, "another": open()} {
		if got := read(t, store, key); !reflect.DeepEqual(got, want) || len(got.Account.Out) != 2 || got.Account.Total.Spend != 5 {
			t.Errorf("%s reads %+v\nwant %+v", name, got, want)
		}
	}
}
