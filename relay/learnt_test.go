package relay_test

import (
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

func TestALimitThatARefusalDisclosesIsLearnt(t *testing.T) {
	t.Parallel()
	story(t, "four a minute where the tier says ten", func(t *testing.T) {
		refusal := quota("GenerateRequestsPerMinutePerProjectPerModel", `,"quotaValue":"4"`, retryInfo("30s"))
		h := newHouse(t, map[string][]reply{"a": list(says(429, refusal), says(200, success))})
		h.generate(t) // waits out the refusal
		s := h.Pool.Seen(pool.Key{Project: "a", Model: "gemini-3.1-flash-image"})
		if l := s.Learnt[plantain.LimitRPM]; l.Value != 4 || l.From == "" || l.At.IsZero() {
			t.Fatalf("learnt %+v", s.Learnt)
		}
		begun := time.Now()
		for range 4 {
			h.generate(t)
		}
		if took := time.Since(begun); took < 29*time.Second {
			t.Errorf("a fifth request went out after %v", took)
		}
		for _, w := range h.Pool.Report(time.Now(), nil)[0].Models[0].Windows {
			if w.Limit == plantain.LimitRPM && (w.Of != 4 || w.Learnt == nil) {
				t.Errorf("shown as %+v", w)
			}
		}
	})
}

func TestALimitThatGoogleRaisedIsFoundOut(t *testing.T) {
	t.Parallel()
	story(t, "from four a minute to five", func(t *testing.T) {
		told := func(value string) reply {
			return says(429, quota("GenerateRequestsPerMinutePerProjectPerModel", `,"quotaValue":"`+value+`"`, retryInfo("30s")))
		}
		ok := says(200, success)
		h := newHouse(t, map[string][]reply{"a": list(told("4"), ok)})
		a := h.Pool.Members()[0]
		a.ProbeLimits = true
		h.Pool.Replace([]pool.Member{a})
		h.generate(t)
		images := func(n int) time.Duration {
			time.Sleep(2 * time.Minute)
			begun := time.Now()
			for range n {
				if g := h.generate(t); g.StatusCode != 200 {
					t.Fatalf("got %d", g.StatusCode)
				}
			}
			return time.Since(begun)
		}
		if took := images(5); took < time.Minute {
			t.Errorf("on the first day five took %v", took)
		}
		time.Sleep(24 * time.Hour)
		if took := images(5); took > time.Second {
			t.Errorf("a day later five took %v", took)
		}
		h.google.script["key-a"] = list(ok, ok, ok, ok, ok, told("5"), ok)
		if took := images(6); took < 30*time.Second {
			t.Errorf("the sixth, which was refused, took %v", took)
		}
		asked := len(h.google.calls())
		if took := images(6); took < time.Minute {
			t.Errorf("six took %v, on the day of the refusal", took)
		}
		if n := len(h.google.calls()) - asked; n != 6 {
			t.Errorf("%d attempts for six images", n)
		}
		if l := h.Pool.Seen(pool.Key{Project: "a", Model: "gemini-3.1-flash-image"}).Learnt[plantain.LimitRPM]; l.Value != 5 {
			t.Errorf("learnt %+v", l)
		}
	})
}
