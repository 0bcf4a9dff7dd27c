package pool

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plantainhq/plantain"
)

// A sky watcher drives one Weather by hand.
type watcher struct {
	Weather
	now time.Time
	n   int
}

// longest is the longest back-off of these tests: 1 s doubled to 32 s, as the
// design has it, without the jitter.
const longest = 32 * time.Second

func doubling(n int) time.Duration { return min(time.Second<<min(n-1, 10), longest) }

// enter tries to send an attempt; nil: the weather does not let it.
func (w *watcher) enter(m Member, model plantain.Model) (*plantain.Attempt, *NoRoom) {
	w.n++
	a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint(w.n)), Number: w.n, Project: m.Name, Model: model, Opened: w.now}
	if none := w.Enter(w.now, m, a); none != nil {
		return nil, none
	}
	return &a, nil
}

func (w *watcher) tell(m Member, a *plantain.Attempt, c plantain.Class) {
	w.Tell(w.now, m, *a, c, doubling)
}

// refuse has attempts refused until the breaker opens, a second apart.
func (w *watcher) refuse(t testing.TB, m Member) {
	t.Helper()
	for range refusals {
		a, none := w.enter(m, "nb2")
		if none != nil {
			t.Fatalf("stopped after too few refusals: %v", none)
		}
		w.now = w.now.Add(time.Second)
		w.tell(m, a, plantain.Capacity)
	}
	if _, none := w.enter(m, "nb2"); none == nil {
		t.Fatal("a row of refusals did not open the breaker")
	}
}

var (
	google = Member{Project: plantain.Project{Name: "a"}}
	other  = Member{Project: plantain.Project{Name: "b"}}
	agg    = Member{Project: plantain.Project{Name: "c", Kind: plantain.Compatible}, Location: "agg.example"}
)

func TestOverloadIsNewsForTheModelAtItsLocationAndNobodyElse(t *testing.T) {
	t.Parallel()
	w := watcher{now: noon}
	w.refuse(t, google)
	if _, none := w.enter(other, "nb2"); none == nil || none.Sky != (Sky{"nb2", plantain.Gemini, ""}) || !none.At.Equal(w.now.Add(time.Second)) {
		t.Errorf("another project at the same place: %+v", none)
	}
	if _, none := w.enter(google, "pro"); none != nil {
		t.Errorf("another model: %v", none)
	}
	if _, none := w.enter(agg, "nb2"); none != nil {
		t.Errorf("another location: %v", none)
	}
	storms := w.Storms(w.now, "nb2")
	if storms.Over(&google) == nil || storms.Over(&other) == nil || storms.Over(&agg) != nil {
		t.Errorf("the storms are %v", storms)
	}
	if storms := w.Storms(w.now, "pro"); len(storms) != 0 {
		t.Errorf("another model: %v", storms)
	}
}

func TestOneProbeAtATimeAndItsSuccessEndsTheOverload(t *testing.T) {
	t.Parallel()
	w := watcher{now: noon}
	w.refuse(t, google)
	for i := range 8 {
		_, none := w.enter(google, "nb2")
		if want := doubling(i + 1); none == nil || none.Probing || none.At.Sub(w.now) != want {
			t.Fatalf("after %d refused probes: %+v, want a back-off of %v", i, none, want)
		}
		w.now = none.At
		probe, none := w.enter(google, "nb2")
		if none != nil {
			t.Fatalf("no probe at the instant that was promised: %v", none)
		}
		if _, none := w.enter(other, "nb2"); none == nil || !none.Probing {
			t.Fatalf("a second one beside the probe: %+v", none)
		}
		w.tell(google, probe, plantain.ServerError)
	}
	if _, none := w.enter(google, "nb2"); none.Parked.Reason != plantain.ServerError || !strings.Contains(none.Error(), "nb2 fails on gemini since") {
		t.Errorf("the last probe failed: %v", none)
	}
	w.now = w.now.Add(longest)
	probe, _ := w.enter(google, "nb2")
	w.now = w.now.Add(8 * time.Second)
	w.tell(google, probe, plantain.Success)
	for range 10 {
		if _, none := w.enter(google, "nb2"); none != nil {
			t.Fatalf("stopped after the overload: %v", none)
		}
	}
}

func TestAProbeThatHangsOrSaysNothingHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	w := watcher{now: noon}
	w.refuse(t, google)
	w.now = w.now.Add(time.Second)
	hangs, _ := w.enter(google, "nb2")
	_, none := w.enter(google, "nb2")
	if none == nil || none.At.Sub(w.now) != probing {
		t.Fatalf("beside the first probe: %+v", none)
	}
	w.now = none.At
	second, none := w.enter(google, "nb2")
	if none != nil {
		t.Fatalf("the first probe hangs, and the second one may not go: %v", none)
	}
	w.tell(google, second, plantain.RateMinute) // a quota is no weather
	if _, none = w.enter(google, "nb2"); none != nil {
		t.Fatalf("after a probe that said nothing: %v", none)
	}
	w.tell(google, hangs, plantain.Success)
	if _, none = w.enter(google, "nb2"); none != nil {
		t.Errorf("the first probe was served after all: %v", none)
	}
}

func TestAFewRefusalsAmongManyAreNoOverload(t *testing.T) {
	t.Parallel()
	w := watcher{now: noon}
	// Images take ten seconds and refusals one: for as long as it takes to make one,
	// all that is heard is refusals.
	var out []*plantain.Attempt
	for i := range 40 {
		a, none := w.enter(google, "nb2")
		if none != nil {
			t.Fatalf("stopped after %d: %v", i, none)
		}
		out = append(out, a)
	}
	w.now = w.now.Add(time.Second)
	for i := 0; i < 40; i += 2 {
		w.tell(google, out[i], plantain.Capacity)
	}
	if _, none := w.enter(google, "nb2"); none != nil {
		t.Errorf("half of them are being made: %v", none)
	}
}

func TestWhatWasSentBeforeTheOverloadDoesNotEndIt(t *testing.T) {
	t.Parallel()
	w := watcher{now: noon}
	before, _ := w.enter(google, "nb2")
	for range outlived {
		a, _ := w.enter(google, "nb2")
		w.tell(google, a, plantain.Capacity)
	}
	w.now = w.now.Add(500 * time.Millisecond)
	w.tell(google, before, plantain.Success)
	if _, none := w.enter(google, "nb2"); none == nil {
		t.Error("it was served before the overload began, and ended it")
	}
}

func TestAChangeOfTheConfigurationHasTheWeatherLookedAtAnew(t *testing.T) {
	t.Parallel()
	w := watcher{now: noon}
	w.refuse(t, google)
	w.Recheck(w.now)
	probe, none := w.enter(google, "nb2")
	if none != nil {
		t.Fatalf("no probe: %v", none)
	}
	w.Recheck(w.now)
	if _, none := w.enter(google, "nb2"); none == nil {
		t.Error("two probes at once")
	}
	w.tell(google, probe, plantain.Capacity)
	if _, none := w.enter(google, "nb2"); none == nil || none.At.Sub(w.now) != doubling(2) {
		t.Errorf("after its probe: %+v", none)
	}
}

func TestOldOverloadIsForgotten(t *testing.T) {
	t.Parallel()
	w := watcher{now: noon}
	w.refuse(t, google)
	w.now = w.now.Add(time.Hour)
	for range 3 {
		if _, none := w.enter(google, "nb2"); none != nil {
			t.Errorf("an hour without a request later: %v", none)
		}
	}
}

func TestTheReportTellsTheWeather(t *testing.T) {
	t.Parallel()
	w := watcher{now: noon}
	w.refuse(t, google)
	a, _ := w.enter(agg, "nb2")
	w.tell(agg, a, plantain.Success)
	got := w.Report(w.now)
	opened := noon.Add(refusals * time.Second)
	want := []WeatherReport{
		{Sky: Sky{"nb2", plantain.Compatible, "agg.example"}, Attempts: 1},
		{Sky: Sky{"nb2", plantain.Gemini, ""}, Breaker: Open, Why: plantain.Capacity, Since: opened, Probe: opened.Add(time.Second), Refused: refusals, Attempts: refusals},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := w.Report(w.now.Add(11 * time.Minute)); got[1].Attempts != 0 || got[1].Breaker != Closed {
		t.Errorf("eleven minutes later: %+v", got[1])
	}
}

// Whatever happens in whatever order, and wherever the clock jumps:
//   - fewer than eight refusals, none of them followed by one that was served, stop nothing;
//   - while a probe is out and fresh, no other attempt goes;
//   - the instant that is promised is at most the longest back-off away, and then
//     an attempt does go.
func TestWeatherKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := chance{watcher: watcher{now: noon}}
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) { c.send(t) },
			"obey": func(t *rapid.T) {
				none := c.Storms(c.now, "nb2").Over(&google)
				if none == nil {
					t.Skip("nothing is refused")
				}
				c.now = none.At
				if none := c.send(t); none != nil {
					t.Fatalf("it was promised this instant, and now %v", none)
				}
			},
			"end": func(t *rapid.T) { c.end(t) },
			"wait": func(t *rapid.T) {
				c.now = c.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
			},
			"clock": func(t *rapid.T) {
				c.now = c.now.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "jump")) * time.Second)
				c.stopped, c.probe = false, ""
			},
		})
	})
}

// chance drives a Weather at random and knows as much of it as one can from outside.
type chance struct {
	watcher
	out     []*plantain.Attempt
	row     []*plantain.Attempt // refused, and opened after the last one that was served
	last    time.Time           // of the latest refusal
	stopped bool                // an attempt was, and nothing that may have ended this came since
	probe   plantain.AttemptID
	fresh   time.Time // until when it is
}

func (c *chance) send(t *rapid.T) *NoRoom {
	a, none := c.enter(google, "nb2")
	if none == nil {
		if c.probe != "" && c.now.Before(c.fresh) {
			t.Fatalf("attempt %s went beside probe %s", a.ID, c.probe)
		}
		if c.probe = ""; c.stopped {
			c.probe, c.fresh = a.ID, c.now.Add(probing)
		}
		c.out = append(c.out, a)
		return nil
	}
	c.stopped = true
	if len(c.row) < refusals {
		t.Fatalf("stopped after %d refusals: %v", len(c.row), none)
	}
	if wait := none.At.Sub(c.now); wait <= 0 || wait > longest {
		t.Fatalf("the next one may go in %v", wait)
	}
	return none
}

func (c *chance) end(t *rapid.T) {
	if len(c.out) == 0 {
		t.Skip("nothing is out")
	}
	i := rapid.IntRange(0, len(c.out)-1).Draw(t, "which")
	a := c.out[i]
	c.out = append(c.out[:i], c.out[i+1:]...)
	class := rapid.SampledFrom([]plantain.Class{plantain.Capacity, plantain.Capacity, plantain.Capacity, plantain.ServerError,
		plantain.Success, plantain.RateMinute, plantain.Unanswered}).Draw(t, "class")
	c.tell(google, a, class)
	if a.ID == c.probe {
		c.probe = ""
	}
	switch class {
	case plantain.Capacity, plantain.ServerError:
		c.row = append(c.row, a)
		if c.now.After(c.last) {
			c.last = c.now
		}
	case plantain.Success:
		if len(c.row) < refusals || a.Opened.After(c.last) {
			c.row = slices.DeleteFunc(c.row, func(r *plantain.Attempt) bool { return r.Number < a.Number })
		}
		c.stopped, c.probe = false, ""
	default:
	}
}
