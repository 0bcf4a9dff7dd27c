//go:build goodput

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Goodput in real time: what share of the images that the limits allow is made by a
// gateway process over HTTP, while twice as many are asked for, and how many
// refusals of Google's its books could have foreseen. Beside it, at the same time
// and over projects of its own, round-robin with exponential retry.
//
// The oracle knows the limits and nothing else: over T minutes it is the sum of
// RPM x T over the projects. The day and the ten-minute spend do not bind in so
// short a time; relay/goodput_test.go has those, in simulated time. Images take
// 10 s; those that arrive within T count. Nothing but our own requests uses the
// projects, so every 429 was foreseeable.
//
// Run it by make bench-goodput.
func TestGoodputInRealTime(t *testing.T) {
	const minutes = 2
	keys := []string{"sim-1-a", "sim-1-b", "sim-2-c", "sim-3-d", "sim-free-e"}
	rpm := map[string]int{"sim-1-a": 10, "sim-1-b": 10, "sim-2-c": 30, "sim-3-d": 60} // of the free tier: none
	oracle := 0
	for _, key := range keys {
		oracle += rpm[key] * minutes
	}
	callers := 2 * oracle / minutes // each asks again when it is answered
	var ours, naive counted
	var wg sync.WaitGroup
	wg.Go(func() { ours = pooled(t, keys, callers, minutes*time.Minute) })
	wg.Go(func() { naive = roundRobin(t, keys, callers, minutes*time.Minute) })
	wg.Wait()
	share := func(n int) float64 { return 100 * float64(n) / float64(oracle) }
	t.Logf("%-38s oracle %5d | plantain %5d (%5.1f %%), %4d refused, %d foreseeable | round-robin %5d (%5.1f %%), %5d refused",
		"mixed tiers, two minutes in real time", oracle, ours.made, share(ours.made), ours.refused, ours.refused, naive.made, share(naive.made), naive.refused)
	if share(ours.made) < 98 {
		t.Errorf("%d images, want 98 %% of %d", ours.made, oracle)
	}
	if ours.refused != 0 {
		t.Errorf("%d refusals that the books could have foreseen", ours.refused)
	}
}

// counted is what a simulator saw.
type counted struct{ made, refused int }

// within counts what arrived within a span from the first arrival.
func (g *google) within(span time.Duration) (c counted) {
	var all []struct {
		Time   time.Time
		Status int
	}
	g.get("/sim/requests", &all)
	for _, a := range all {
		switch {
		case !a.Time.Before(all[0].Time.Add(span)):
		case a.Status == http.StatusOK:
			c.made++
		case a.Status == http.StatusTooManyRequests:
			c.refused++
		}
	}
	return c
}

// The smallest picture: what is measured is not how fast the simulator draws.
const smallPrompt = `{"contents":[{"parts":[{"text":"A red apple"}]}],"generationConfig":{"imageConfig":{"imageSize":"512"}}}`

// ask lets callers ask again and again until the time is over.
func ask(ctx context.Context, callers int, once func(context.Context)) {
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for ctx.Err() == nil {
				once(ctx)
			}
		})
	}
	wg.Wait()
}

func pooled(t *testing.T, keys []string, callers int, span time.Duration) counted {
	sim := startSim(t, "--latency", "10s")
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("queue: {max_wait: 1h}\nprojects:\n")
	for _, key := range keys {
		name, tier := key[strings.LastIndex(key, "-")+1:], strings.Split(key, "-")[1]
		fmt.Fprintf(&b, "  - {name: %s, api_key: %q, tier: %s, base_url: %q}\n", name, key, tier, sim.URL)
	}
	if err := os.WriteFile(filepath.Join(dir, "plantain.yaml"), []byte(b.String()), 0o600); err != nil {
		t.Error(err)
		return counted{}
	}
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0", "--log-level", "warn")
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	ask(ctx, callers, func(ctx context.Context) {
		if a, err := gw.try(ctx, nb2, smallPrompt); err == nil && a.StatusCode != http.StatusOK {
			t.Errorf("got %d: %.300s", a.StatusCode, a.body)
			time.Sleep(time.Second)
		}
	})
	gw.interrupt() // what is out is finished, and counts
	return sim.within(span)
}

// roundRobin is what people write who have several keys.
func roundRobin(t *testing.T, keys []string, callers int, span time.Duration) counted {
	sim := startSim(t, "--latency", "10s")
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var turn atomic.Int64
	ask(ctx, callers, func(ctx context.Context) {
		for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, 32*time.Second) {
			key := keys[int(turn.Add(1))%len(keys)]
			// What was sent before the end is waited for, as on the other side.
			if a, err := sim.try(context.WithoutCancel(ctx), nb2, smallPrompt, "X-Goog-Api-Key", key); err == nil && a.StatusCode == http.StatusOK {
				return
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	})
	return sim.within(span)
}
