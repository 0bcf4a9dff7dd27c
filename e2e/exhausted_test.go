package e2e

import (
	"testing"
	"time"
)

// Eight requests, a second apart, to a model that is exhausted on all three
// projects: each project is asked once, and another model still answers.
func TestAnExhaustedModelIsAskedForOncePerProject(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"rate_minute", "rate_day"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			gw := startGateway(t, sim.URL, []string{"sim-1-a", "sim-1-b", "sim-1-c"}, "queue: {max_wait: 100ms}")
			sim.fault(map[string]any{"fault": fault, "model": "gemini-3.1-flash-image", "retry_delay": "50s"})
			for range 8 {
				if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
					t.Fatalf("got %d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
				}
				time.Sleep(time.Second)
			}
			if asked := sim.arrivals(":generateContent"); len(asked) != 3 {
				t.Errorf("%d calls reached Google (%s), want 3", len(asked), through(asked))
			}
			if a := gw.generate("gemini-3-pro-image", prompt); a.StatusCode != 200 {
				t.Errorf("another model on the same projects got %d", a.StatusCode)
			}
		})
	}
}
