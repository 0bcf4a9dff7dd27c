package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// as runs a command of the system that takes root, and skips the test where it may
// not be run.
func as(t *testing.T, name string, args ...string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("read-only places are made on Linux only")
	}
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Skipf("%s %s is not permitted here, so this can't be tried; run it as root: %v %s", name, strings.Join(args, " "), err, out)
	}
}

// undo runs a command that takes back what as did, once: when it is called, else at
// the end of the test.
func undo(t *testing.T, name string, args ...string) func() {
	done := false
	once := func() {
		if done {
			return
		}
		done = true
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Errorf("%s %v: %v %s", name, args, err, out)
		}
	}
	t.Cleanup(once)
	return once
}

// cover lays a read-only mount of a folder over it: what is open stays as it was,
// what is opened from now on can't be written. It gives what takes it away.
func cover(t *testing.T, dir string) (uncover func()) {
	t.Helper()
	as(t, "mount", "--bind", dir, dir)
	uncover = undo(t, "umount", dir)
	as(t, "mount", "-o", "remount,bind,ro", dir)
	return uncover
}

func TestAPlaceThatCannotBeWrittenIsToldAtTheStart(t *testing.T) {
	t.Parallel()
	readOnly := []string{"read-only file system", "mount it for writing"}
	locked := []string{"operation not permitted", "may not write there"}
	for name, c := range map[string]struct {
		lock func(t *testing.T, dir string) (unlock func())
		says []string
	}{
		"the folder of the store is a read-only mount": {func(t *testing.T, dir string) func() {
			return cover(t, filepath.Join(dir, "books"))
		}, append(readOnly, "store in plantain.yaml")},
		"its disk is mounted read-only": {func(t *testing.T, dir string) func() {
			books := filepath.Join(dir, "books")
			as(t, "mount", "-o", "remount,ro", books)
			return undo(t, "mount", "-o", "remount,rw", books)
		}, append(readOnly, "store in plantain.yaml")},
		"the folder of the store may not be changed": {func(t *testing.T, dir string) func() {
			return immutable(t, filepath.Join(dir, "away")) // where books leads to
		}, append(locked, "store in plantain.yaml")},
		"the file of the store may not be changed": {func(t *testing.T, dir string) func() {
			return immutable(t, filepath.Join(dir, "away", "plantain.db"))
		}, append(locked, "store in plantain.yaml")},
		"images are to be swept from a read-only mount": {func(t *testing.T, dir string) func() {
			return cover(t, filepath.Join(dir, "images"))
		}, append(readOnly, "images in plantain.yaml")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir := t.TempDir()
			books := filepath.Join(dir, "books")
			if strings.Contains(name, "may not be changed") { // which not every disk knows of
				must(t, os.Mkdir(filepath.Join(dir, "away"), 0o700), os.Symlink("away", books))
			} else {
				smallDisk(t, books)
			}
			writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "store: sqlite:books/plantain.db", "spool: {memory: 64KB}")
			gw := serve(t, dir)
			gw.keyed("k")
			sim.fault(next("hang", 1))
			go func() { _, _ = gw.try(t.Context(), flash, prompt) }()
			waitFor(t, "the attempt to be out", func() bool {
				out := sim.arrivals(":generateContent")
				return len(out) == 2 && out[1].Fault == "hang"
			})
			must(t, os.WriteFile(filepath.Join(dir, "images", "spool", "spool-left"), nil, 0o600))
			gw.kill()
			unlock := c.lock(t, dir)
			_, stderr, code := run(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
			if code != 1 || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit %d: %s", code, stderr)
			}
			for _, want := range c.says {
				if !strings.Contains(stderr, want) {
					t.Errorf("it does not say %q: %s", want, stderr)
				}
			}
			unlock()
			gw = serve(t, dir)
			if a := gw.keyed("k"); a.StatusCode != 200 || a.Header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("what was paid for before: %d %.300s", a.StatusCode, a.body)
			}
			if known, out := gw.ledger(); known != 1 || out != 1 {
				t.Errorf("%d attempts are known and %d are not, want one of each", known, out)
			}
			if a := gw.generate(flash, prompt); a.StatusCode != 200 {
				t.Errorf("service does not resume: %d %s", a.StatusCode, a.body)
			}
		})
	}
}

// immutable forbids to change a file or a folder.
func immutable(t *testing.T, path string) (mutable func()) {
	t.Helper()
	as(t, "chattr", "+i", path)
	return undo(t, "chattr", "-i", path)
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ledger counts the attempts whose cost is known, and those of which it is not.
func (p *process) ledger() (known, unknown int) {
	p.t.Helper()
	var l struct {
		Attempts []struct {
			Cost struct {
				Low  int64 `json:"low_nanodollars"`
				High int64 `json:"high_nanodollars"`
			}
		}
	}
	p.get("/api/v1/requests", &l)
	for _, a := range l.Attempts {
		if a.Cost.Low == a.Cost.High {
			known++
		} else {
			unknown++
		}
	}
	return known, unknown
}

const roReason = "can't be written (read-only file system)"

// The first journal is opened with the first move, the second one at the next turn.
func TestAStoreThatBecomesReadOnlyLosesNoCent(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	books := filepath.Join(dir, "books")
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "store: sqlite:books/plantain.db")
	gw := serve(t, dir)
	uncover := cover(t, books)
	refusedUnkept(t, gw, "the store of the gateway "+roReason)
	if n := len(sim.arrivals(":generateContent")); n != 0 {
		t.Errorf("%d images were bought that could not be written down", n)
	}
	uncover()
	waitFor(t, "the gateway to be ready again", func() bool { status, _ := gw.readiness(); return status == 200 })

	sim.fault(map[string]any{"fault": "hang", "delay": "1s", "next": 1})
	got := make(chan answer, 1)
	go func() { got <- gw.keyed("k") }()
	waitFor(t, "the attempt to be out", func() bool { return len(sim.arrivals(":generateContent")) == 1 })
	uncover = cover(t, books)
	first := <-got
	if first.StatusCode != 200 {
		t.Fatalf("what is paid for is handed on: %d %s", first.StatusCode, first.body)
	}
	for range 5 { // by what is open it can go on, and may
		gw.generate(flash, prompt)
	}
	uncover()
	waitFor(t, "the gateway to be ready again", func() bool { status, _ := gw.readiness(); return status == 200 })
	if a := gw.generate(flash, prompt); a.StatusCode != 200 {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	waitFor(t, "the ledger to agree with Google's bill", func() bool { return gw.spent() == sim.billed() })
	gw.kill()
	gw = serve(t, dir)
	if spent := gw.spent(); spent != sim.billed() {
		t.Errorf("after a kill the ledger has %d, Google's bill %d", spent, sim.billed())
	}
	sameAnswer(t, "after a kill", first, gw.keyed("k"))
}

func TestImagesThatBecomeReadOnlyBuyNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "spool: {memory: 64KB}")
	gw := serve(t, dir)
	sim.fault(map[string]any{"fault": "slow", "rate": 400_000, "next": 1}) // some seconds, in which the disk is covered
	got := make(chan answer, 1)
	go func() { got <- gw.generate(flash, prompt) }()
	waitFor(t, "the answer to come", func() bool {
		files, _ := os.ReadDir(filepath.Join(dir, "images", "spool"))
		return len(files) > 0
	})
	uncover := cover(t, filepath.Join(dir, "images"))
	if a := <-got; a.StatusCode != 200 || !bytes.Contains(a.body, []byte("inlineData")) {
		t.Errorf("what had a file already: %d %.300s", a.StatusCode, a.body)
	}
	if a := gw.generate(flash, prompt); a.StatusCode != 500 || !strings.Contains(string(a.body), "could not be kept") {
		t.Errorf("the image that could not be kept: %d %.300s", a.StatusCode, a.body)
	}
	paid := sim.billed()
	for range 3 {
		refusedUnkept(t, gw, "the spool of the gateway "+roReason)
	}
	if n := len(sim.arrivals(":generateContent")); n != 2 || sim.billed() != paid {
		t.Errorf("%d images were bought, want 2", n)
	}
	uncover()
	waitFor(t, "the gateway to be ready again", func() bool { status, _ := gw.readiness(); return status == 200 })
	gw.generate(flash, prompt)
	gw.gallery(1) // of the two before it no copy could be kept, which the log and the metrics tell
	if text := gw.metrics(""); !strings.Contains(text, "plantain_images_lost_total 1") {
		t.Error("the metrics do not tell of the loss")
	}
	if spent := gw.spent(); spent != sim.billed() {
		t.Errorf("the ledger has %d, Google's bill %d", spent, sim.billed())
	}
	gw.interrupt()
	serve(t, dir).interrupt() // it sweeps what could not be removed
	if left, _ := os.ReadDir(filepath.Join(dir, "images", "spool")); len(left) > 0 {
		t.Errorf("%d files of nobody are in the spool", len(left))
	}
}

// A disk that is read-only when the gateway starts, and holds nothing that is to be
// swept, keeps it from sending, not from starting.
func TestImagesThatAreReadOnlyAtTheStartBuyNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	serve(t, dir).interrupt()
	uncover := cover(t, filepath.Join(dir, "images"))
	gw := serve(t, dir)
	refusedUnkept(t, gw, "the spool of the gateway "+roReason)
	uncover()
	waitFor(t, "the gateway to be ready", func() bool { status, _ := gw.readiness(); return status == 200 })
	if a := gw.generate(flash, prompt); a.StatusCode != 200 || len(sim.arrivals(":generateContent")) != 1 {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	waitFor(t, "the log to tell that it is over", func() bool { return strings.Contains(gw.output(), "can be kept again") })
	if n := strings.Count(gw.output(), "nothing is sent until it can"); n != 1 {
		t.Errorf("the log tells %d times that nothing is sent", n)
	}
}
