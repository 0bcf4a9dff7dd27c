package e2e

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A refusal of the gateway itself: how it comes about, and what it is. Time runs
// faster for the gateway, so that a Retry-After of minutes can be obeyed. Where the
// configuration is what limits, it is narrower than what the simulator allows, so
// that nobody but the gateway refuses.
type ownRefusal struct {
	config  []string
	rate    int           // of the gateway's clock; 0: 1
	night   time.Duration // where the day matters: the gateway starts this long before midnight Pacific
	before  func(*testing.T, *google, *process)
	header  []string // of the request that is refused, and of the one that obeys
	status  int
	verdict string
	least   int  // seconds from before the requests to the end that Retry-After states, at the least; 0: there is none
	tooSoon bool // a little earlier it is refused again
	drawn   bool // how long is drawn from nothing to least
}

func images(n int) func(*testing.T, *google, *process) {
	return func(t *testing.T, _ *google, gw *process) {
		for range n {
			if a := gw.generate(nb2, prompt); a.StatusCode != 200 {
				t.Fatalf("an image that has room got %d: %s", a.StatusCode, a.body)
			}
		}
	}
}

// meets lets one request meet a fault, which takes the project out.
func meets(fault map[string]any) func(*testing.T, *google, *process) {
	return func(t *testing.T, sim *google, gw *process) {
		sim.fault(fault)
		if a := gw.generate(nb2, prompt); a.StatusCode < 400 || a.Header.Get("Plantain-Attempts") != "1" {
			t.Fatalf("got %d: %s", a.StatusCode, a.body)
		}
	}
}

// waiting uses both places of a minute up and leaves some more requests in line.
func waiting(n int) func(*testing.T, *google, *process) {
	return func(t *testing.T, sim *google, gw *process) {
		images(2)(t, sim, gw)
		for range n {
			go func() { _, _ = gw.try(context.Background(), nb2, prompt) }()
		}
		waitFor(t, "them to wait", func() bool {
			return strings.Contains(gw.metrics(""), fmt.Sprintf("\nplantain_requests_waiting %d\n", n))
		})
	}
}

// tier is a tier 1 with some limits in the place of the usual ones.
func tier(rpm, ipm, tpm, rpd int, dollars float64) string {
	return fmt.Sprintf("catalogue: {tiers: {1: {rpm: %d, ipm: %d, tpm: %d, rpd: %d, ten_minute_dollars: %v}}}", rpm, ipm, tpm, rpd, dollars)
}

const impatient = "queue: {max_wait: 100ms}"

func TestARetryAfterOfTheGatewayItselfIsTrue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]ownRefusal{
		"the requests of a minute": {config: []string{tier(2, 9, 99999, 99, 9), impatient}, rate: 20, before: images(2),
			status: 429, verdict: "rate_minute", least: 59, tooSoon: true},
		"the images of a minute": {config: []string{tier(9, 2, 99999, 99, 9), impatient}, rate: 20, before: images(2),
			status: 429, verdict: "rate_minute", least: 59, tooSoon: true},
		"the tokens of a minute": {config: []string{tier(9, 9, 20, 99, 9), impatient}, rate: 20, before: images(2),
			status: 429, verdict: "rate_minute", least: 59, tooSoon: true},
		"the spend of ten minutes": {config: []string{tier(9, 9, 99999, 99, 0.15), impatient}, rate: 120, before: images(2),
			status: 429, verdict: "rate_minute", least: 590, tooSoon: true},
		"the requests of a day": {config: []string{tier(9, 9, 99999, 2, 9), impatient}, rate: 20, night: 2 * time.Minute, before: images(2),
			status: 429, verdict: "rate_day", least: 119, tooSoon: true},

		"parked for a minute": {config: []string{impatient}, rate: 10, before: meets(next("rate_minute", 1, "retry_delay", "20s")),
			status: 429, verdict: "rate_minute", least: 19, tooSoon: true},
		"parked for a day": {config: []string{impatient}, rate: 20, night: 2 * time.Minute, before: meets(next("rate_day", 1)),
			status: 429, verdict: "rate_day", least: 119, tooSoon: true},
		"the one probe of a day": {config: []string{impatient}, rate: 10, before: meets(next("rate_day_short", 1)),
			status: 429, verdict: "rate_day", least: 20, tooSoon: true},
		"parked for a reason that nobody names": {config: []string{impatient, "retry: {attempts: 1, base: 30s}"}, rate: 5, before: meets(next("quota_unknown", 1)),
			status: 429, verdict: "quota_unknown", least: 30, drawn: true},

		"too late for its turn": {config: []string{tier(2, 9, 99999, 99, 9)}, rate: 20, before: waiting(3), header: []string{"Plantain-Max-Wait", "5s"},
			status: 429, verdict: "rate_minute", least: 59},
		"too many in line": {config: []string{tier(2, 9, 99999, 99, 9), "queue: {max_length: 2}"}, rate: 20, before: waiting(2),
			status: 429, verdict: "rate_minute", least: 59},

		"a key that is wrong":      {config: []string{impatient}, before: meets(always("key_invalid")), status: 400, verdict: "key_invalid"},
		"a quota of zero":          {config: []string{impatient}, before: meets(always("quota_zero")), status: 429, verdict: "quota_zero"},
		"a cap on the spend":       {config: []string{impatient}, before: meets(always("spending_cap")), status: 429, verdict: "billing"},
		"no permission":            {config: []string{impatient}, before: meets(always("permission")), status: 403, verdict: "permission"},
		"larger than every window": {config: []string{tier(9, 9, 5, 99, 9)}, before: images(0), status: 400, verdict: "bad_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c ownRefusal) run(t *testing.T) {
	rate := max(c.rate, 1)
	for !c.happens(t, rate) { // a busy machine has slower clocks
		rate = max(rate/2, 1)
	}
}

// happens lets it come about by a clock. It reports false where that was too quick: the
// reason to refuse was over before anybody asked.
func (c ownRefusal) happens(t *testing.T, rate int) bool {
	aDayAhead(t)
	begun := time.Now()
	shift := time.Duration(0)
	if c.night > 0 {
		shift = untilMidnight(t) - c.night
	}
	clock := []string{fmt.Sprint("--clock-rate=", rate), fmt.Sprint("--clock-shift=", shift)}
	sim := startSim(t, clock...)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, c.config...)
	gw := start(t, dir, nil, append([]string{"serve", "--listen", "127.0.0.1:0"}, clock...)...)
	c.before(t, sim, gw)
	calls := len(sim.arrivals(":generateContent"))
	a := gw.generate(nb2, prompt, c.header...)
	answered := time.Now()
	least := c.least - int(answered.Sub(begun).Seconds()*float64(rate))
	if over := least < 1 || c.drawn && a.StatusCode == 200; over && c.least > 0 && rate > 1 {
		return false
	}
	if c.drawn {
		least = 1
	}
	after, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.StatusCode != c.status || a.detail(t)["verdict"] != c.verdict || a.Header.Get("Plantain-Attempts") != "0" {
		t.Fatalf("got %d: %s", a.StatusCode, a.body)
	}
	if c.least == 0 {
		if a.Header.Get("Retry-After") != "" || a.detail(t)["next"] == "" {
			t.Errorf("no wait helps, but it says %q and %q", a.Header.Get("Retry-After"), a.detail(t)["next"])
		}
		return true
	}
	if err != nil || after < least || after > 2*c.least+60 {
		t.Fatalf("Retry-After is %q, want %d or a little more: %s", a.Header.Get("Retry-After"), least, a.body)
	}
	at := func(seconds float64) time.Time {
		return answered.Add(time.Duration(seconds / float64(rate) * float64(time.Second)))
	}
	if c.tooSoon {
		// A second is short at this rate, and the machine may be busy.
		time.Sleep(time.Until(at(float64(after) * 0.8)))
		if a := gw.generate(nb2, prompt, c.header...); a.StatusCode != c.status && time.Now().Before(at(float64(after)-1)) {
			t.Errorf("before the time it got %d", a.StatusCode)
		}
		if n := len(sim.arrivals(":generateContent")); n != calls && time.Now().Before(at(float64(after)-1)) {
			t.Errorf("%d calls reached Google before the time", n-calls)
		}
	}
	time.Sleep(time.Until(at(float64(after))))
	if a := gw.generate(nb2, prompt, c.header...); a.StatusCode != 200 {
		t.Errorf("after %d s, as it was told, it got %d: %s", after, a.StatusCode, a.body)
	}
	return true
}

// aDayAhead waits for the next Pacific day where this one is about to end: what counts
// by the day would begin anew in the middle of a test.
func aDayAhead(t *testing.T) {
	t.Helper()
	if left := untilMidnight(t); left < 30*time.Second {
		time.Sleep(left)
	}
}

// untilMidnight is the rest of the Pacific day.
func untilMidnight(t *testing.T) time.Duration {
	t.Helper()
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(pacific)
	return time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, pacific).Sub(now)
}

// What it can't foretell the gateway states no time for, and says so.
func TestARefusalThatCannotForetellItsEndStatesNoTime(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, tier(2, 9, 99999, 99, 9), "clients: {concurrency: 2}")
	waiting(2)(t, sim, gw)
	if a := gw.generate(nb2, prompt); a.StatusCode != 429 || a.Header.Get("Retry-After") != "" || a.detail(t)["next"] == "" {
		t.Errorf("one more than a client may have running got %d, Retry-After %q: %s", a.StatusCode, a.Header.Get("Retry-After"), a.body)
	}
	got := make(chan answer)
	stopped := startGateway(t, sim.URL, []string{"sim-1-b"}, tier(2, 9, 99999, 99, 9))
	waiting(0)(t, sim, stopped)
	go func() {
		a, err := stopped.try(context.Background(), nb2, prompt)
		if err != nil {
			t.Error(err)
		}
		got <- a
	}()
	waitFor(t, "it to wait", func() bool { return strings.Contains(stopped.metrics(""), "\nplantain_requests_waiting 1\n") })
	stopped.interrupt()
	if a := <-got; a.Response == nil || a.StatusCode != 503 || a.Header.Get("Retry-After") != "" || a.detail(t)["next"] == "" {
		t.Errorf("one that waited while the gateway was stopped got %+v: %s", a.Response, a.body)
	}
}
