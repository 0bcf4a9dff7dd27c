package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

type estimate struct {
	Model, Size, Project, Why string
	Cost                      struct {
		Low  int64 `json:"low_nanodollars"`
		High int64 `json:"high_nanodollars"`
	}
	Most  int64 `json:"most_nanodollars"`
	At    time.Time
	Wait  float64 `json:"wait_seconds"`
	Never bool
}

// estimate asks what a body would cost.
func (p *process) estimate(model, body, key string) (e estimate, status int, text string) {
	p.t.Helper()
	a := p.ask(http.MethodPost, "/api/v1/estimate?model="+model+"&key="+key, body)
	if a.StatusCode == 200 {
		if err := json.Unmarshal(a.body, &e); err != nil {
			p.t.Fatal(err)
		}
	}
	return e, a.StatusCode, string(a.body)
}

func TestAnEstimateTellsPriceAndTimeAndSendsNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "catalogue: {tiers: {1: {rpm: 2}}}")
	e, _, _ := gw.estimate("nb2", prompt, "")
	if e.Model != nb2 || e.Size != "1K" || e.Project != "a" || e.Wait != 0 || e.Never || e.Why != "" || e.At.IsZero() {
		t.Errorf("got %+v", e)
	}
	if n := len(sim.arrivals(":generateContent")); n != 0 {
		t.Fatalf("%d requests reached Google", n)
	}
	if a := gw.generate(nb2, prompt); a.StatusCode != 200 {
		t.Fatalf("got %d", a.StatusCode)
	}
	if billed := sim.billed(); billed < e.Cost.Low || billed > e.Cost.High || e.Most < 9*e.Cost.Low {
		t.Errorf("it cost %d, the estimate was %+v", billed, e)
	}

	gw.generate(nb2, prompt)
	text := gw.plantain("generate", "--dry-run", "an apple", "--size", "4K")
	if !strings.Contains(text, "gemini-3.1-flash-image at 4K: $0.15") || !strings.Contains(text, "room at ") || !strings.Contains(text, "through a") {
		t.Errorf("people are told\n%s", text)
	}
	full, _, _ := gw.estimate(nb2, prompt, "")
	if full.Wait < 1 || full.Wait > 70 || full.At.Nanosecond() != 0 || !strings.Contains(full.Why, "rpm") {
		t.Errorf("where the minute is used up: %+v", full)
	}
	// What is told is the second at which a request that is sent gets its turn.
	refused := gw.generate(nb2, prompt, "Plantain-Max-Wait", "1ms")
	if s := refused.Header.Get("Retry-After"); refused.StatusCode != 429 || s == "" {
		t.Fatalf("got %d, Retry-After %q", refused.StatusCode, s)
	} else if after, err := time.ParseDuration(s + "s"); err != nil || (after.Seconds()-full.Wait) > 2 || (full.Wait-after.Seconds()) > 2 {
		t.Errorf("Retry-After %s, the estimate %v", s, full.Wait)
	}

	sim.fault(map[string]any{"fault": "key_invalid", "model": pro})
	gw.generate(pro, prompt)
	if never, _, _ := gw.estimate(pro, prompt, ""); !never.Never || !never.At.IsZero() || !strings.Contains(never.Why, "key_invalid") {
		t.Errorf("where no wait helps: %+v", never)
	}
	before := len(sim.arrivals(":generateContent"))
	for body, want := range map[string]string{
		`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"8K"}}}`: "imageSize",
		`{"contents":`: "Invalid JSON",
	} {
		if _, status, text := gw.estimate(nb2, body, ""); status != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %s", body, status, text)
		}
	}
	if after := len(sim.arrivals(":generateContent")); after != before {
		t.Errorf("%d requests reached Google", after-before)
	}
}

func TestAnEstimateKnowsWhatAKeyMay(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two)
	alice := gw.plantain("keys", "create", "alice", "--budget-usd", "0.10/day", "--max-size", "1K")
	if e, status, _ := gw.estimate(nb2, prompt, alice); status != 200 || e.Why != "" {
		t.Errorf("got %d %+v", status, e)
	}
	if _, status, text := gw.estimate(nb2, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"4K"}}}`, alice); status != 403 || !strings.Contains(text, "alice may not use 4K") {
		t.Errorf("got %d %s", status, text)
	}
	if a := gw.generate(nb2, prompt, "x-goog-api-key", alice); a.StatusCode != 200 {
		t.Fatalf("got %d", a.StatusCode)
	}
	if e, _, _ := gw.estimate(nb2, prompt, alice); e.Wait == 0 || !strings.Contains(e.Why, "alice has used") {
		t.Errorf("where the day's budget is used up: %+v", e)
	}
}

// Without a gateway the command reckons by itself.
func TestADryRunNeedsNoGateway(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, two)
	stdout, stderr, code := run(t, dir, nil, "generate", "--dry-run", "an apple", "-o", "json")
	var e estimate
	if err := json.Unmarshal([]byte(stdout), &e); err != nil || code != 0 || e.Model != nb2 || e.Cost.Low == 0 || e.Project == "" {
		t.Errorf("exit %d, %v: %s%s", code, err, stdout, stderr)
	}
	if n := len(sim.arrivals("")); n != 0 {
		t.Errorf("%d requests reached Google", n)
	}
}
