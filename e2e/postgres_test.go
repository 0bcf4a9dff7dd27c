package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// startPostgres runs an empty PostgreSQL for one test and gives its URL.
func startPostgres(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("../scripts/postgres.sh")
	var says strings.Builder
	cmd.Stderr = &says
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it serves until then
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(strings.TrimSpace(says.String()))
	}
	return strings.TrimSpace(line)
}

func TestTwoGatewaysOnPostgreSQLNeverAskForTooMuch(t *testing.T) {
	t.Parallel()
	const each, room = 15, 20 // two projects of ten a minute
	sim := startSim(t)
	store := fmt.Sprintf("store: %q", startPostgres(t))
	gateways := []*process{
		startGateway(t, sim.URL, two, store, "queue: {max_wait: 1s}"),
		startGateway(t, sim.URL, two, store, "queue: {max_wait: 1s}"),
	}
	var made, refused atomic.Int64
	var wg sync.WaitGroup
	for n := range 2 * each {
		wg.Go(func() {
			a, err := gateways[n%2].try(context.Background(), "gemini-3.1-flash-image", prompt)
			switch {
			case err == nil && a.StatusCode == 200 && a.Header.Get("Plantain-Attempts") == "1":
				made.Add(1)
			case err == nil && a.StatusCode == 429 && a.Header.Get("Plantain-Attempts") == "0":
				refused.Add(1)
			default:
				t.Errorf("%v: got %v", err, a.Response)
			}
		})
	}
	wg.Wait()
	if made.Load() != room || refused.Load() != 2*each-room {
		t.Errorf("%d made, %d refused, want %d of %d", made.Load(), refused.Load(), room, 2*each)
	}
	arrived := sim.arrivals(":generateContent")
	for _, a := range arrived {
		if a.Status != 200 {
			t.Errorf("Google answered %d", a.Status)
		}
	}
	if len(arrived) != room {
		t.Errorf("%d arrived, want %d", len(arrived), room)
	}
	for _, gw := range gateways {
		waitFor(t, "each to see what both took", func() bool { return gw.used("a", "rpm")+gw.used("b", "rpm") == room })
	}
	// A command opens the books beside them, and a key closes the doors of both.
	key := gateways[0].plantain("keys", "create", "alice")
	for _, gw := range gateways {
		waitFor(t, "the door to be closed", func() bool { return gw.knock("") == 403 })
		if got := gw.knock(key); got != 200 {
			t.Errorf("with the key: %d", got)
		}
	}
}

// knock asks for what costs nothing, with a key, and gives the status.
func (p *process) knock(key string) int {
	p.t.Helper()
	return p.ask(http.MethodGet, "/v1beta/models?key="+key, "").StatusCode
}

func TestAKilledGatewayIsOutlivedByTheOther(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	store := fmt.Sprintf("store: %q", startPostgres(t))
	killed := startGateway(t, sim.URL, []string{"sim-1-a"}, store)
	other := startGateway(t, sim.URL, []string{"sim-1-a"}, store)
	sim.fault(next("hang", 1))
	go func() { _, _ = killed.try(context.Background(), "gemini-3.1-flash-image", prompt) }()
	waitFor(t, "the attempt to be out", func() bool { return other.used("a", "rpm") == 1 && len(sim.arrivals(":generateContent")) == 1 })
	killed.kill()
	if a := other.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 200 {
		t.Errorf("the other one got %d", a.StatusCode)
	}
	if n := other.used("a", "rpm"); n != 2 {
		t.Errorf("%d in the window, want 2: what the killed one sent may count", n)
	}
	// A command that makes its own image does so by the same books, and in its own spool.
	_, errs, code := run(t, other.dir, nil, "generate", "A red apple", "-O", "apple.png")
	if code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
	waitFor(t, "the gateway to see it", func() bool { return other.used("a", "rpm") == 3 })
	if left, _ := filepath.Glob(filepath.Join(other.dir, "images", "spool", "of-*")); len(left) != 2 {
		t.Errorf("the spool folder has %q, want that of the gateway and its lock", left)
	}
}
