package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// projectsNow are the projects that a gateway has at this moment.
func (p *process) projectsNow() string {
	p.t.Helper()
	var got struct{ Projects []struct{ Project string } }
	p.get("/api/v1/projects", &got)
	var names []string
	for _, pr := range got.Projects {
		names = append(names, pr.Project)
	}
	return strings.Join(names, " ")
}

func TestAChangedConfigTakesEffectWithoutARestart(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	sim.fault(map[string]any{"fault": "hang", "delay": "2s", "next": 1})
	running := make(chan answer, 1)
	go func() {
		a, err := gw.try(context.Background(), "gemini-3.1-flash-image", prompt)
		if err != nil {
			t.Error(err)
		}
		running <- a
	}()
	waitFor(t, "the attempt to be out", func() bool { return gw.used("a", "rpm") == 1 })

	writeConfig(t, dir, sim.URL, []string{"sim-1-a", "sim-1-b"})
	waitFor(t, "the second project", func() bool { return gw.projectsNow() == "a b" })
	if n := gw.used("a", "rpm"); n != 1 {
		t.Errorf("a's window counts %d after the change, want 1", n)
	}
	if a := <-running; a.StatusCode != 200 {
		t.Errorf("the request that ran got %d", a.StatusCode)
	}

	// Replaced, as editors and deployments do.
	other := t.TempDir()
	writeConfig(t, other, sim.URL, []string{"sim-1-a", "sim-1-b", "sim-1-c"})
	if err := os.Rename(filepath.Join(other, "plantain.yaml"), filepath.Join(dir, "plantain.yaml")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the third project", func() bool { return gw.projectsNow() == "a b c" })

	if err := os.WriteFile(filepath.Join(dir, "plantain.yaml"), []byte("projects: []\nnonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the wrong file to be told", func() bool { return strings.Contains(gw.output(), "plantain.yaml:2:1") })
	if got := gw.projectsNow(); got != "a b c" {
		t.Errorf("a wrong file left %s", got)
	}
	writeConfig(t, dir, sim.URL, []string{"sim-1-z"})
	if err := gw.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "SIGHUP", func() bool { return gw.projectsNow() == "a" })
	if a := gw.generate("gemini-3-pro-image", prompt); a.StatusCode != 200 || !strings.Contains(sim.arrivals(":generateContent")[1].Project, "z") {
		t.Errorf("got %d through %s", a.StatusCode, through(sim.arrivals(":generateContent")))
	}
}

func TestMetricsTellWhatHappened(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two, "retry: {base: 10ms, cap: 10ms}")
	sim.fault(next("rate_day", 1))
	gw.generate("gemini-3.1-flash-image", prompt)
	text := gw.metrics("")
	for _, want := range []string{
		`verdict="rate_day"} 1`, `verdict="success"} 1`, `plantain_requests_total{status="200"} 1`, `plantain_parked{`,
		`limit="rpm",model="gemini-3.1-flash-image"`, `plantain_cost_dollars_total{`, `plantain_requests_running 0`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

func TestOneClientHasNoMoreRunningThanItMay(t *testing.T) {
	t.Parallel()
	google := startSlowGoogle(t)
	gw := startGateway(t, google.URL, []string{"sim-1-a"}, "clients: {concurrency: 2}")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { _, _ = gw.try(context.Background(), "gemini-3.1-flash-image", prompt) })
	}
	for range 2 {
		<-google.came
	}
	a := gw.generate("gemini-3.1-flash-image", prompt)
	if a.StatusCode != 429 || a.Header.Get("Retry-After") != "" || !strings.Contains(a.detail(t)["explanation"], "clients.concurrency") {
		t.Errorf("the third got %d: %s", a.StatusCode, a.body)
	}
	for range 2 {
		google.make <- struct{}{}
	}
	wg.Wait()
	if n := len(google.came); n != 0 {
		t.Errorf("%d calls more reached Google", n)
	}
}
