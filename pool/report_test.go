package pool

import (
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

func TestAReportTellsWhatIsLeftAndWhenItComesBack(t *testing.T) {
	t.Parallel()
	m := member("a", Limits{plantain.LimitRPM: 2, plantain.LimitRPD: 100, plantain.LimitTPM: 1000, plantain.LimitIPM: 2})
	p := New([]Member{m})
	s := &State{}
	for i, at := range []time.Time{noon, noon.Add(20 * time.Second)} {
		id := plantain.AttemptID([]string{"1", "2"}[i])
		s.Reserve(at, id, at.Add(time.Minute), Amount{Requests: 1})
		s.Settle(at, id, at, Amount{Requests: 1})
	}
	p.Saw(States{Key{"a", "nb2"}: s})
	now := noon.Add(30 * time.Second)
	want := []WindowReport{
		{Limit: plantain.LimitRPM, Used: 2, Of: 2, Headroom: 0, Free: noon.Add(time.Minute + Margin), Reset: noon.Add(80*time.Second + Margin)},
		{Limit: plantain.LimitIPM, Of: 2, Headroom: 2},
		{Limit: plantain.LimitTPM, Of: 1000, Headroom: 1000},
		{Limit: plantain.LimitRPD, Used: 2, Of: 100, Headroom: 98, Free: gemini.Midnight(now).Add(Margin), Reset: gemini.Midnight(now).Add(Margin)},
	}
	got := p.Report(now, nil)[0].Models[0].Windows
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, w := range want {
		g := got[i]
		if !g.Free.Equal(w.Free) || !g.Reset.Equal(w.Reset) {
			t.Errorf("%s comes back from %v to %v, want %v to %v", w.Limit, g.Free, g.Reset, w.Free, w.Reset)
		}
		g.Free, g.Reset, w.Free, w.Reset = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if g != w {
			t.Errorf("got %+v, want %+v", g, w)
		}
	}
}
