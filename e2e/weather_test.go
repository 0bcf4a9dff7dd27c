package e2e

import (
	"strconv"
	"sync"
	"testing"
	"time"
)

// refusedFor counts the calls for a model that reached Google and got a 503.
func (g *google) refusedFor(model string) (n int) {
	for _, a := range g.arrivals(":generateContent") {
		if a.Model == model && a.Status == 503 {
			n++
		}
	}
	return n
}

// Thirty requests meet an overload of six seconds. Without a breaker each would ask
// again and again; with one, each is refused once, and a few find out that it is over.
func TestAnOverloadedModelIsNotHammered(t *testing.T) {
	t.Parallel()
	const all = 30
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a", "sim-3-b", "sim-3-c"})
	sim.fault(map[string]any{"fault": "capacity", "model": "gemini-3.1-flash-image", "for": "6s"})
	var wg sync.WaitGroup
	for range all {
		wg.Go(func() {
			if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 200 {
				t.Errorf("got %d: %.300s", a.StatusCode, a.body)
			}
		})
	}
	waitFor(t, "the overload to be met", func() bool { return sim.refusedFor("gemini-3.1-flash-image") >= all })
	if a := gw.generate("gemini-3-pro-image", prompt, "Plantain-Max-Wait", "1ms"); a.StatusCode != 200 {
		t.Errorf("another model on the same projects got %d", a.StatusCode)
	}
	wg.Wait()
	if n := sim.refusedFor("gemini-3.1-flash-image"); n > all+6 {
		t.Errorf("%d calls were refused, want at most %d", n, all+6)
	}
}

func TestARefusalForTheWeatherKeepsItsPromise(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"}, "retry: {base: 4s}", "queue: {max_wait: 100ms}")
	sim.fault(map[string]any{"fault": "capacity", "next": 5})
	for range 5 {
		gw.generate("gemini-3.1-flash-image", prompt, "X-Server-Timeout", "1")
	}
	a := gw.generate("gemini-3.1-flash-image", prompt)
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.StatusCode != 503 || a.detail(t)["verdict"] != "capacity" || a.Header.Get("Plantain-Attempts") != "0" || err != nil {
		t.Fatalf("got %d, Retry-After %q: %s", a.StatusCode, a.Header.Get("Retry-After"), a.body)
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 200 {
		t.Errorf("at the promised second: %d %s", a.StatusCode, a.body)
	}
	if n := len(sim.arrivals(":generateContent")); n != 6 {
		t.Errorf("%d calls reached Google, want 6", n)
	}
}
