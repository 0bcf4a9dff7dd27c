package relay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// overloaded refuses for a lack of capacity until an instant, if the path is of
// the model, and serves else.
func overloaded(model string, until time.Time) reply {
	return func(r *http.Request) (*http.Response, error) {
		if time.Now().Before(until) && strings.Contains(r.URL.Path, model+":") {
			return after(200*time.Millisecond, says(503, capacity))(r)
		}
		return after(8*time.Second, says(200, success))(r)
	}
}

// newRoomyHouse is a house whose projects have room for a thousand a minute.
func newRoomyHouse(t *testing.T, script map[string][]reply) *house {
	h := newHouse(t, script)
	members := slices.Clone(h.Pool.Members())
	for i := range members {
		members[i].Limits = func(plantain.Model) pool.Limits { return pool.Limits{plantain.LimitRPM: 1000} }
	}
	h.Pool.Replace(members)
	return h
}

// waits gives a context of a client that waits for room no longer than this.
func waits(ctx context.Context, d time.Duration) context.Context {
	return relay.WithCaller(ctx, relay.Caller{MaxWait: d})
}

// state is the breaker of the only sky of a house.
func (h *house) breaker(t *testing.T) pool.WeatherReport {
	t.Helper()
	w := h.Weather()
	if len(w) != 1 {
		t.Fatalf("the weather is %+v, want that of one model", w)
	}
	return w[0]
}

// overload has eight requests refused, so that the breaker opens.
func (h *house) overload(t *testing.T) {
	t.Helper()
	for range 8 {
		r := request(t.Context(), "nb2", body)
		r.Header.Set("X-Server-Timeout", "0.4")
		h.do(t, r)
	}
	if b := h.breaker(t); b.Breaker != pool.Open || b.Refused != 8 {
		t.Fatalf("eight refusals left %+v", b)
	}
}

// Thirty requests meet a model that is overloaded for a minute: each is sent once,
// one after the other tries whether it still is, and all are made when it is over.
func TestAnOverloadedModelIsNotHammered(t *testing.T) {
	t.Parallel()
	story(t, "thirty at once", func(t *testing.T) {
		const all = 30
		h := newRoomyHouse(t, map[string][]reply{
			"a": list(overloaded("gemini-3.1-flash-image", time.Now().Add(time.Minute))),
			"b": list(overloaded("gemini-3.1-flash-image", time.Now().Add(time.Minute)))})
		var wg sync.WaitGroup
		for range all {
			wg.Go(func() {
				if g := h.generate(t); g.StatusCode != 200 {
					t.Errorf("got %d %s", g.StatusCode, g.body)
				}
			})
		}
		wg.Go(func() {
			time.Sleep(10 * time.Second)
			if g := h.do(t, request(t.Context(), "gemini-3-pro-image", body)); g.StatusCode != 200 || g.took != 8*time.Second {
				t.Errorf("another model got %d after %v", g.StatusCode, g.took)
			}
		})
		wg.Wait()
		refused := 0
		for _, e := range h.books.entries {
			if e.Verdict.Class == plantain.Capacity {
				refused++
			}
		}
		// Probes go 1, 2, 4, 8, 16 and 32 s apart, with half of it as jitter.
		if most := all + 8; refused < all || refused > most {
			t.Errorf("%d calls were refused, want at most %d", refused, most)
		}
		for _, b := range h.Weather() {
			if b.Breaker != pool.Closed {
				t.Errorf("afterwards %+v", b)
			}
		}
	})
}

func TestARefusalForTheWeatherSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	story(t, "and then it succeeds", func(t *testing.T) {
		h := newRoomyHouse(t, map[string][]reply{"a": list(overloaded("gemini-3.1-flash-image", time.Now().Add(4*time.Second)))})
		h.Policy.Base = 8 * time.Second
		h.overload(t)
		asked := len(h.google.calls())
		ctx := waits(t.Context(), time.Second)
		g := h.do(t, request(ctx, "nb2", body))
		d := g.detail(t)
		if g.StatusCode != 503 || d["verdict"] != "capacity" || d["charged"] != "no" || !strings.Contains(d["explanation"], "overloaded") || len(h.google.calls()) != asked {
			t.Fatalf("got %d %v after %d calls", g.StatusCode, d, len(h.google.calls())-asked)
		}
		seconds, err := strconv.Atoi(g.Header.Get("Retry-After"))
		if err != nil || seconds < 3 || seconds > 8 {
			t.Fatalf("Retry-After is %q, want the rest of a back-off of 4 to 8 s", g.Header.Get("Retry-After"))
		}
		time.Sleep(time.Duration(seconds) * time.Second)
		if g := h.do(t, request(ctx, "nb2", body)); g.StatusCode != 200 {
			t.Errorf("at the promised second: %d %s", g.StatusCode, g.body)
		}
	})
	story(t, "in the queue behind others, too", func(t *testing.T) {
		h := newRoomyHouse(t, map[string][]reply{"a": list(overloaded("gemini-3.1-flash-image", time.Now().Add(4*time.Second)))})
		h.Policy.Base = 16 * time.Second
		h.overload(t)
		var wg sync.WaitGroup
		wg.Go(func() {
			if g := h.generate(t); g.StatusCode != 200 {
				t.Errorf("who waits got %d", g.StatusCode)
			}
		})
		time.Sleep(100 * time.Millisecond)
		ctx := waits(t.Context(), 3*time.Second)
		g := h.do(t, request(ctx, "nb2", body))
		if g.StatusCode != 503 || g.detail(t)["verdict"] != "capacity" || g.took > 3*time.Second {
			t.Fatalf("got %d %v after %v", g.StatusCode, g.detail(t), g.took)
		}
		seconds, _ := strconv.Atoi(g.Header.Get("Retry-After"))
		time.Sleep(time.Duration(seconds) * time.Second)
		if g := h.do(t, request(waits(t.Context(), 10*time.Second), "nb2", body)); g.StatusCode != 200 {
			t.Errorf("at the promised second (%d): %d %s", seconds, g.StatusCode, g.body)
		}
		wg.Wait()
	})
}

// Whoever waits no longer than its patience hears of the probe that is out when it
// ends, or gives up in time.
func TestAProbeThatIsOutIsWaitedForAsLongAsTheClientDoes(t *testing.T) {
	t.Parallel()
	story(t, "a probe of eight seconds", func(t *testing.T) {
		h := newRoomyHouse(t, map[string][]reply{"a": list(overloaded("gemini-3.1-flash-image", time.Now().Add(1500*time.Millisecond)))})
		h.overload(t)
		time.Sleep(time.Second)
		var wg sync.WaitGroup
		wg.Go(func() { h.generate(t) })
		time.Sleep(time.Second)
		if b := h.breaker(t); b.Breaker != pool.HalfOpen {
			t.Fatalf("the weather is %+v", b)
		}
		wg.Go(func() {
			if g := h.do(t, request(waits(t.Context(), 2*time.Second), "nb2", body)); g.StatusCode != 503 || g.took > 2500*time.Millisecond {
				t.Errorf("who waits two seconds got %d after %v", g.StatusCode, g.took)
			}
		})
		time.Sleep(3 * time.Second)
		if g := h.do(t, request(waits(t.Context(), 5*time.Second), "nb2", body)); g.StatusCode != 200 || g.took > 12500*time.Millisecond {
			t.Errorf("who waits five got %d after %v: %s", g.StatusCode, g.took, g.body)
		}
		wg.Wait()
	})
}

func TestAStrayRefusalStopsNobodyElse(t *testing.T) {
	t.Parallel()
	story(t, "one in four", func(t *testing.T) {
		n := 0
		var mu sync.Mutex
		h := newRoomyHouse(t, map[string][]reply{"a": list(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			n++
			stray := n%4 == 0
			mu.Unlock()
			if stray {
				return says(503, capacity)(r)
			}
			return after(8*time.Second, says(200, success))(r)
		})})
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 500 * time.Millisecond)
				if g := h.do(t, request(waits(t.Context(), time.Millisecond), "nb2", body)); g.Header.Get("Plantain-Attempts") == "0" {
					t.Errorf("request %d was not sent: %d %s", i, g.StatusCode, g.body)
				}
			})
		}
		wg.Wait()
		if b := h.breaker(t); !b.Since.IsZero() || b.Refused < 15 {
			t.Errorf("the weather is %+v", b)
		}
	})
}

// Twenty clients ask for as much as they get for twenty minutes. An image is of ten
// seconds, a refusal comes at once; made and calls without a breaker were measured.
func TestWhatIsServedDuringAnOverloadIsTaken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		refuses func(chance *rand.Rand, since time.Duration) bool
		made    int // at least
		refused int // at most
	}{
		// Without a breaker 1,970 and 1,956.
		{"half is refused", func(c *rand.Rand, _ time.Duration) bool { return c.IntN(2) == 0 }, 1850, 2300},
		// 1,357 and 5,234; with a back-off that grows at every probe 713.
		{"four of five", func(c *rand.Rand, _ time.Duration) bool { return c.IntN(5) > 0 }, 900, 5200},
		// 980 and 8,444; 28.
		{"nine of ten", func(c *rand.Rand, _ time.Duration) bool { return c.IntN(10) > 0 }, 120, 2500},
		// The minute in which it still may be chance costs sixty calls, and no more: then one in half a minute.
		{"everything after a minute", func(_ *rand.Rand, since time.Duration) bool { return since > time.Minute }, 100, 20 + 8 + 60*4/3 + 19*60/16},
	} {
		story(t, tt.name, func(t *testing.T) {
			var mu sync.Mutex
			chance, begun, refused, made := rand.New(rand.NewPCG(1, 2)), time.Now(), 0, 0
			h := newRoomyHouse(t, map[string][]reply{"a": list(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				stray := tt.refuses(chance, time.Since(begun))
				if stray {
					refused++
				}
				mu.Unlock()
				if stray {
					return after(300*time.Millisecond, says(503, capacity))(r)
				}
				return after(10*time.Second, says(200, success))(r)
			})})
			h.Policy.Budget = 1
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					for ctx.Err() == nil {
						if res, err := h.RoundTrip(request(ctx, "nb2", body)); err == nil {
							mu.Lock()
							if res.StatusCode == 200 {
								made++
							}
							mu.Unlock()
							res.Body.Close()
						}
					}
				})
			}
			time.Sleep(20 * time.Minute)
			stop()
			wg.Wait()
			if err := h.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if made < tt.made || refused > tt.refused {
				t.Errorf("%d images, and %d calls were refused, in twenty minutes", made, refused)
			}
			t.Logf("%d images, and %d calls were refused", made, refused)
		})
	}
}

func TestWhoWaitsForTheWeatherKeepsItsPlace(t *testing.T) {
	t.Parallel()
	story(t, "by priority and arrival", func(t *testing.T) {
		h := newRoomyHouse(t, map[string][]reply{"a": list(overloaded("gemini-3.1-flash-image", time.Now().Add(4*time.Second)))})
		h.Policy.Base = 32 * time.Second
		h.overload(t)
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		for _, name := range []string{"1", "2", "3", "4", "first"} {
			c := relay.Caller{Watch: func(e relay.Event) {
				if e.Kind == relay.EventSent {
					mu.Lock()
					order = append(order, name)
					mu.Unlock()
				}
			}}
			if name == "first" {
				c.Priority = pool.High
			}
			wg.Go(func() { h.do(t, request(relay.WithCaller(t.Context(), c), "nb2", body)) })
			time.Sleep(100 * time.Millisecond)
		}
		wg.Wait()
		if got := fmt.Sprint(order); got != "[first 1 2 3 4]" {
			t.Errorf("sent in the order %s", got)
		}
	})
}

func TestAnotherLocationServesMeanwhile(t *testing.T) {
	t.Parallel()
	story(t, "an aggregator", func(t *testing.T) {
		h := newRoomyHouse(t, map[string][]reply{"a": list(says(503, capacity))})
		h.overload(t)
		h.google.script["key-b"] = list(says(200, success))
		h.Ways["b"] = relay.Way{Upstream: relay.KeyUpstream{Key: plantain.NewSecret("key-b")}}
		h.Pool.Replace(append(slices.Clone(h.Pool.Members()), pool.Member{Project: plantain.Project{Name: "b", Kind: plantain.Compatible}, Location: "agg.example"}))
		if g := h.generate(t); g.StatusCode != 200 || g.Header.Get("Plantain-Project") != "b" || g.took != 0 {
			t.Errorf("got %d from %q after %v", g.StatusCode, g.Header.Get("Plantain-Project"), g.took)
		}
	})
}

func TestAChangeOfTheSettingsLooksAtTheWeatherAnew(t *testing.T) {
	t.Parallel()
	story(t, "at once", func(t *testing.T) {
		h := newRoomyHouse(t, map[string][]reply{"a": list(overloaded("gemini-3.1-flash-image", time.Now().Add(3*time.Second)))})
		h.Policy.Base = 32 * time.Second
		h.overload(t)
		time.Sleep(3 * time.Second)
		ctx := waits(t.Context(), time.Second)
		if g := h.do(t, request(ctx, "nb2", body)); g.StatusCode != 503 {
			t.Fatalf("before: %d", g.StatusCode)
		}
		h.Change(h.Settings)
		if g := h.do(t, request(ctx, "nb2", body)); g.StatusCode != 200 {
			t.Errorf("after: %d %s", g.StatusCode, g.body)
		}
		if b := h.breaker(t); b.Breaker != pool.Closed {
			t.Errorf("the weather is %+v", b)
		}
	})
}

// However long it lasts, and whoever comes: one attempt in half a minute.
func TestALongOverloadIsAskedAboutNowAndThen(t *testing.T) {
	t.Parallel()
	story(t, "twenty minutes", func(t *testing.T) {
		h := newRoomyHouse(t, map[string][]reply{"a": list(says(503, capacity))})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for ctx.Err() == nil {
					if res, err := h.RoundTrip(request(ctx, "nb2", body)); err == nil {
						if n, _ := strconv.Atoi(res.Header.Get("Plantain-Attempts")); n > 6 || res.StatusCode != 503 || n < 6 && res.Header.Get("Retry-After") == "" {
							t.Errorf("got %d after %d attempts, Retry-After %q", res.StatusCode, n, res.Header.Get("Retry-After"))
						}
						res.Body.Close()
					}
				}
			})
		}
		time.Sleep(20 * time.Minute)
		stop()
		wg.Wait()
		if err := h.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if calls := len(h.google.calls()); calls > 20+8+20*60/16 {
			t.Errorf("asked %d times in twenty minutes", calls)
		}
	})
}
