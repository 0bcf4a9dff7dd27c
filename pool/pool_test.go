package pool

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
)

func member(name plantain.ProjectName, limits Limits) Member {
	return Member{Project: plantain.Project{Name: name}, Limits: func(plantain.Model) Limits { return limits }}
}

// book takes room for an attempt on a member and tells the pool.
func book(t *testing.T, p *Pool, st Store, m Member, id string, now time.Time) error {
	t.Helper()
	a := plantain.Attempt{ID: plantain.AttemptID(id), Project: m.Name, Model: "nb2", Opened: now, Deadline: now.Add(time.Minute)}
	return st.Update(context.Background(), m.Keys("nb2"), func(s States) error {
		defer p.Saw(s)
		return m.Take(now, a, one)(s)
	})
}

// order asks a pool again and again, each time without those it chose before.
func order(p *Pool, now time.Time, model plantain.Model) (names string, none *NoRoom) {
	without := map[plantain.ProjectName]bool{}
	for {
		m, none := p.Choose(now, model, one, func(m *Member) bool { return without[m.Name] })
		if m == nil {
			return names, none
		}
		names, without[m.Name] = names+string(m.Name), true
	}
}

func TestTheProjectWithMostRoomComesFirst(t *testing.T) {
	t.Parallel()
	a, b := member("a", Limits{plantain.LimitRPM: 10}), member("b", Limits{plantain.LimitRPM: 10})
	p, st := New([]Member{a, b}), &Memory{}
	if err := book(t, p, st, a, "1", noon); err != nil {
		t.Fatal(err)
	}
	if names, _ := order(p, noon, "nb2"); names != "ba" {
		t.Errorf("asked %s", names)
	}
}

func TestAFullPoolSaysWhenRoomAppears(t *testing.T) {
	t.Parallel()
	a, b := member("a", Limits{plantain.LimitRPM: 1}), member("b", Limits{plantain.LimitRPM: 1})
	p, st := New([]Member{a, b}), &Memory{}
	if err := errors.Join(book(t, p, st, a, "1", noon), book(t, p, st, b, "2", noon.Add(time.Second))); err != nil {
		t.Fatal(err)
	}
	names, none := order(p, noon.Add(2*time.Second), "nb2")
	if names != "" || none == nil || none.Project != "a" || !none.At.Equal(noon.Add(Margin+time.Minute+Margin)) {
		t.Errorf("asked %s, none %+v", names, none)
	}
	if names, _ := order(p, noon.Add(2*time.Second), "other"); names != "ab" {
		t.Error("another model on the same projects has no room")
	}
}

func TestTheTransactionDecidesNotTheSnapshot(t *testing.T) {
	t.Parallel()
	a := member("a", Limits{plantain.LimitRPM: 1})
	p, st := New([]Member{a}), &Memory{}
	if err := book(t, New(nil), st, a, "1", noon); err != nil { // p did not see it
		t.Fatal(err)
	}
	if names, _ := order(p, noon, "nb2"); names != "a" {
		t.Fatal("the snapshot knew")
	}
	none := (*NoRoom)(nil)
	if err := book(t, p, st, a, "2", noon); !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
}

func TestAParkedProjectIsLeftOutWithItsReason(t *testing.T) {
	t.Parallel()
	a := member("a", nil)
	p := New([]Member{a})
	s := State{Park: Parking{Reason: plantain.KeyInvalid, Since: noon}}
	p.Saw(States{Key{Project: "a"}: &s})
	names, none := order(p, noon, "nb2")
	if names != "" || none == nil || !none.Forever || none.Parked.Reason != plantain.KeyInvalid {
		t.Errorf("asked %s, none %+v", names, none)
	}
	if r := p.Report(noon, nil); r[0].Parked == nil || r[0].Parked.Reason != plantain.KeyInvalid {
		t.Errorf("the report does not say so: %+v", r)
	}
}

func TestAnOlderSnapshotDoesNotReplaceANewerOne(t *testing.T) {
	t.Parallel()
	p := New([]Member{member("a", nil)})
	k := Key{Project: "a", Model: "nb2"}
	newer, older := State{Seq: 2, Holds: []Hold{{Attempt: "1"}, {Attempt: "2"}}}, State{Seq: 1, Holds: []Hold{{Attempt: "1"}}}
	p.Saw(States{k: &newer})
	p.Saw(States{k: &older})
	if s := p.Seen(k); len(s.Holds) != 2 {
		t.Errorf("%d holds are seen, want 2", len(s.Holds))
	}
	p.Doubt([]Key{k}) // the transaction of the newer one failed
	p.Saw(States{k: &older})
	if s := p.Seen(k); len(s.Holds) != 1 {
		t.Errorf("%d holds are seen, want 1", len(s.Holds))
	}
}
