//go:build goodput

package relay_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/sim"
)

// Goodput: what share of the images that the limits allow is made, while twice as
// many are asked for, and how many refusals of Google's the books could have
// foreseen. Beside it in the same run: round-robin over the same projects with
// exponential retry, which is what people write who have several keys.
//
// The oracle knows the limits and nothing else. For one project over a span T it
// is the smallest of
//
//	RPM x (the minutes that T begins)
//	RPD x (the Pacific days that T touches)
//	for the ten-minute spend limit S and the price p of an image, floor(S / p) x
//	(the ten-minute spans that T begins)
//
// and that of the pool is the sum. Images take 10 s; those begun within T count.
//
// Run it by make bench-goodput. Time is simulated; the simulator is real.
type goodput struct {
	name  string
	tiers []string // of the projects
	size  string
	price plantain.Nanodollars // the least an image of that size costs
	span  time.Duration
	start time.Time
	rpd   int // in the place of every tier's; zero: the tier's own
}

func TestGoodput(t *testing.T) {
	noon := time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)
	for _, g := range []goodput{
		{name: "mixed tiers at 1K", tiers: []string{"1", "1", "2", "3", "free"}, span: 20 * time.Minute, start: noon, price: 67_200_000},
		{name: "4K, the spend limit binds", tiers: []string{"1", "1"}, size: "4K", span: 30 * time.Minute, start: noon, price: 151_200_000},
		{name: "over midnight Pacific, the day binds", tiers: []string{"1", "1"}, span: 40 * time.Minute, rpd: 100,
			start: gemini.Midnight(noon).Add(-20 * time.Minute), price: 67_200_000},
	} {
		oracle := g.oracle()
		var ours, naive outcome
		synctest.Test(t, func(t *testing.T) { ours = g.run(t, g.pooled) })
		synctest.Test(t, func(t *testing.T) { naive = g.run(t, g.naive) })
		t.Logf("%-38s oracle %5d | plantain %5d (%5.1f %%), %4d refused, %d foreseeable | round-robin %5d (%5.1f %%), %5d refused",
			g.name, oracle, ours.made, 100*float64(ours.made)/float64(oracle), ours.refused, ours.refused,
			naive.made, 100*float64(naive.made)/float64(oracle), naive.refused)
		if float64(ours.made) < 0.98*float64(oracle) {
			t.Errorf("%s: %d images, want 98 %% of %d", g.name, ours.made, oracle)
		}
		// Nothing but our own requests uses these projects, so every refusal for
		// quota was foreseeable.
		if ours.refused != 0 {
			t.Errorf("%s: %d refusals that the books could have foreseen", g.name, ours.refused)
		}
	}
}

type outcome struct{ made, refused int }

func (g goodput) limits(tier string) gemini.Limits {
	if tier == "free" {
		return gemini.DefaultCatalogue().Limits(gemini.FreeTier)
	}
	l := gemini.DefaultCatalogue().Limits(int(tier[0] - '0'))
	if g.rpd > 0 {
		l.RPD = int64(g.rpd)
	}
	return l
}

func (g goodput) oracle() int {
	sum := int64(0)
	for _, tier := range g.tiers {
		l := g.limits(tier)
		most := l.RPM * begun(g.span, time.Minute)
		days := int64(1)
		if gemini.DayOf(g.start) != gemini.DayOf(g.start.Add(g.span)) {
			days = 2
		}
		most = min(most, l.RPD*days)
		most = min(most, int64(l.Spend/g.price)*begun(g.span, 10*time.Minute))
		sum += most
	}
	return int(sum)
}

func begun(span, of time.Duration) int64 { return int64((span + of - 1) / of) }

// run asks for twice as many images as there is room for, for the whole span.
func (g goodput) run(t *testing.T, client func(*testing.T, *sim.Server) http.RoundTripper) outcome {
	shift := g.start.Sub(time.Now())
	limits := map[string]sim.Limits{}
	if g.rpd > 0 {
		limits["1"] = sim.Limits{RPD: g.rpd}
	}
	google := sim.New(sim.Options{
		Now: func() time.Time { return time.Now().Add(shift) }, Limits: limits,
		Latency: func(string, string) time.Duration { return 10 * time.Second },
	})
	way := client(t, google)
	image := ""
	if g.size != "" {
		image = `,"generationConfig":{"imageConfig":{"imageSize":"` + g.size + `"}}`
	}
	ctx, cancel := context.WithTimeout(t.Context(), g.span)
	defer cancel()
	var made atomic.Int64
	var wg sync.WaitGroup
	perMinute := 0
	for _, tier := range g.tiers {
		perMinute += int(g.limits(tier).RPM)
	}
	for i := range max(perMinute, 4) { // each asks again when it is answered: at 10 s an image, far more than twice the room
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				body := fmt.Sprintf(`{"contents":[{"parts":[{"text":"apple %d %d"}]}]%s}`, i, n, image)
				res, err := way.RoundTrip(request(ctx, "gemini-3.1-flash-image", body))
				if err != nil {
					return
				}
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err == nil && res.StatusCode == http.StatusOK {
					made.Add(1)
				} else if ctx.Err() == nil {
					time.Sleep(time.Second) // a refusal is not asked again at once
				}
			}
		})
	}
	wg.Wait()
	if tr, ok := way.(*relay.Transport); ok {
		if err := tr.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	o := outcome{}
	for _, r := range google.Requests() {
		switch r.Status {
		case http.StatusOK:
			o.made++
		case http.StatusTooManyRequests:
			o.refused++
		}
	}
	return o
}

func (g goodput) keys() []string {
	var keys []string
	for i, tier := range g.tiers {
		keys = append(keys, fmt.Sprintf("sim-%s-%c", tier, 'a'+i))
	}
	return keys
}

func (g goodput) pooled(t *testing.T, google *sim.Server) http.RoundTripper {
	s, err := spool.New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	tr := &relay.Transport{Base: google.Transport(), Spool: s,
		Settings: relay.Settings{Ways: map[plantain.ProjectName]relay.Way{}, MaxWait: 24 * time.Hour, MaxQueue: 10_000}, Clock: plantain.Clock{Shift: g.start.Sub(time.Now())}}
	var members []pool.Member
	for i, key := range g.keys() {
		l := g.limits(g.tiers[i])
		name := plantain.ProjectName(key)
		members = append(members, pool.Member{
			Project: plantain.Project{Name: name},
			Limits: func(plantain.Model) pool.Limits {
				return pool.Limits{plantain.LimitRPM: l.RPM, plantain.LimitIPM: l.IPM, plantain.LimitTPM: l.TPM, plantain.LimitRPD: l.RPD}
			},
			Whole: pool.Limits{plantain.LimitSpend: int64(l.Spend)},
		})
		tr.Ways[name] = relay.Way{Upstream: relay.KeyUpstream{Key: plantain.NewSecret(key)}}
	}
	tr.Pool = pool.New(members)
	return tr
}

// naive is round-robin with exponential retry.
func (g goodput) naive(_ *testing.T, google *sim.Server) http.RoundTripper {
	return &roundRobin{base: google.Transport(), keys: g.keys()}
}

type roundRobin struct {
	base http.RoundTripper
	keys []string
	next atomic.Int64
}

func (rr *roundRobin) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	for wait := time.Second; ; wait = min(2*wait, 32*time.Second) {
		out := r.Clone(r.Context())
		out.Body, out.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
		out.Header.Set("X-Goog-Api-Key", rr.keys[int(rr.next.Add(1))%len(rr.keys)])
		res, err := rr.base.RoundTrip(out)
		if err != nil || res.StatusCode == http.StatusOK {
			return res, err
		}
		res.Body.Close()
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}
