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
