package pool

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// plain chooses by the definition alone: it asks every member's windows, sorts
// all that have room, and takes the first.
func plain(p *Pool, now time.Time, model plantain.Model, need Amount, without func(*Member) bool) (*Member, *NoRoom) {
	type ranked struct {
		m       *Member
		failing int
		price   int
		trouble int
		load    float64
	}
	state := func(k Key) *State { s := p.seen[k]; return &s }
	var with []ranked
	var first *NoRoom
	var probe *Member
	for i := range p.members {
		m := &p.members[i]
		if without != nil && without(m) {
			continue
		}
		if none := m.room(state, now, model, need); none != nil {
			first = sooner(first, none)
			if probe == nil && m.probed(none, state(Key{m.Name, ""}), state(Key{m.Name, model}), now, model, need) != "" {
				probe = m
			}
			continue
		}
		r := ranked{m: m, price: cmp.Or(m.Price, 1000)}
		keys := m.Keys(model)
		if need == (Amount{}) {
			keys = keys[:1]
		}
		for _, k := range keys {
			s := state(k)
			for l, size := range m.limitsIn(k, s) {
				if size > 0 {
					r.load = max(r.load, float64(s.Used(l, now))/float64(size))
				}
			}
		}
		r.load = min(r.load, 1) / float64(cmp.Or(m.Weight, 1))
		record := p.records[keys[len(keys)-1]]
		if now.Before(record.failing) && need != (Amount{}) {
			r.failing = 1
		}
		if need != (Amount{}) {
			r.trouble = int(5*record.failed)*16 + int(math.Log2(max(record.seconds, 1)))
		}
		with = append(with, r)
	}
	slices.SortStableFunc(with, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.failing, b.failing), cmp.Compare(a.price, b.price), cmp.Compare(int(10*a.load), int(10*b.load)),
			cmp.Compare(a.trouble, b.trouble), cmp.Compare(a.load, b.load))
	})
	if len(with) == 0 && probe != nil {
		return probe, nil
	}
	if len(with) == 0 {
		return nil, first
	}
	return with[0].m, nil
}

// plainPace is the pace by the definition alone.
func plainPace(p *Pool, now time.Time, model plantain.Model) time.Duration {
	var sum int64
	for _, m := range p.members {
		out := false
		for _, k := range m.Keys(model) {
			end, forever := p.seen[k].Park.Ends(now, m.Fingerprint)
			out = out || forever || end.After(now)
		}
		s := p.seen[Key{m.Name, model}]
		limits := m.limitsIn(Key{m.Name, model}, &s)
		rpm, a := limits[plantain.LimitRPM]
		ipm, b := limits[plantain.LimitIPM]
		switch {
		case out:
		case !a && !b:
			return 0
		case a && b:
			sum += min(rpm, ipm)
		default:
			sum += rpm + ipm
		}
	}
	if sum == 0 {
		return 0
	}
	return minute / time.Duration(sum)
}

func TestTheChoiceIsThatOfTheDefinition(t *testing.T) {
	t.Parallel()
	models := []plantain.Model{"nb2", "pro"}
	steps := []time.Duration{0, time.Millisecond, 499 * time.Millisecond, time.Second, 17 * time.Second, 30 * time.Second, time.Minute, time.Minute + Margin,
		5 * time.Minute, 10*time.Minute + Margin, time.Hour, 24 * time.Hour, -time.Second, -time.Minute, -24 * time.Hour}
	rapid.Check(t, func(t *rapid.T) {
		p := New(someMembers(t))
		now, attempts := noon, []plantain.Attempt{}
		draw := func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(t, what) }
		model := func() plantain.Model { return models[draw(2, "model")] }
		member := func() *Member { return &p.members[draw(len(p.members), "member")] }
		change := func(m *Member, model plantain.Model, fn func(States)) {
			states := States{}
			for _, k := range m.Keys(model) {
				s := p.Seen(k)
				states[k] = &s
			}
			fn(states)
			p.Saw(states)
		}
		t.Repeat(map[string]func(*rapid.T){
			"time passes":    func(*rapid.T) { now = now.Add(steps[draw(len(steps), "step")]) },
			"midnight comes": func(*rapid.T) { now = gemini.Midnight(now) },
			"an attempt is opened": func(t *rapid.T) {
				m, amount := member(), someAmount(t)
				a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint(len(attempts))), Project: m.Name, Model: model(), Deadline: now.Add(steps[draw(10, "deadline")])}
				change(m, a.Model, func(s States) {
					if m.Take(now, a, amount)(s) == nil {
						attempts = append(attempts, a)
					}
				})
			},
			"an attempt is settled": func(t *rapid.T) {
				if len(attempts) == 0 {
					t.Skip("none is out")
				}
				i := draw(len(attempts), "attempt")
				a := attempts[i]
				attempts = slices.Delete(attempts, i, i+1)
				m, amount := p.members[p.index[a.Project]], someAmount(t)
				sent := now.Add(-steps[draw(7, "ago")])
				change(&m, a.Model, func(s States) { m.Give(s, now, a, sent, amount, draw(2, "through") == 1) })
				class := []plantain.Class{plantain.Success, plantain.ServerError, plantain.Capacity, plantain.Unanswered}[draw(4, "class")]
				p.Noted(now, a, class, steps[draw(9, "took")])
			},
			"a project is parked": func(t *rapid.T) {
				m, name := member(), model()
				v := plantain.Verdict{Class: []plantain.Class{plantain.RateMinute, plantain.RateDay, plantain.QuotaZero, plantain.Billing, plantain.QuotaUnknown}[draw(5, "class")],
					Stated: steps[draw(6, "stated")], Wait: steps[draw(6, "wait")], Disclosed: draw(2, "disclosed") == 1, Value: int64(draw(5, "value")), Limit: plantain.LimitRPM}
				change(m, name, func(s States) {
					scope, park := After(v, now, time.Second)
					park.Under = m.Fingerprint
					key := Key{m.Name, name}
					if scope == ScopeProject {
						key.Model = ""
					}
					s[key].Parks(park)
					m.Learn(s, now, name, v)
				})
			},
			"the configuration changes": func(t *rapid.T) { p.Replace(someMembers(t)) },
			"": func(t *rapid.T) {
				for range 2 { // the second reads what the first reckoned
					need, name, left := someAmount(t), model(), map[plantain.ProjectName]bool{}
					for _, m := range p.members {
						left[m.Name] = draw(4, "without") == 0
					}
					without := func(m *Member) bool { return left[m.Name] }
					want, wantNone := plain(p, now, name, need, without)
					got, none := p.Choose(now, name, need, without)
					if want != got || !reflect.DeepEqual(wantNone, none) {
						t.Fatalf("at %v for %+v chose %s, none %+v\nthe definition says %s, none %+v", now, need, nameOf(got), none, nameOf(want), wantNone)
					}
					if got, want := p.Pace(now, name), plainPace(p, now, name); got != want {
						t.Fatalf("at %v the pace is %v, want %v", now, got, want)
					}
				}
			},
		})
	})
}

func nameOf(m *Member) string {
	if m == nil {
		return "nobody"
	}
	return string(m.Name)
}

func someAmount(t *rapid.T) Amount {
	return rapid.SampledFrom([]Amount{{}, one, {Requests: 1, Images: 1, Tokens: 100, Spend: 3}, {Requests: 1, Images: 1, Tokens: 400, Spend: 5}, {Requests: 1, Images: 1, Tokens: 700}, {Requests: 1}}).Draw(t, "amount")
}

func someMembers(t *rapid.T) []Member {
	sizes := []Limits{nil, {plantain.LimitRPM: 3, plantain.LimitIPM: 2, plantain.LimitRPD: 6}, {plantain.LimitRPM: 5, plantain.LimitTPM: 600}, {plantain.LimitRPM: 0}}
	wholes := []Limits{nil, {plantain.LimitSpend: 9}}
	members := make([]Member, rapid.IntRange(1, 4).Draw(t, "members"))
	for i := range members {
		limits := rapid.SampledFrom(sizes).Draw(t, "limits")
		members[i] = Member{
			Project: plantain.Project{Name: plantain.ProjectName(rune('a' + i))},
			Limits:  func(plantain.Model) Limits { return limits }, Whole: rapid.SampledFrom(wholes).Draw(t, "whole"),
			Fingerprint: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "fingerprint"),
			ProbeLimits: rapid.Bool().Draw(t, "probe limits"),
			Weight:      rapid.IntRange(0, 2).Draw(t, "weight"), Price: rapid.SampledFrom([]int{0, 750}).Draw(t, "price"),
		}
	}
	return members
}

func TestAChoiceIsReckonedAnewAtMidnight(t *testing.T) {
	t.Parallel()
	p := New([]Member{member("a", Limits{plantain.LimitRPD: 1})})
	ahead := gemini.DayOf(noon.Add(48 * time.Hour)) // a clock that was set back since
	p.Saw(States{{"a", "nb2"}: {Seq: 1, Days: []Day{{ahead, one}}}})
	if m, _ := p.Choose(noon, "nb2", one, nil); m == nil {
		t.Error("a has no room today")
	}
	if m, _ := p.Choose(gemini.Midnight(noon), "nb2", one, nil); m != nil {
		t.Error("a has room although what it counted may have been today")
	}
}

func TestTheOrderOfProjectsWithRoom(t *testing.T) {
	t.Parallel()
	attempt := func(m Member) plantain.Attempt { return plantain.Attempt{ID: "x", Project: m.Name, Model: "nb2"} }
	notes := func(c plantain.Class, took ...time.Duration) func(*Pool, Member) {
		return func(p *Pool, m Member) {
			for _, d := range took {
				p.Noted(noon, attempt(m), c, d)
			}
		}
	}
	used := func(n int64) func(*Pool, Member) {
		return func(p *Pool, m Member) {
			s := State{Seq: 1, Ticks: Ticks{{noon.UnixMilli(), Amount{Requests: n, Images: n}}}}
			p.Saw(States{Key{m.Name, "nb2"}: &s})
		}
	}
	for name, c := range map[string]struct {
		a, b  Member // besides name and limits
		do    func(p *Pool, a, b Member)
		order string
		later time.Duration // the choice is made
	}{
		"the one with most room": {order: "ba", do: func(p *Pool, a, b Member) { used(5)(p, a); used(3)(p, b) }},
		"a weight of two is used twice as far": {a: Member{Weight: 2}, order: "ab",
			do: func(p *Pool, a, b Member) { used(5)(p, a); used(3)(p, b) }},
		"and no further": {a: Member{Weight: 2}, order: "ba",
			do: func(p *Pool, a, b Member) { used(6)(p, a); used(2)(p, b) }},
		"the cheaper one, whatever its room": {b: Member{Price: 750}, order: "ba", do: func(p *Pool, _, b Member) { used(8)(p, b) }},
		"the dearer one last":                {a: Member{Price: 1200}, order: "ba", do: func(p *Pool, _, b Member) { used(8)(p, b) }},
		"as much room: the one with fewer failures": {order: "ba",
			do: func(p *Pool, a, _ Member) { notes(plantain.ServerError, 0)(p, a) }},
		"as much room: the quicker one": {order: "ba", do: func(p *Pool, a, b Member) {
			notes(plantain.Success, 30*time.Second)(p, a)
			notes(plantain.Success, 8*time.Second)(p, b)
		}},
		"hardly quicker is not quicker": {order: "ab", do: func(p *Pool, a, b Member) {
			notes(plantain.Success, 9*time.Second)(p, a)
			notes(plantain.Success, 8*time.Second)(p, b)
		}},
		"more room before quicker": {order: "ab", do: func(p *Pool, a, b Member) {
			notes(plantain.Success, 30*time.Second)(p, a)
			notes(plantain.Success, 8*time.Second)(p, b)
			used(1)(p, b)
		}},
		"what fails again and again last, even where it is cheaper": {a: Member{Price: 750}, order: "ba",
			do: func(p *Pool, a, _ Member) { notes(plantain.ServerError, 0, 0)(p, a) }},
		"but not for longer than a minute": {a: Member{Price: 750}, order: "ab", later: time.Minute,
			do: func(p *Pool, a, _ Member) { notes(plantain.ServerError, 0, 0)(p, a) }},
		"nor once it succeeds": {a: Member{Price: 750}, order: "ab", do: func(p *Pool, a, _ Member) {
			notes(plantain.ServerError, 0, 0)(p, a)
			notes(plantain.Success, time.Second)(p, a)
		}},
		"no capacity is nobody's fault": {a: Member{Price: 750}, order: "ab",
			do: func(p *Pool, a, _ Member) { notes(plantain.Capacity, 0, 0, 0)(p, a) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.a.Name, c.b.Name = "a", "b"
			c.a.Limits = func(plantain.Model) Limits { return tier1 }
			c.b.Limits = c.a.Limits
			p := New([]Member{c.a, c.b})
			// What was reckoned before does not hide what came since.
			order(p, noon, "nb2")
			c.do(p, c.a, c.b)
			order(p, noon, "nb2")
			if names, none := order(p, noon.Add(c.later), "nb2"); names != c.order {
				t.Errorf("asked %s, want %s; %v", names, c.order, none)
			}
		})
	}
}

// crowd is a pool in the middle of a busy hour: of ten projects three are full,
// one is parked for the day, one for good, and the rest have part of their room;
// every window has sent amounts in it, and some attempts are out.
func crowd(n int, now time.Time) *Pool {
	members := make([]Member, n)
	states := States{}
	for i := range members {
		name := plantain.ProjectName(fmt.Sprintf("project-%05d", i))
		size := Limits{plantain.LimitRPM: 10, plantain.LimitIPM: 10, plantain.LimitTPM: 1_000_000, plantain.LimitRPD: 1000}
		if i%3 == 0 {
			size = Limits{plantain.LimitRPM: 60, plantain.LimitIPM: 60, plantain.LimitTPM: 4_000_000, plantain.LimitRPD: 20_000}
		}
		members[i] = Member{
			Project: plantain.Project{Name: name}, Price: 1000,
			// A map of its own every time, as the configuration gives it.
			Limits: func(plantain.Model) Limits { return maps.Clone(size) },
			Whole:  Limits{plantain.LimitSpend: 10_000_000_000},
		}
		taken := size[plantain.LimitRPM] * int64(1+i%7) / 10
		if i%10 < 3 {
			taken = size[plantain.LimitRPM]
		}
		s, whole := &State{Seq: 1, Days: []Day{{gemini.DayOf(now), Amount{Requests: taken * 10, Images: taken * 10}}}}, &State{Seq: 1}
		for j := range taken {
			ago := time.Duration(j*59_000+int64(i*7919%1000)) * time.Millisecond / time.Duration(taken)
			at := now.Add(-ago).UnixMilli()
			if ago < 10*time.Second {
				s.Holds = append(s.Holds, Hold{Attempt: plantain.AttemptID(fmt.Sprint(j)), At: at, Until: at + 300_000, Amount: Amount{Requests: 1, Images: 1, Tokens: 20}})
				whole.Holds = append(whole.Holds, Hold{Attempt: plantain.AttemptID(fmt.Sprint(j)), At: at, Until: at + 300_000, Amount: Amount{Spend: 70_000_000}})
				continue
			}
			s.Ticks = slices.Insert(s.Ticks, 0, Tick{at, Amount{Requests: 1, Images: 1, Tokens: 20}})
			whole.Ticks = slices.Insert(whole.Ticks, 0, Tick{at, Amount{Spend: 70_000_000}})
		}
		switch i % 10 {
		case 3:
			s.Park = Parking{Reason: plantain.RateDay, Since: now, Until: gemini.Midnight(now)}
		case 4:
			whole.Park = Parking{Reason: plantain.KeyInvalid, Since: now}
		}
		states[Key{name, "nb2"}], states[Key{name, ""}] = s, whole
	}
	p := New(members)
	p.Saw(states)
	return p
}

// BenchmarkChoose is a busy pool of which as much is asked as it has room for,
// for images that take ten seconds. An operation is a request's whole way through
// it: the choice, the room that is taken, and the settlement of an earlier one; of
// the choice alone the median and the 99th percentile are shown. Beside it, in the
// same run, the same by the definition: every window is read, and all members
// that have room are sorted.
func BenchmarkChoose(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("projects=%d/plantain", n), func(b *testing.B) { busy(b, n, (*Pool).Choose) })
		b.Run(fmt.Sprintf("projects=%d/definition", n), func(b *testing.B) { busy(b, n, plain) })
	}
}

type chooser func(*Pool, time.Time, plantain.Model, Amount, func(*Member) bool) (*Member, *NoRoom)

func busy(b *testing.B, n int, choose chooser) {
	p, now := crowd(n, noon), noon
	step := p.Pace(now, "nb2")
	change := func(m *Member, fn func(States)) {
		states := States{}
		for _, k := range m.Keys("nb2") {
			s := p.Seen(k)
			states[k] = &s
		}
		fn(states)
		p.Saw(states)
	}
	type sent struct {
		plantain.Attempt
		m    *Member
		need Amount
	}
	out := make([]sent, 0, n)
	for i := range p.members { // what was out before
		m := &p.members[i]
		for _, h := range p.Seen(Key{m.Name, "nb2"}).Holds {
			opened := time.UnixMilli(h.At)
			out = append(out, sent{plantain.Attempt{ID: h.Attempt, Project: m.Name, Model: "nb2", Opened: opened}, m, Amount{Requests: 1, Images: 1, Tokens: 20, Spend: 70_000_000}})
		}
	}
	slices.SortFunc(out, func(a, b sent) int { return a.Opened.Compare(b.Opened) })
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		now = now.Add(step)
		need := Amount{Requests: 1, Images: 1, Tokens: int64(20 + i%50), Spend: plantain.Nanodollars(70_000_000 + i%50)}
		begun := time.Now()
		m, _ := choose(p, now, "nb2", need, nil)
		took = append(took, time.Since(begun))
		if m != nil {
			a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint("b", i)), Project: m.Name, Model: "nb2", Opened: now, Deadline: now.Add(5 * time.Minute)}
			change(m, func(s States) {
				if err := m.Take(now, a, need)(s); err != nil {
					b.Fatalf("the choice has no room: %v", err)
				}
			})
			out = append(out, sent{a, m, need})
		}
		for len(out) > 0 && now.Sub(out[0].Opened) >= 10*time.Second {
			o := out[0]
			out = out[1:]
			change(o.m, func(s States) { o.m.Give(s, now, o.Attempt, o.Opened, o.need, true) })
			p.Noted(now, o.Attempt, plantain.Success, 10*time.Second)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "µs/choice")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "µs/choice-p99")
}

// BenchmarkOverload is a choice while the model is overloaded for every project.
func BenchmarkOverload(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("projects=%d", n), func(b *testing.B) {
			p, w := crowd(n, noon), watcher{now: noon}
			w.refuse(b, p.members[0])
			for b.Loop() {
				storms := w.Storms(noon, "nb2")
				if m, _ := p.Choose(noon, "nb2", one, func(m *Member) bool { return storms.Over(m) != nil }); m != nil {
					b.Fatalf("%s is asked", m.Name)
				}
			}
		})
	}
}

// BenchmarkReport is what a look at the whole pool takes; choices do not wait for
// it.
func BenchmarkReport(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("projects=%d", n), func(b *testing.B) {
			p := crowd(n, noon)
			for b.Loop() {
				p.Report(noon, []plantain.Model{"nb2", "pro", "lite"})
			}
		})
	}
}
