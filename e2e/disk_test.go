package e2e

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// smallDisk mounts a disk of 8 MB in a folder.
func smallDisk(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		t.Skip("a small disk is mounted on Linux only")
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no disk may be mounted here, so a full one can't be tried; run this as root: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
}

// fill takes all room of a disk and gives what makes room again.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := bytes.Repeat([]byte("full"), 16<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// readiness is the status and the text of /readyz.
func (p *process) readiness() (int, string) {
	p.t.Helper()
	a := p.ask(http.MethodGet, "/readyz", "")
	return a.StatusCode, string(a.body)
}

// refusedUnkept asks for an image that could not be kept.
func refusedUnkept(t *testing.T, gw *process, why string) {
	t.Helper()
	a := gw.generate("gemini-3.1-flash-image", prompt)
	if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || !strings.Contains(string(a.body), why) {
		t.Errorf("got %d, Retry-After %q: %s", a.StatusCode, a.Header.Get("Retry-After"), a.body)
	}
	if status, said := gw.readiness(); status != 503 || !strings.Contains(said, why) {
		t.Errorf("/readyz says %d %s", status, said)
	}
}

func TestAFullDiskUnderTheSpoolBuysNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	images := filepath.Join(dir, "images")
	smallDisk(t, images)
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "spool: {memory: 64KB}")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	if status, said := gw.readiness(); status != 200 {
		t.Fatalf("/readyz says %d %s", status, said)
	}
	empty := fill(t, images)
	if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 500 || !strings.Contains(string(a.body), "could not be kept") {
		t.Fatalf("the image that the disk was too small for: %d %s", a.StatusCode, a.body)
	}
	paid := sim.billed()
	for range 3 {
		refusedUnkept(t, gw, "the spool of the gateway can't be written (no space left on device)")
	}
	if n := len(sim.arrivals(":generateContent")); n != 1 || sim.billed() != paid {
		t.Errorf("%d images were bought for a full disk, want 1", n)
	}
	empty()
	waitFor(t, "the gateway to be ready again", func() bool { status, _ := gw.readiness(); return status == 200 })
	if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 200 {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	if spent := gw.spent(); spent != sim.billed() {
		t.Errorf("the ledger has %d, Google's bill %d", spent, sim.billed())
	}
}

func TestAFullDiskUnderTheStoreLosesNoCent(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	books := filepath.Join(dir, "books")
	smallDisk(t, books)
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, "store: sqlite:books/plantain.db")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	sim.fault(map[string]any{"fault": "hang", "delay": "2s", "next": 1})
	got := make(chan answer, 1)
	go func() { got <- gw.generate("gemini-3.1-flash-image", prompt) }()
	waitFor(t, "the attempt to be out", func() bool { return len(sim.arrivals(":generateContent")) == 1 || gw.used("a", "rpm") == 1 })
	empty := fill(t, books)
	if a := <-got; a.StatusCode != 200 {
		t.Fatalf("what is paid for is handed on: %d %s", a.StatusCode, a.body)
	}
	// How soon the store runs out of room is its own matter; once it does, nothing is
	// sent.
	for range 20 {
		if status, _ := gw.readiness(); status == 503 {
			refusedUnkept(t, gw, "the store of the gateway can't be written")
			break
		}
		gw.generate("gemini-3.1-flash-image", prompt)
	}
	empty()
	waitFor(t, "the gateway to be ready again", func() bool { status, _ := gw.readiness(); return status == 200 })
	if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 200 {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	waitFor(t, "the ledger to agree with Google's bill", func() bool { return gw.spent() == sim.billed() })
}

// spent is the sum of the ledger, -1 where a charge is not known.
func (p *process) spent() (total int64) {
	p.t.Helper()
	var ledger struct {
		Attempts []struct {
			State string
			Cost  struct {
				Low  int64 `json:"low_nanodollars"`
				High int64 `json:"high_nanodollars"`
			}
		}
	}
	p.get("/api/v1/requests", &ledger)
	for _, a := range ledger.Attempts {
		if a.State != "settled" || a.Cost.Low != a.Cost.High {
			return -1
		}
		total += a.Cost.Low
	}
	return total
}
