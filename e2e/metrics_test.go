package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// metrics reads /metrics with a key; empty: none.
func (p *process) metrics(key string) string {
	p.t.Helper()
	var header []string
	if key != "" {
		header = []string{"Authorization", "Bearer " + key}
	}
	a := p.ask(http.MethodGet, "/metrics", "", header...)
	if a.StatusCode != 200 {
		p.t.Fatalf("GET /metrics: %s", a.Status)
	}
	return string(a.body)
}

func TestMetricsTellTheStateOfTheHouse(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	boss := gw.plantain("keys", "create", "boss", "--admin")
	gw.generate("gemini-3.1-flash-image", prompt)
	gw.generate("gemini-3.1-flash-image", prompt, "x-goog-api-key", "wrong")
	gw.generate("gemini-3.1-flash-image", prompt, "x-goog-api-key", boss)
	text := gw.metrics(boss)
	const window = `limit="%s",model="%s",project="a"} `
	for _, want := range []string{
		"plantain_build_info{", "plantain_spool_bytes ", "plantain_requests_waiting 0", "plantain_wait_seconds_count 1",
		`plantain_requests_total{status="200"} 1`, `plantain_requests_total{status="400"} 1`, `plantain_requests_total{status="403"} 1`,
		`plantain_attempts_running{model="gemini-3.1-flash-image",project="a"} 0`,
		"plantain_window_headroom{" + fmt.Sprintf(window, "rpm", "gemini-3.1-flash-image"),
		"plantain_window_limit{" + fmt.Sprintf(window, "spend", "") + "10\n",
		"plantain_window_used{" + fmt.Sprintf(window, "spend", "") + "0.0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "boss") {
		t.Error("a client is a label")
	}
}

// Each attempt that was healed counts once, one that Google refused all the same too.
func TestMetricsTellWhatWasHealed(t *testing.T) {
	t.Parallel()
	sim := startSim(t, "--signatures", "real")
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	chat := newChat(t, gw, "pro", each(drop))
	healed := func(how, verdict string) string {
		return fmt.Sprintf("plantain_healed_attempts_total{how=%q,model=\"gemini-3-pro-image\",verdict=%q} 1\n", how, verdict)
	}
	var want []string
	for n, of := range [][]string{nil, {healed("memory", "success")}, {healed("placeholder", "thought_signature"), healed("flattened", "success")}} {
		if n == 2 {
			wipe(t, gw)
		}
		chat.say(nth(n))
		want = append(want, of...)
		text := gw.metrics("")
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("after turn %d %s is not in\n%s", n, line, text)
			}
		}
		if got := strings.Count(text, "plantain_healed_attempts_total{"); got != len(want) {
			t.Errorf("after turn %d there are %d series, want %d", n, got, len(want))
		}
	}
}

// Whoever calls must not be able to make series without end.
func TestLabelsAreNotWhatClientsSend(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	for i := range 5 {
		gw.ask(http.MethodPost, fmt.Sprintf("/v1beta/models/invented-%d:countTokens", i), prompt)
		gw.generate(fmt.Sprintf("invented-%d", i), prompt)
	}
	if text := gw.metrics(""); strings.Contains(text, "invented") || !strings.Contains(text, `model="",project="a",verdict="model_not_found"} 5`) {
		t.Errorf("got\n%s", text)
	}
}

func TestHangingUpMakesNoRoomForMore(t *testing.T) {
	t.Parallel()
	google := startSlowGoogle(t)
	gw := startGateway(t, google.URL, []string{"sim-1-a"}, "clients: {concurrency: 2}")
	ctx, hangUp := context.WithCancel(t.Context())
	gone := make(chan bool)
	for range 2 {
		go func() {
			_, err := gw.try(ctx, "gemini-3.1-flash-image", prompt)
			gone <- err != nil
		}()
	}
	for range 2 {
		<-google.came
	}
	hangUp()
	for range 2 {
		if !<-gone {
			t.Fatal("one did not hang up")
		}
	}
	waitFor(t, "the gateway to notice", func() bool { return strings.Contains(gw.metrics(""), "plantain_requests_running 0") })
	if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 429 {
		t.Errorf("a third got %d while two are out", a.StatusCode)
	}
	if n := len(google.came); n != 0 {
		t.Errorf("%d more reached Google while two are out", n)
	}
	for range 3 {
		google.make <- struct{}{}
	}
	waitFor(t, "the two to make room", func() bool { return gw.generate("gemini-3.1-flash-image", prompt).StatusCode == 200 })
	if text := gw.metrics(""); !strings.Contains(text, `plantain_requests_total{status="499"} 2`) {
		t.Errorf("two that left are not counted in\n%s", text)
	}
}
