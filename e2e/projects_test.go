package e2e

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A minute quota, a day quota and a key that is not valid: what is out, why, until
// when, and what was learnt stands in the command, the API and the metrics alike.
func TestWhatHoldsAProjectUpIsToldEverywhere(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two, "queue: {max_wait: 100ms}",
		"catalogue: {tiers: {1: {rpm: 10, ipm: 10, rpd: 4000, tpm: 1000000, ten_minute_dollars: 10}}}")
	sim.fault(map[string]any{"fault": "rate_day", "model": pro, "project": "sim-1-a"})
	gw.generate(pro, prompt)
	sim.fault(map[string]any{"fault": "rate_minute", "model": nb2, "project": "sim-1-a", "retry_delay": "50s"})
	gw.generate(nb2, prompt)
	gw.generate(nb2, prompt)
	sim.fault(map[string]any{"fault": "key_invalid", "project": "sim-1-b"})
	gw.generate(pro, prompt)

	text := gw.plantain("projects")
	for _, want := range []string{"a  tier 1, in rotation", "parked for rate_day until ", "parked for rate_minute until ", "rpd 1000 learnt ",
		"b  tier 1, out of rotation\n  parked for key_invalid until the configuration is reloaded: Google does not\n    accept the API key."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("more than 80 columns: %s", line)
		}
	}
	if all := gw.plantain("projects", "--all"); strings.Contains(all, "nothing used:") || !strings.Contains(all, "  gemini-2.5-flash-image ") {
		t.Errorf("--all leaves something out:\n%s", all)
	}

	var report struct {
		Projects []struct {
			Project string
			Parked  struct{ Reason string }
			Models  []struct {
				Model   string
				Parked  struct{ Reason, Until, Why string }
				Windows []struct {
					Limit              string
					Used, Of, Headroom int
					Free, Reset        time.Time
					Learnt             struct {
						Value int
						At    time.Time
						From  string
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(gw.plantain("projects", "-o", "json")), &report); err != nil || len(report.Projects) != 2 {
		t.Fatalf("%v in %+v", err, report)
	}
	if b := report.Projects[1]; b.Parked.Reason != "key_invalid" {
		t.Errorf("b is parked for %q", b.Parked.Reason)
	}
	for _, m := range report.Projects[0].Models {
		if m.Model != pro {
			continue
		}
		day := m.Windows[len(m.Windows)-1]
		if m.Parked.Reason != "rate_day" || m.Parked.Until == "" || m.Parked.Why == "" {
			t.Errorf("parked: %+v", m.Parked)
		}
		if day.Limit != "rpd" || day.Used != 1 || day.Of != 1000 || day.Headroom != 999 || day.Reset.IsZero() || day.Learnt.Value != 1000 || day.Learnt.From == "" {
			t.Errorf("the day: %+v", day)
		}
	}

	metrics := gw.metrics("")
	for _, want := range []string{
		`plantain_parked_until_timestamp_seconds{model="",project="b",reason="key_invalid"} +Inf`,
		`plantain_parked_until_timestamp_seconds{model="` + pro + `",project="a",reason="rate_day"} 1`,
		`plantain_window_headroom{limit="rpd",model="` + pro + `",project="a"} 999`,
		`plantain_window_reset_timestamp_seconds{limit="rpd",model="` + pro + `",project="a"} 1`,
		`plantain_window_free_timestamp_seconds{limit="rpm",model="` + nb2 + `",project="b"} 1`,
		`plantain_window_learnt_timestamp_seconds{limit="rpd",model="` + pro + `",project="a"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}

// Billing is mended at Google, not in plantain.yaml: SIGHUP lets the project back in.
func TestAProjectMendedAtGoogleIsTriedAgainOnReload(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "queue: {max_wait: 100ms}")
	sim.fault(map[string]any{"fault": "spending_cap", "next": 1})
	for range 2 {
		if a := gw.generate(nb2, prompt); a.StatusCode != 429 || a.Header.Get("Plantain-Verdict") != "billing" {
			t.Fatalf("got %d %s", a.StatusCode, a.Header.Get("Plantain-Verdict"))
		}
	}
	if n := len(sim.arrivals(":generateContent")); n != 1 {
		t.Fatalf("asked %d times, want once", n)
	}
	if err := gw.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the reload", func() bool { return gw.told("is in force") == 1 })
	if a := gw.generate(nb2, prompt); a.StatusCode != 200 {
		t.Errorf("after it was mended, got %d\n%s", a.StatusCode, a.body)
	}
}
