package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var soakFor = flag.Duration("soak.for", 0, "how long the soak run loads the gateway; 0: not at all")

const (
	soakRounds  = 12
	soakWarm    = 4 // rounds in which everything reaches its usual size
	soakClients = 16
)

// The soak run: load of every kind in rounds, with a rest after each. What a round
// leaves behind, in memory, goroutines, open files or on the disk, must not grow from
// round to round. make soak runs it.
func TestSoak(t *testing.T) {
	if *soakFor == 0 {
		t.Skip("takes minutes: make soak")
	}
	sim := startSim(t, "--latency", "30ms")
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, soakProjects(), "timeout: 2s", "retry: {base: 20ms, cap: 100ms}", "queue: {max_wait: 2s}",
		"spool: {memory: 16MB}", "retention: {images_max: 40MB, idempotency_max: 40MB, signatures_max: 40MB}")
	gw := serve(t, dir, "--log-level", "error")
	faults := slices.DeleteFunc(sim.faultNames(), func(name string) bool { return slices.Contains(chaosParks, name) }) // or most of it would be rest
	var rounds []soakSample
	for n := range soakRounds {
		gw.forgetPeak()
		calls, images := gw.soak(*soakFor/soakRounds, n, faults)
		waitFor(t, "the gateway to be at rest", func() bool { return gw.metric("plantain_requests_running") == 0 })
		http.DefaultClient.CloseIdleConnections()
		waitFor(t, "connections to end", func() bool { return gw.files() < 60 })
		s := gw.sample(dir)
		t.Logf("round %2d: %4d calls, %4d images, peak %4d MB, %3.0f goroutines, %2d files, %3d MB kept", n+1, calls, images, s.peak>>20, s.goroutines, s.files, s.kept>>20)
		rounds = append(rounds, s)
		sim.reset()
	}
	warm, late := soakMost(rounds[1:soakWarm]), soakMost(rounds[soakRounds-3:])
	if late.goroutines > warm.goroutines+5 {
		t.Errorf("goroutines grew from %v to %v", warm.goroutines, late.goroutines)
	}
	if late.files > warm.files+5 {
		t.Errorf("open files grew from %d to %d", warm.files, late.files)
	}
	if late.peak > warm.peak+warm.peak/4+10<<20 {
		t.Errorf("memory grew from %d to %d bytes", warm.peak, late.peak)
	}
	if late.kept > warm.kept+warm.kept/4+10<<20 {
		t.Errorf("what is on the disk grew from %d to %d bytes", warm.kept, late.kept)
	}
}

// soakProjects are as many as are never all used up, however short the rounds are.
func soakProjects() (keys []string) {
	for n := range 100 {
		keys = append(keys, fmt.Sprintf("sim-3-p%d", n))
	}
	return keys
}

// soak loads the gateway for a while, and gives how many calls that were and how many
// images came of them.
func (p *process) soak(d time.Duration, round int, faults []string) (calls, images int64) {
	ctx, end := context.WithTimeout(context.Background(), d)
	defer end()
	var asked, pictures atomic.Int64
	var clients sync.WaitGroup
	for n := range soakClients {
		rnd := rand.New(rand.NewPCG(uint64(round), uint64(n)))
		clients.Go(func() {
			for ctx.Err() == nil {
				asked.Add(1)
				if p.soakOne(rnd, faults) {
					pictures.Add(1)
				}
			}
		})
	}
	for ctx.Err() == nil {
		_ = p.cmd.Process.Signal(syscall.SIGHUP) // what was parked is mended
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
	clients.Wait()
	if pictures.Load() == 0 {
		p.t.Error("a round without an image")
	}
	return asked.Load(), pictures.Load()
}

// soakOne makes one call of any kind, and reports whether an image came of it.
func (p *process) soakOne(rnd *rand.Rand, faults []string) bool {
	model, verb, size, trigger := flash, ":generateContent", "512", ""
	chance := func(share float64) bool { return rnd.Float64() < share }
	if chance(0.3) {
		trigger = "[sim:" + faults[rnd.IntN(len(faults))] + " next=1] "
	}
	if chance(0.2) {
		size = "1K"
	}
	if chance(0.3) {
		verb = ":streamGenerateContent?alt=sse"
	}
	body := fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":"%sA red apple %d"}]}],"generationConfig":{"imageConfig":{"imageSize":"%s"}}}`, trigger, rnd.Uint64(), size)
	switch rnd.IntN(20) {
	case 0:
		body = strings.Replace(body, "}]", "", 1)
	case 1:
		body = strings.Replace(body, "A red apple", strings.Repeat("A red apple. ", 300_000), 1)
	}
	ctx, leave := context.WithTimeout(context.Background(), 20*time.Second)
	defer leave()
	if chance(0.1) {
		time.AfterFunc(time.Duration(rnd.IntN(int(200*time.Millisecond))), leave)
	}
	var header []string
	if chance(0.3) {
		header = []string{"Idempotency-Key", fmt.Sprint(rnd.Uint64())}
	}
	a, _ := p.send(ctx, http.MethodPost, "/v1beta/models/"+model+verb, body, header...) // it may have left, or the simulator had it cut
	return bytes.Contains(a.body, []byte(`"inlineData"`))
}

// A soakSample is what a process takes at rest, and the most memory that it took before.
type soakSample struct {
	peak       int64
	goroutines float64
	files      int
	kept       int64 // bytes in its folder
}

func soakMost(of []soakSample) (most soakSample) {
	for _, s := range of {
		most.peak, most.goroutines = max(most.peak, s.peak), max(most.goroutines, s.goroutines)
		most.files, most.kept = max(most.files, s.files), max(most.kept, s.kept)
	}
	return most
}

func (p *process) sample(dir string) (s soakSample) {
	s.goroutines, s.files = p.metric("go_goroutines"), p.files()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text); m != nil {
		kb, _ := strconv.ParseInt(string(m[1]), 10, 64)
		s.peak = kb << 10
	}
	_ = filepath.Walk(dir, func(_ string, f os.FileInfo, err error) error {
		if err == nil && f.Mode().IsRegular() && !strings.HasPrefix(f.Name(), "plantain.db") { // the ledger keeps everything
			s.kept += f.Size()
		}
		return nil
	})
	return s
}

// forgetPeak has the peak of the process's memory begin anew (proc(5), clear_refs).
func (p *process) forgetPeak() {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// files is how many files and connections the process has open.
func (p *process) files() int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(all)
}

// metric gives the sum of the series of a metric.
func (p *process) metric(name string) (sum float64) {
	text, found := p.metrics(""), false
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(?:\{[^}]*\})? (\S+)$`).FindAllStringSubmatch(text, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			p.t.Fatal(err)
		}
		sum, found = sum+v, true
	}
	if !found {
		p.t.Fatalf("no metric %s in\n%s", name, text)
	}
	return sum
}
