package pool

import (
	"fmt"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
)

// A prober is a pool whose member a learnt at noon that it has two requests a
// minute, with all that happens to it.
type prober struct {
	*testing.T
	*Pool
	now  time.Time
	sent int
}

func twoAMinute(t *testing.T, allowed bool, others ...Member) *prober {
	a := member("a", tier1)
	a.ProbeLimits = allowed
	p := &prober{t, New(append([]Member{a}, others...)), noon, 0}
	p.change("a", func(m Member, s States) { m.Learn(s, noon, "nb2", refusal) })
	return p
}

var refusal = plantain.Verdict{Class: plantain.RateMinute, Limit: plantain.LimitRPM, Value: 2, Disclosed: true, Explanation: "two a minute"}

func (p *prober) change(name plantain.ProjectName, fn func(Member, States)) {
	m := p.members[p.index[name]]
	states := States{}
	for _, k := range m.Keys("nb2") {
		s := p.Seen(k)
		states[k] = &s
	}
	fn(m, states)
	p.Saw(states)
}

// send asks for one image, which takes three seconds and ends as the class says.
// It gives the project that was asked; empty: none had room.
func (p *prober) send(c plantain.Class) plantain.ProjectName {
	p.Helper()
	m, _ := p.Choose(p.now, "nb2", one, nil)
	if m == nil {
		return ""
	}
	p.sent++
	a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint(p.sent)), Project: m.Name, Model: "nb2", Opened: p.now, Deadline: p.now.Add(time.Minute)}
	p.change(m.Name, func(m Member, s States) {
		if err := m.Take(p.now, a, one)(s); err != nil {
			p.Fatalf("chosen without room: %v", err)
		}
	})
	sent := p.now
	p.now = p.now.Add(3 * time.Second)
	p.change(m.Name, func(m Member, s States) {
		m.Give(s, p.now, a, sent, one, c == plantain.Success)
		m.Learn(s, p.now, "nb2", plantain.Verdict{Class: c})
	})
	return m.Name
}

// minute asks for images until none has room, and gives how many were made; then
// a minute and more goes by.
func (p *prober) minute() (images int) {
	p.Helper()
	for p.send(plantain.Success) != "" {
		images++
	}
	p.now = p.now.Add(2 * time.Minute)
	return images
}

func (p *prober) learnt() int64 { return p.seen[Key{"a", "nb2"}].Learnt[plantain.LimitRPM].Value }

func TestALearntLimitIsProbedUpward(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for name, test := range map[string]func(*testing.T){
		"only where the configuration allows it": func(t *testing.T) {
			p := twoAMinute(t, false)
			p.now = noon.Add(5 * day)
			if n := p.minute(); n != 2 || p.learnt() != 2 {
				t.Errorf("%d images, %d a minute are known", n, p.learnt())
			}
		},
		"not within a day of the refusal": func(t *testing.T) {
			p := twoAMinute(t, true)
			p.now = noon.Add(day - time.Minute)
			if n := p.minute(); n != 2 {
				t.Errorf("%d images, want 2", n)
			}
		},
		"by one a minute as long as it comes through": func(t *testing.T) {
			p := twoAMinute(t, true)
			p.now = noon.Add(day)
			for want := 3; want < 6; want++ {
				if n := p.minute(); n != want || p.learnt() != int64(want) {
					t.Fatalf("%d images and %d a minute known, want %d", n, p.learnt(), want)
				}
			}
		},
		"not where another project has room": func(t *testing.T) {
			p := twoAMinute(t, true, member("b", tier1))
			p.now = noon.Add(day)
			for range 12 {
				p.send(plantain.Success)
				p.now = p.now.Add(-3 * time.Second) // all at once
			}
			if p.learnt() != 2 {
				t.Errorf("%d a minute known before the other was full", p.learnt())
			}
			if got := p.send(plantain.Success); got != "a" || p.learnt() != 3 {
				t.Errorf("%q was asked beyond the room of all, and %d a minute known", got, p.learnt())
			}
		},
		"and not for a day after it was refused": func(t *testing.T) {
			p := twoAMinute(t, true)
			p.now = noon.Add(day)
			p.send(plantain.Success)
			p.send(plantain.Success)
			if got := p.send(plantain.QuotaUnknown); got != "a" || p.learnt() != 2 {
				t.Fatalf("%q was asked, and %d a minute known", got, p.learnt())
			}
			p.now = p.now.Add(day - time.Hour)
			if n := p.minute(); n != 2 {
				t.Errorf("%d images, want 2", n)
			}
			p.now = p.now.Add(time.Hour)
			if n := p.minute(); n != 3 {
				t.Errorf("a day later %d images, want 3", n)
			}
		},
		"what fails for another reason says nothing": func(t *testing.T) {
			p := twoAMinute(t, true)
			p.now = noon.Add(day)
			p.send(plantain.Success)
			p.send(plantain.Success)
			p.send(plantain.ServerError)
			if got := p.send(plantain.Success); got != "" || p.learnt() != 2 {
				t.Errorf("%q was asked twice in a minute, and %d a minute known", got, p.learnt())
			}
			p.now = p.now.Add(2 * time.Minute)
			if n := p.minute(); n != 3 {
				t.Errorf("%d images in the next minute, want 3", n)
			}
		},
		"not where another limit is used up too": func(t *testing.T) {
			p := twoAMinute(t, true)
			p.now = noon.Add(day)
			p.members[0].Limits = func(plantain.Model) Limits { return Limits{plantain.LimitRPM: 10, plantain.LimitRPD: 2} }
			p.Replace(p.members)
			if n := p.minute(); n != 2 {
				t.Errorf("%d images, want 2", n)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}
