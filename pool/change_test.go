package pool

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plantainhq/plantain"
)

func TestAChangeLeadsFromOneStateToTheNext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s State
		now := noon
		var out []plantain.AttemptID
		for n := range rapid.IntRange(1, 200).Draw(t, "moves") {
			before := s.Clone()
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "milliseconds")) * time.Millisecond)
			switch what := rapid.IntRange(0, 3).Draw(t, "what"); {
			case what == 0 && len(out) > 0:
				i := rapid.IntRange(0, len(out)-1).Draw(t, "which")
				s.Settle(now, out[i], now, Amount{Requests: 1, Spend: plantain.Nanodollars(n)})
				out = append(out[:i:i], out[i+1:]...)
			case what == 1:
				s.Parks(Parking{Reason: plantain.RateMinute, Since: now, Until: now.Add(time.Minute)})
			default:
				id := plantain.AttemptID(fmt.Sprint("a-", n))
				s.Reserve(now, id, now.Add(time.Minute), Amount{Requests: 1})
				s.Account.Out = append(s.Account.Out, Charge{Attempt: id})
				out = append(out, id)
			}
			text, err := json.Marshal(ChangeOf(&before, &s))
			if err != nil {
				t.Fatal(err)
			}
			var c Change
			if err := json.Unmarshal(text, &c); err != nil {
				t.Fatal(err)
			}
			got, ok := c.After(&before)
			if want := asJSON(t, s); !ok || asJSON(t, got) != want {
				t.Fatalf("%s leads to %v %s, want %s", text, ok, asJSON(t, got), want)
			}
			if _, ok := c.After(&s); ok && before.Seq != 0 {
				t.Fatalf("%s leads on from where it led to", text)
			}
		}
	})
}

func asJSON(t *rapid.T, s State) string {
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAChangeOfABusyStateIsSmall(t *testing.T) {
	t.Parallel()
	var s State
	for n := range 10_000 {
		at := noon.Add(time.Duration(n) * 10 * time.Millisecond)
		s.Reserve(at, "a", at.Add(time.Minute), Amount{Requests: 1})
		s.Settle(at, "a", at, Amount{Requests: 1, Spend: 1})
	}
	before := s.Clone()
	s.Reserve(noon.Add(100*time.Second), "a", noon.Add(time.Hour), Amount{Requests: 1})
	c := ChangeOf(&before, &s)
	whole, _ := json.Marshal(s)
	text, _ := json.Marshal(c)
	if len(text) > len(whole)/4 {
		t.Errorf("%d bytes, of a state of %d", len(text), len(whole))
	}
	if after, ok := c.After(&before); !ok || !reflect.DeepEqual(after, s) {
		t.Errorf("%s leads to %+v, want %+v", text, after, s)
	}
}
