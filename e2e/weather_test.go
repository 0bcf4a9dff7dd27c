package e2e

import (
	"encoding/json"
	"strconv"
	"strings"
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
	// As many as open the breaker; those that were not sent by then wait like the others.
	waitFor(t, "the overload to be met", func() bool { return sim.refusedFor("gemini-3.1-flash-image") >= 8 })
	if a := gw.generate("gemini-3-pro-image", prompt, "Plantain-Max-Wait", "1s"); a.StatusCode != 200 {
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
	sim.fault(map[string]any{"fault": "capacity", "next": 8})
	for range 8 {
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
	if n := len(sim.arrivals(":generateContent")); n != 9 {
		t.Errorf("%d calls reached Google, want 9", n)
	}
}

// An overload is told by the command, the API and the metrics alike: what state it
// is in, since when, when the next attempt may go, and what share was refused; and
// the hours of the day, from the ledger.
func TestTheWeatherIsToldEverywhere(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"}, "retry: {base: 30s}")
	if a := gw.generate(pro, prompt); a.StatusCode != 200 {
		t.Fatalf("got %d", a.StatusCode)
	}
	sim.fault(map[string]any{"fault": "capacity", "model": nb2})
	begun := time.Now().Add(-time.Second)
	for range 8 {
		gw.generate(nb2, prompt, "X-Server-Timeout", "1")
	}
	var got struct {
		Weather []struct {
			Model, Upstream, Location, Breaker string
			Since                              time.Time
			Next                               time.Time `json:"next_probe"`
			Refused, Attempts                  int
		}
		Hours []struct {
			Model                   string
			Hour                    int `json:"hour_utc"`
			Attempts, Refused, Made int
			Median                  float64 `json:"median_seconds"`
		}
	}
	if err := json.Unmarshal([]byte(gw.plantain("projects", "-o", "json")), &got); err != nil || len(got.Weather) != 2 {
		t.Fatalf("%v in %+v", err, got)
	}
	if w := got.Weather[0]; w.Model != pro || w.Breaker != "closed" || w.Refused != 0 || w.Attempts != 1 || !w.Next.IsZero() {
		t.Errorf("a model that is served: %+v", w)
	}
	w := got.Weather[1]
	if w.Model != nb2 || w.Upstream != "gemini" || "https://"+w.Location != sim.URL || w.Breaker != "open" || w.Refused != 8 || w.Attempts != 8 ||
		w.Since.Before(begun) || w.Next.Before(w.Since.Add(15*time.Second)) {
		t.Errorf("a model that is overloaded: %+v", w)
	}
	refused, made := 0, 0
	for _, h := range got.Hours {
		refused, made = refused+h.Refused, made+h.Made
		if h.Model == pro && h.Median <= 0 {
			t.Errorf("an image took no time: %+v", h)
		}
	}
	if refused != 8 || made != 1 {
		t.Errorf("the hours of the day: %+v", got.Hours)
	}
	text := gw.plantain("projects", "--hours")
	for _, want := range []string{"\nweather\n", "overloaded since", "8 of 8 attempts refused in ten", "in 14 days: 100.0 % of 8", "MODEL                   UTC"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	metrics := gw.metrics("")
	labels := `location="` + w.Location + `",model="` + nb2 + `",`
	for _, want := range []string{
		`plantain_breaker{` + labels + `state="open",upstream="gemini"} 1`,
		`plantain_breaker{` + labels + `state="closed",upstream="gemini"} 0`,
		`plantain_breaker_since_timestamp_seconds{` + labels + `upstream="gemini"} 1`,
		`plantain_breaker_probe_timestamp_seconds{` + labels + `upstream="gemini"} 1`,
		`plantain_weather_refused_ratio{` + labels + `upstream="gemini"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}
