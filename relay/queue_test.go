package relay_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// One client floods, nine send one request a minute: once the flood has lasted a
// minute, the nine wait no longer than two slots of the pool, and the pool makes
// as many images as its limits allow.
func TestAFloodDoesNotStarveOthers(t *testing.T) {
	t.Parallel()
	story(t, "two projects of ten a minute", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": {after(10*time.Second, says(200, success))}, "b": {after(10*time.Second, says(200, success))}})
		h.MaxWait, h.MaxQueue = time.Hour, 5000
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		ask := func(ctx context.Context, client string) (waited time.Duration, ok bool) {
			begun := time.Now()
			var sent time.Time
			c := relay.Caller{Client: plantain.ClientName(client), Watch: func(e relay.Event) {
				if e.Kind == relay.EventSent {
					sent = time.Now()
				}
			}}
			res, err := h.RoundTrip(request(relay.WithCaller(ctx, c), "nb2", body))
			if err != nil {
				return 0, false
			}
			res.Body.Close()
			return sent.Sub(begun), res.StatusCode == 200
		}
		for range 60 { // each asks again as soon as it is answered
			wg.Go(func() {
				for ctx.Err() == nil {
					ask(ctx, "flood")
				}
			})
		}
		time.Sleep(time.Minute)
		const minutes = 20
		var mu sync.Mutex
		var waits []time.Duration
		for i := range 9 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 6500 * time.Millisecond)
				for range minutes {
					began := time.Now()
					waited, ok := ask(ctx, fmt.Sprint("single", i))
					if !ok {
						return
					}
					mu.Lock()
					waits = append(waits, waited)
					mu.Unlock()
					time.Sleep(time.Minute - time.Since(began))
				}
			})
		}
		time.Sleep(minutes * time.Minute)
		stop()
		wg.Wait()
		if err := h.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(waits)
		p95 := waits[len(waits)*95/100]
		if slot := time.Minute / 20; p95 > 2*slot {
			t.Errorf("p95 of the wait is %v, want at most two slots of %v; the longest is %v", p95, slot, waits[len(waits)-1])
		}
		made := len(h.books.entries)
		if most := 20 * (minutes + 1); made < most*98/100 {
			t.Errorf("%d images in %d minutes, want 98 %% of %d", made, minutes+1, most)
		}
	})
}

// Room is taken evenly, and whoever is next waits for its step: no longer than its
// client does.
func TestWhoIsNextWaitsNoLongerThanItsClientDoes(t *testing.T) {
	t.Parallel()
	story(t, "two a minute", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success)), "b": list(says(200, success))})
		members := slices.Clone(h.Pool.Members())
		for i := range members {
			members[i].Limits = func(plantain.Model) pool.Limits { return pool.Limits{plantain.LimitRPM: 1} }
		}
		h.Pool.Replace(members)
		h.generate(t)
		h.generate(t)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { h.generate(t) })
			synctest.Wait()
		}
		const patience = 70 * time.Second
		g := h.do(t, request(waits(t.Context(), patience), "nb2", body))
		if g.StatusCode != 429 || g.took > patience {
			t.Errorf("got %d after %v", g.StatusCode, g.took)
		}
		seconds, _ := strconv.Atoi(g.Header.Get("Retry-After"))
		time.Sleep(time.Duration(seconds) * time.Second)
		if g := h.do(t, request(waits(t.Context(), time.Second), "nb2", body)); g.StatusCode != 200 {
			t.Errorf("after the %d s that it was told: %d", seconds, g.StatusCode)
		}
		wg.Wait()
	})
}
