package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

var (
	chaosRequests = flag.Int("chaos.requests", 400, "requests of the chaos run, over both ways of billing what is filtered")
	chaosSeed     = flag.Uint64("chaos.seed", 0, "of the chaos run; 0: one of its own")
	chaosStore    = flag.String("chaos.store", "", "sqlite or postgres; empty: a short run is made on both, a long one on sqlite")
)

// The chaos run: twenty clients through two kills of the gateway and a full disk, on a
// Google where everything goes wrong that can; afterwards the books, the simulator's
// bill and what the clients saw are laid side by side (chaosbooks_test.go).
//
// The seed decides what each client asks, what goes wrong with it, who hangs up and
// who asks again (chaosplan_test.go); how they meet is decided by the machine. make
// chaos runs it at length.
func TestChaos(t *testing.T) {
	long := *chaosRequests > 400 // then each has the machine to itself
	if !long {
		t.Parallel()
	}
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat it: -chaos.seed %d -chaos.requests %d", seed, *chaosRequests)
	store := *chaosStore
	for _, on := range []struct{ store, billing string }{{"sqlite", "charged"}, {"sqlite", "free"}, {"postgres", "charged"}, {"postgres", "free"}} {
		wanted := on.store == store || store == "" && (on.store == "sqlite" || !long && on.billing == "charged")
		if !wanted {
			continue
		}
		t.Run(on.store+" "+on.billing, func(t *testing.T) {
			if !long {
				t.Parallel()
			}
			c := newChaos(t, seed, *chaosRequests/2, on.billing)
			c.keepOn(on.store)
			c.makeKeys()
			c.run()
			c.check()
		})
	}
}

const (
	chaosClients = 20
	chaosTimeout = 2 * time.Second // of an attempt
	chaosShift   = 10 * time.Minute
)

type chaos struct {
	t       *testing.T
	seed    uint64
	billing string
	plans   []*plan
	keys    []string // virtual keys, by client
	budgets []budget // by client
	sim     *google
	dir     string
	db      *sql.DB // of the gateway, for the books afterwards
	shared  bool    // other gateways might have it
	disk    bool    // it may be filled
	begun   time.Time
	gw      atomic.Pointer[process]
	done    atomic.Int64 // plans
	calls   atomic.Int64
	kills   []span // when the gateway was dead
}

type span struct{ from, to time.Time }

func newChaos(t *testing.T, seed uint64, requests int, billing string) *chaos {
	c := &chaos{t: t, seed: seed, billing: billing, dir: t.TempDir(), begun: time.Now()}
	c.sim = startSim(t, "--filtered", billing, "--seed", fmt.Sprint(seed), "--latency", "30ms")
	c.disk = tryDisk(t, c.dir, fmt.Sprint(min(200+requests, 1500), "m"))
	faults := c.sim.faultNames()
	for n := range requests {
		c.plans = append(c.plans, c.plan(n, requests, faults))
	}
	projects := 60 + requests/16
	var b strings.Builder
	b.WriteString("projects:\n")
	for n := range projects {
		fmt.Fprintf(&b, "  - {name: p%d, api_key: sim-3-p%d, tier: 3, base_url: %q}\n", n, n, c.sim.URL)
	}
	fmt.Fprintf(&b, "billing: {filtered: %s}\ntimeout: %s\nqueue: {max_wait: 3s}\nretry: {base: 20ms, cap: 100ms}\n", billing, chaosTimeout)
	b.WriteString("spool: {memory: 256KB}\nretention: {images_max: 200MB, idempotency_max: 700MB, signatures_max: 100MB}\n")
	if err := os.WriteFile(filepath.Join(c.dir, "plantain.yaml"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// keepOn says where the gateway has its books.
func (c *chaos) keepOn(store string) {
	driver, url := "sqlite", filepath.Join(c.dir, "plantain.db")
	if c.shared = store == "postgres"; c.shared {
		driver, url = "pgx", startPostgres(c.t)
		config, err := os.OpenFile(filepath.Join(c.dir, "plantain.yaml"), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = fmt.Fprintf(config, "store: %q\n", url)
		}
		if err = errors.Join(err, config.Close()); err != nil {
			c.t.Fatal(err)
		}
	}
	var err error
	if c.db, err = sql.Open(driver, url); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { c.db.Close() })
}

// makeKeys gives each client its virtual key.
func (c *chaos) makeKeys() {
	for n := range chaosClients {
		each := len(c.plans) / chaosClients
		var of budget
		switch n % 5 { // as limited in plan
		case 1:
			of = budget{images: max(each/3, 2)}
		case 2:
			of = budget{dollars: int64(max(each/3, 2)) * 46e6}
		case 3:
			of = budget{images: max(each*3/4, 2), dollars: int64(max(each*3/4, 2)) * 46e6, dearer: true}
		}
		args := append([]string{"keys", "create", clientName(n)}, of.flags()...)
		stdout, stderr, code := run(c.t, c.dir, nil, args...)
		if code != 0 {
			c.t.Fatalf("%v: exit %d: %s", args, code, stderr)
		}
		c.keys, c.budgets = append(c.keys, strings.TrimSpace(stdout)), append(c.budgets, of)
	}
}

func clientName(n int) string { return fmt.Sprintf("c%02d", n) }

// tryDisk mounts a disk where that is allowed.
func tryDisk(t *testing.T, dir, size string) bool {
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput()
	if err != nil {
		t.Logf("no disk may be mounted here, so none gets full; run this as root: %v %s", err, out)
		return false
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return true
}

// faultNames are all that the simulator can do.
func (g *google) faultNames() []string {
	g.t.Helper()
	res, err := http.Post(g.URL+"/sim/faults", "application/json", strings.NewReader(`{"fault":"?"}`))
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	var said struct{ Faults []string }
	if err := json.NewDecoder(res.Body).Decode(&said); err != nil || len(said.Faults) < 40 {
		g.t.Fatalf("faults: %v %v", said.Faults, err)
	}
	return said.Faults
}

// run lets the clients loose, and does to the gateway what is to be survived.
func (c *chaos) run() {
	c.gw.Store(serve(c.t, c.dir, "--log-level", "error"))
	c.sim.fault(map[string]any{"fault": "early", "share": 0.01})
	todo := make(chan *plan)
	var clients sync.WaitGroup
	for range chaosClients * 2 {
		clients.Go(func() {
			for p := range todo {
				c.carryOut(p)
			}
		})
	}
	go func() {
		for _, p := range c.plans {
			todo <- p
		}
		close(todo)
	}()
	until := func(share float64) {
		for float64(c.done.Load()) < share*float64(len(c.plans)) {
			time.Sleep(20 * time.Millisecond)
		}
	}
	over := make(chan struct{})
	var mender sync.WaitGroup
	mender.Go(func() { c.mend(over) })
	until(0.25)
	c.kill()
	until(0.45)
	c.fillDisk()
	until(0.75)
	c.kill()
	until(1)
	clients.Wait()
	waitFor(c.t, "the gateway to be ready", func() bool { status, _ := c.gw.Load().readiness(); return status == 200 })
	if c.shared {
		// A gateway that is killed may, for a minute beyond the deadline of what it sent,
		// be one that only does not answer.
		c.gw.Load().interrupt()
		c.gw.Store(serve(c.t, c.dir, "--log-level", "error", "--clock-shift", chaosShift.String()))
	}
	c.closing()
	close(over)
	mender.Wait()
	c.gw.Load().interrupt()
	if c.shared {
		c.sweepShared()
	}
}

// sweepShared lets files grow old and a gateway look for those of nobody. In a folder
// that others may write to they could be theirs, when they are young.
func (c *chaos) sweepShared() {
	files, err := filepath.Glob(filepath.Join(c.dir, "images", "*", "*"))
	if err != nil || len(files) == 0 {
		c.t.Errorf("%d files are kept, %v", len(files), err)
	}
	for _, name := range files {
		if err := os.Chtimes(name, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			c.t.Error(err)
		}
	}
	serve(c.t, c.dir, "--log-level", "error").interrupt()
}

// mend tells the gateway again and again that what took projects out of use is mended.
func (c *chaos) mend(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(200 * time.Millisecond):
			_ = c.gw.Load().cmd.Process.Signal(syscall.SIGHUP) // it may have been killed just now
		}
	}
}

func (c *chaos) kill() {
	from := time.Now()
	c.gw.Load().kill()
	c.gw.Store(serve(c.t, c.dir, "--log-level", "error"))
	c.kills = append(c.kills, span{from, time.Now()})
}

// fillDisk leaves no room for a while.
func (c *chaos) fillDisk() {
	if !c.disk {
		return
	}
	empty := fill(c.t, c.dir)
	begun := c.calls.Load()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if status, _ := c.gw.Load().readiness(); status == 503 && c.calls.Load() > begun+100 {
			break
		}
	}
	empty()
	waitFor(c.t, "the gateway to be ready again", func() bool { status, _ := c.gw.Load().readiness(); return status == 200 })
}

// closing asks once more for all that carried a key.
func (c *chaos) closing() {
	todo := make(chan *plan)
	var clients sync.WaitGroup
	for range chaosClients {
		clients.Go(func() {
			for p := range todo {
				p.closed = c.ask(context.Background(), p, p.body)
			}
		})
	}
	for _, p := range c.plans {
		if p.key != "" {
			todo <- p
		}
	}
	close(todo)
	clients.Wait()
}
