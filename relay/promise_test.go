package relay_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

func TestAnAnswerThatCannotBeRepeatedArrivesWhole(t *testing.T) {
	t.Parallel()
	story(t, "no image, a repeat allowed, and no room for it", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, textOnly))})
		h.Policy.NoImage = 1
		for range 4 {
			h.generate(t) // two attempts each
		}
		h.generate(t)
		ctx := relay.WithCaller(t.Context(), relay.Caller{MaxWait: time.Second})
		h.google.script["key-a"] = list(says(200, success))
		for range 20 {
			g := h.do(t, request(ctx, "nb2", body))
			if g.StatusCode == 429 {
				break
			}
		}
		time.Sleep(2 * time.Minute)
		for range 9 {
			h.generate(t)
		}
		h.google.script["key-a"] = list(says(200, textOnly))
		if g := h.do(t, request(ctx, "nb2", body)); g.body != textOnly {
			t.Errorf("got %d %q", g.StatusCode, g.body)
		}
	})
}

func TestAnOlderSuccessDoesNotEndANewerParking(t *testing.T) {
	t.Parallel()
	story(t, "a minute quota while an image is in the making", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(200, success)), says(429, dayQuota))})
		done := make(chan got)
		go func() { done <- h.do(t, request(context.Background(), "nb2", body)) }()
		synctest.Wait()
		time.Sleep(time.Second)
		if g := h.generate(t); g.StatusCode != 429 {
			t.Fatalf("got %d", g.StatusCode)
		}
		<-done
		if r := h.Pool.Report(time.Now(), nil)[0]; parkedFor(r) != plantain.RateDay {
			t.Errorf("a is parked for %q", parkedFor(r))
		}
	})
}

func TestATimeoutCountsOnceInTheDay(t *testing.T) {
	t.Parallel()
	story(t, "our own deadline", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(time.Hour, says(200, success)))})
		h.generate(t)
		s := h.Pool.Seen(pool.Key{Project: "a", Model: "gemini-3.1-flash-image"})
		if n := s.Used(plantain.LimitRPD, time.Now()); n != 1 {
			t.Errorf("the day counts %d, want 1", n)
		}
	})
}

func TestOnlyWhatTheBooksKnowLeavesTheHouse(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/v1beta/models/veo-3.0-generate:predictLongRunning", "/v1beta/models/gemini-3.1-flash-image:batchGenerateContent",
		"/v1beta/models/imagen-4:predict", "/v1beta/cachedContents", "/v1beta/models/x/y:generateContent", "/v2/models",
	} {
		story(t, path, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
			r := request(t.Context(), "nb2", body)
			r.URL.Path = path
			if g := h.do(t, r); g.StatusCode != 404 || h.google.calls() != "" {
				t.Errorf("got %d after asking %q", g.StatusCode, h.google.calls())
			}
		})
	}
}

func TestWhoJoinsAFlightGetsItsRetries(t *testing.T) {
	t.Parallel()
	story(t, "the first caller left", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(503, capacity)), says(200, success))})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := request(ctx, "nb2", body)
		r.Header.Set("Idempotency-Key", "k")
		if _, err := h.RoundTrip(r); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		time.Sleep(time.Second)
		again := request(t.Context(), "nb2", body)
		again.Header.Set("Idempotency-Key", "k")
		if g := h.do(t, again); g.StatusCode != 200 || h.google.calls() != "aa" {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.calls())
		}
	})
	story(t, "the first caller left while it waited for room", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		for range 10 {
			h.generate(t)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := request(ctx, "nb2", body)
		r.Header.Set("Idempotency-Key", "k")
		_, _ = h.RoundTrip(r)
		again := request(t.Context(), "nb2", body)
		again.Header.Set("Idempotency-Key", "k")
		if g := h.do(t, again); g.StatusCode != 200 {
			t.Errorf("got %d: %s", g.StatusCode, g.body)
		}
	})
}

func TestAFullQueueSaysSoAndNotSomethingElse(t *testing.T) {
	t.Parallel()
	story(t, "beside a project with a bad key", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success)), "b": list(says(400, badKey))})
		h.MaxQueue = 3
		statuses := make(chan got, 40)
		for range 40 {
			go func() { statuses <- h.do(t, request(context.Background(), "nb2", body)) }()
		}
		for range 40 {
			g := <-statuses
			if g.StatusCode != 200 && (g.StatusCode != 429 || g.Header.Get("Retry-After") == "" || g.detail(t)["verdict"] != "rate_minute") {
				t.Errorf("got %d, Retry-After %q: %s", g.StatusCode, g.Header.Get("Retry-After"), g.body)
			}
		}
	})
}

func TestAStoppingTransportFinishesAndRefuses(t *testing.T) {
	t.Parallel()
	story(t, "one out, one waiting", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(200, success)))})
		out := make(chan got)
		go func() { out <- h.do(t, request(context.Background(), "nb2", body)) }()
		synctest.Wait()
		h.Stop()
		if g := h.generate(t); g.StatusCode != 503 {
			t.Errorf("a new one got %d", g.StatusCode)
		}
		if g := <-out; g.StatusCode != 200 {
			t.Errorf("what was out got %d", g.StatusCode)
		}
	})
}

func TestAWholePictureArrivesHoweverItsConnectionEnded(t *testing.T) {
	t.Parallel()
	story(t, "the connection breaks behind the JSON", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(cut(success))})
		if g := h.generate(t); g.StatusCode != 200 || g.body != success {
			t.Errorf("got %d %q", g.StatusCode, g.body)
		}
	})
	story(t, "the JSON ends half way, in good order", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success[:300]))})
		if g := h.generate(t); g.StatusCode != 502 || g.detail(t)["charged"] != "unknown" {
			t.Errorf("got %d %q", g.StatusCode, g.body)
		}
	})
}

func TestOneKeyIsOneCallNotOneBody(t *testing.T) {
	t.Parallel()
	story(t, "another model under the same key and body", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(200, success)))})
		first := make(chan got)
		ask := func(model string) got {
			r := request(context.Background(), model, body)
			r.Header.Set("Idempotency-Key", "k")
			return h.do(t, r)
		}
		go func() { first <- ask("nb2") }()
		synctest.Wait()
		if g := ask("pro"); g.StatusCode != 422 {
			t.Errorf("got %d", g.StatusCode)
		}
		<-first
	})
}

func TestAFaultInOneRequestIsThatRequestsAlone(t *testing.T) {
	t.Parallel()
	story(t, "a panic", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(func(r *http.Request) (*http.Response, error) {
			take(r)
			panic("a fault")
		}, says(200, success))})
		if g := h.generate(t); g.StatusCode != 500 {
			t.Errorf("got %d", g.StatusCode)
		}
		if g := h.generate(t); g.StatusCode != 200 {
			t.Errorf("the next one got %d", g.StatusCode)
		}
	})
}

func TestWhatAnUpstreamForgesIsDropped(t *testing.T) {
	t.Parallel()
	story(t, "headers and a redirect", func(t *testing.T) {
		forged := func(status int) reply {
			return func(r *http.Request) (*http.Response, error) {
				res, err := says(status, success)(r)
				res.Header.Set("X-Echo", "your key is key-a")
				res.Header.Set("Plantain-Cost-Usd", "0")
				res.Header.Set("Retry-After", "99999999999")
				res.Header.Set("Location", "http://elsewhere.example/")
				return res, err
			}
		}
		h := newHouse(t, map[string][]reply{"a": list(forged(200), forged(307))})
		g := h.generate(t)
		if g.StatusCode != 200 || strings.Contains(g.Header.Get("X-Echo"), "key-a") || g.Header.Get("Plantain-Cost-Usd") == "0" || g.Header.Get("Retry-After") != "" {
			t.Errorf("got %d %v", g.StatusCode, g.Header)
		}
		if g := h.generate(t); g.StatusCode != 502 || g.Header.Get("Location") != "" {
			t.Errorf("got %d %v", g.StatusCode, g.Header)
		}
	})
}
