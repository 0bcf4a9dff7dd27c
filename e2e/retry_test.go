package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// detail gives the metadata of the detail that Plantain adds to an error.
func (a answer) detail(t *testing.T) map[string]string {
	t.Helper()
	var shape struct {
		Error struct {
			Details []struct {
				Domain   string
				Metadata map[string]string
			}
		}
	}
	if err := json.Unmarshal(a.body, &shape); err != nil {
		t.Fatalf("not Google's error shape: %v\n%.500s", err, a.body)
	}
	for _, d := range shape.Error.Details {
		if d.Domain == "plantain" {
			return d.Metadata
		}
	}
	t.Fatalf("no detail of ours in %s", a.body)
	return nil
}

// through gives the projects that were asked, in order.
func through(arrivals []arrival) string {
	var names []string
	for _, a := range arrivals {
		names = append(names, a.Project)
	}
	return strings.Join(names, " ")
}

// A row of the retry table, end to end: what reaches Google and what comes back.
type row struct {
	faults   []map[string]any
	projects []string // keys; default: one project
	status   int
	verdict  string
	calls    int  // that reach Google
	moves    bool // the last call is on another project than the first
	atLeast  time.Duration
	charged  string // of an error's detail; empty: not an error
}

func (r row) run(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	if r.projects == nil {
		r.projects = []string{"sim-1-a"}
	}
	gw := startGateway(t, sim.URL, r.projects, "retry: {base: 100ms, cap: 200ms}")
	for _, f := range r.faults {
		sim.fault(f)
	}
	begun := time.Now()
	a := gw.generate("gemini-3.1-flash-image", prompt)
	took := time.Since(begun)
	if a.StatusCode != r.status || a.Header.Get("Plantain-Verdict") != r.verdict {
		t.Errorf("got %d %s, want %d %s\n%.600s", a.StatusCode, a.Header.Get("Plantain-Verdict"), r.status, r.verdict, a.body)
	}
	asked := sim.arrivals(":generateContent")
	if len(asked) != r.calls {
		t.Errorf("%d calls reached Google (%s), want %d", len(asked), through(asked), r.calls)
	}
	if r.moves && len(asked) > 1 && asked[0].Project == asked[len(asked)-1].Project {
		t.Errorf("it stayed on project %s", asked[0].Project)
	}
	if took < r.atLeast {
		t.Errorf("took %v, want at least %v", took, r.atLeast)
	}
	if r.charged != "" && a.detail(t)["charged"] != r.charged {
		t.Errorf("charged %s, want %s", a.detail(t)["charged"], r.charged)
	}
}

func next(fault string, n int, more ...any) map[string]any {
	f := map[string]any{"fault": fault, "next": n}
	for i := 0; i+1 < len(more); i += 2 {
		f[more[i].(string)] = more[i+1]
	}
	return f
}

func always(fault string) map[string]any { return map[string]any{"fault": fault} }

func faults(f ...map[string]any) []map[string]any { return f }

var two = []string{"sim-1-a", "sim-1-b"}

func TestRetrySuccess(t *testing.T) {
	row{status: 200, verdict: "success", calls: 1}.run(t)
}

func TestRetryRateMinuteMovesToAnotherProjectAtOnce(t *testing.T) {
	row{faults: faults(next("rate_minute", 1)), projects: two, status: 200, verdict: "success", calls: 2, moves: true}.run(t)
}

func TestRetryRateMinuteAloneWaitsAsLongAsGoogleSays(t *testing.T) {
	row{faults: faults(next("rate_minute", 1, "retry_delay", "2s")), status: 200, verdict: "success", calls: 2, atLeast: 2 * time.Second}.run(t)
}

func TestRetryRateDayParksUntilMidnightAndMoves(t *testing.T) {
	row{faults: faults(next("rate_day", 1)), projects: two, status: 200, verdict: "success", calls: 2, moves: true}.run(t)
}

func TestRetryRateDayAloneIsToldAndNotAskedAgain(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	sim.fault(always("rate_day"))
	for range 3 {
		a := gw.generate("gemini-3.1-flash-image", prompt)
		if a.StatusCode != 429 || a.detail(t)["verdict"] != "rate_day" || a.Header.Get("Retry-After") == "" {
			t.Fatalf("got %d, Retry-After %q: %s", a.StatusCode, a.Header.Get("Retry-After"), a.body)
		}
	}
	if n := len(sim.arrivals(":generateContent")); n != 1 {
		t.Errorf("%d calls reached Google, want 1", n)
	}
	if a := gw.generate("gemini-3-pro-image", prompt); sim.arrivals(":generateContent")[1].Model != "gemini-3-pro-image" {
		t.Errorf("another model was not asked: %d", a.StatusCode)
	}
}

func TestRetryQuotaUnknownBacksOff(t *testing.T) {
	row{faults: faults(next("quota_unknown", 2)), status: 200, verdict: "success", calls: 3}.run(t)
}

func TestRetryQuotaZeroParksAndMoves(t *testing.T) {
	row{projects: []string{"sim-1-a", "sim-1-b"}, faults: faults(next("quota_zero", 1)), status: 200, verdict: "success", calls: 2, moves: true}.run(t)
}

func TestRetryCapacityBacksOff(t *testing.T) {
	row{faults: faults(next("capacity", 2)), status: 200, verdict: "success", calls: 3, atLeast: 150 * time.Millisecond}.run(t)
}

func TestRetryServerErrorBacksOff(t *testing.T) {
	row{faults: faults(next("server_error", 1)), status: 200, verdict: "success", calls: 2, atLeast: 50 * time.Millisecond}.run(t)
}

func TestRetrySafetyImageIsSentExactlyOnce(t *testing.T) {
	row{faults: faults(next("safety_image", 1)), projects: two, status: 200, verdict: "safety_image", calls: 1}.run(t)
}

func TestRetrySafetyPromptIsSentExactlyOnce(t *testing.T) {
	row{faults: faults(next("safety_prompt", 1)), projects: two, status: 200, verdict: "safety_prompt", calls: 1}.run(t)
}

func TestRetryRecitationIsSentExactlyOnce(t *testing.T) {
	row{faults: faults(next("recitation", 1)), projects: two, status: 200, verdict: "recitation", calls: 1}.run(t)
}

func TestRetryNoImageIsNotRepeated(t *testing.T) {
	row{faults: faults(next("no_image", 1)), projects: two, status: 200, verdict: "no_image", calls: 1}.run(t)
}

func TestRetryTruncatedIsReturnedAsItCame(t *testing.T) {
	row{faults: faults(next("truncated", 1)), projects: two, status: 200, verdict: "truncated", calls: 1}.run(t)
}

func TestRetryKeyInvalidTakesTheProjectOut(t *testing.T) {
	row{faults: faults(next("key_invalid", 1)), projects: two, status: 200, verdict: "success", calls: 2, moves: true}.run(t)
}

func TestRetryPermissionTakesTheProjectOut(t *testing.T) {
	row{faults: faults(next("permission", 1)), projects: two, status: 200, verdict: "success", calls: 2, moves: true}.run(t)
}

func TestRetryBillingParksTheProject(t *testing.T) {
	row{faults: faults(next("spending_cap", 1)), projects: two, status: 200, verdict: "success", calls: 2, moves: true}.run(t)
}

func TestRetryRegionTakesEveryProjectOfTheUpstreamOut(t *testing.T) {
	row{faults: faults(next("region", 1)), projects: two, status: 400, verdict: "region", calls: 1, charged: "no"}.run(t)
}

func TestRetryBadRequestIsNeverRepeated(t *testing.T) {
	row{faults: faults(next("bad_request", 1)), projects: two, status: 400, verdict: "bad_request", calls: 1, charged: "no"}.run(t)
}

func TestRetryUnansweredIsNotSentAgain(t *testing.T) {
	row{faults: faults(next("drop", 1)), projects: two, status: 502, verdict: "unanswered", calls: 1, charged: "unknown"}.run(t)
}

func TestRetryOwnDeadlineIsNotSentAgain(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two, "timeout: 3s")
	sim.fault(always("hang"))
	a := gw.generate("gemini-3.1-flash-image", prompt)
	if a.StatusCode != 504 || a.detail(t)["charged"] != "unknown" {
		t.Errorf("got %d: %s", a.StatusCode, a.body)
	}
	if n := len(sim.arrivals(":generateContent")); n != 1 {
		t.Errorf("%d calls reached Google, want 1", n)
	}
	low, high, _ := strings.Cut(a.Header.Get("Plantain-Cost-Usd"), "-")
	if low != "0.000" || high == "" {
		t.Errorf("the cost is %q, want a range from nothing", a.Header.Get("Plantain-Cost-Usd"))
	}
}

func TestRetryReceivedTimeoutBacksOff(t *testing.T) {
	row{faults: faults(next("timeout_504", 1)), status: 200, verdict: "success", calls: 2, atLeast: 50 * time.Millisecond}.run(t)
}

func TestRetryReceivedCancelBacksOff(t *testing.T) {
	row{faults: faults(next("cancelled_499", 1)), status: 200, verdict: "success", calls: 2, atLeast: 50 * time.Millisecond}.run(t)
}

func TestRetryBadGatewayBacksOff(t *testing.T) {
	row{faults: faults(next("bad_gateway", 1)), status: 200, verdict: "success", calls: 2, atLeast: 50 * time.Millisecond}.run(t)
}

func TestRetryVertexSharedCapacityBacksOff(t *testing.T) {
	row{faults: faults(next("vertex_429", 1)), status: 200, verdict: "success", calls: 2, atLeast: 50 * time.Millisecond}.run(t)
}

func TestRetryPrepaidCreditGoneParksTheProject(t *testing.T) {
	row{faults: faults(next("prepaid", 1)), projects: two, status: 200, verdict: "success", calls: 2, moves: true}.run(t)
}

func TestRetryThoughtSignatureIsTold(t *testing.T) {
	row{faults: faults(next("thought_signature", 1)), projects: two, status: 400, verdict: "thought_signature", calls: 1, charged: "no"}.run(t)
}

func TestRetryModelNotFoundIsNeverRepeated(t *testing.T) {
	row{faults: faults(next("model_not_found", 1)), projects: two, status: 404, verdict: "model_not_found", calls: 1, charged: "no"}.run(t)
}

func TestRetryCutBodyIsNotSentAgain(t *testing.T) {
	row{faults: faults(next("cut", 1)), projects: two, status: 502, verdict: "unanswered", calls: 1, charged: "unknown"}.run(t)
}

func TestRetryEmptyBodyIsNotSentAgain(t *testing.T) {
	row{faults: faults(next("empty", 1)), projects: two, status: 502, verdict: "unanswered", calls: 1, charged: "unknown"}.run(t)
}

func TestRetryMalformedJSONIsNotSentAgain(t *testing.T) {
	row{faults: faults(next("malformed_json", 1)), projects: two, status: 502, verdict: "unanswered", calls: 1, charged: "unknown"}.run(t)
}

func TestRetryTextOnlyIsNotRepeated(t *testing.T) {
	row{faults: faults(next("text_only", 1)), projects: two, status: 200, verdict: "no_image", calls: 1}.run(t)
}

func TestRetryThoughtOnlyIsNotRepeated(t *testing.T) {
	row{faults: faults(next("thought_only", 1)), projects: two, status: 200, verdict: "no_image", calls: 1}.run(t)
}

func TestRetrySeveralImagesAreOneSuccess(t *testing.T) {
	row{faults: faults(next("several_images", 1)), status: 200, verdict: "success", calls: 1}.run(t)
}

func TestRetryUnclassifiableIsReturnedAsItCame(t *testing.T) {
	row{faults: faults(next("new_finish", 1)), projects: two, status: 200, verdict: "unclassifiable", calls: 1}.run(t)
}

func TestRetryNoImageIsRepeatedWhereConfigAllows(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "retry: {no_image: 1}")
	sim.fault(next("no_image", 1))
	if a := gw.generate("gemini-3.1-flash-image", prompt); a.Header.Get("Plantain-Verdict") != "success" || len(sim.arrivals(":generateContent")) != 2 {
		t.Errorf("got %s after %d calls", a.Header.Get("Plantain-Verdict"), len(sim.arrivals(":generateContent")))
	}
}

func TestRetryUnknownIsRepeatedWhereTheClientForcesIt(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	sim.fault(next("drop", 1))
	a := gw.generate("gemini-3.1-flash-image", prompt, "Plantain-Force", "unknown")
	if a.StatusCode != 200 || len(sim.arrivals(":generateContent")) != 2 {
		t.Errorf("got %d after %d calls", a.StatusCode, len(sim.arrivals(":generateContent")))
	}
	if cost := a.Header.Get("Plantain-Cost-Usd"); !strings.Contains(cost, "-") {
		t.Errorf("the cost is %s, want a range: the dropped one may have been charged", cost)
	}
}
