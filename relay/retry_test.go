package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

func list(r ...reply) []reply { return r }

// Each row of the retry table of the design: who is asked, how often, how long
// it takes, and what the client gets.
func TestRetryTable(t *testing.T) {
	t.Parallel()
	toMidnight := func() time.Duration { return time.Until(gemini.Midnight(time.Now())) }
	for name, c := range map[string]struct {
		script  map[string][]reply
		calls   string // projects in the order they were asked
		status  int
		class   plantain.Class
		charged plantain.Charged // of the last attempt
		atLeast time.Duration
		atMost  time.Duration
		parked  plantain.Class // of project a, afterwards
	}{
		"success": {script: map[string][]reply{"a": list(says(200, success))},
			calls: "a", status: 200, class: plantain.Success, charged: plantain.ChargedYes},
		"quota_unknown goes to another project at once": {
			script: map[string][]reply{"a": list(says(429, unknown)), "b": list(says(200, success))},
			calls:  "ab", status: 200, class: plantain.Success, charged: plantain.ChargedYes, parked: plantain.QuotaUnknown},
		"quota_unknown alone backs off": {
			script: map[string][]reply{"a": list(says(429, unknown), says(429, unknown), says(200, success))},
			calls:  "aaa", status: 200, class: plantain.Success, charged: plantain.ChargedYes, atMost: 3 * time.Second},
		"rate_minute goes to another project at once": {
			script: map[string][]reply{"a": list(says(429, minuteQuota)), "b": list(says(200, success))},
			calls:  "ab", status: 200, class: plantain.Success, charged: plantain.ChargedYes, parked: plantain.RateMinute},
		"rate_minute alone waits as long as Google says": {
			script: map[string][]reply{"a": list(says(429, minuteQuota), says(200, success))},
			calls:  "aa", status: 200, class: plantain.Success, charged: plantain.ChargedYes,
			atLeast: 17 * time.Second, atMost: 18 * time.Second},
		"rate_day parks until midnight and uses the other project": {
			script: map[string][]reply{"a": list(says(429, dayQuota)), "b": list(says(200, success))},
			calls:  "ab", status: 200, class: plantain.Success, charged: plantain.ChargedYes, parked: plantain.RateDay},
		"rate_day alone is told": {
			script: map[string][]reply{"a": list(says(429, dayQuota))},
			calls:  "a", status: 429, class: plantain.RateDay, charged: plantain.ChargedNo, parked: plantain.RateDay},
		"quota_zero parks for good and uses the other project": {
			script: map[string][]reply{"a": list(says(429, zeroQuota)), "b": list(says(200, success))},
			calls:  "ab", status: 200, class: plantain.Success, charged: plantain.ChargedYes, parked: plantain.QuotaZero},
		"capacity backs off": {
			script: map[string][]reply{"a": list(says(503, capacity), says(503, capacity), says(200, success))},
			calls:  "aaa", status: 200, class: plantain.Success, charged: plantain.ChargedYes,
			atLeast: 1500 * time.Millisecond, atMost: 3 * time.Second},
		"capacity for ever ends after the allowed attempts": {
			script: map[string][]reply{"a": list(says(503, capacity))},
			calls:  "aaaaaa", status: 503, class: plantain.Capacity, charged: plantain.ChargedNo,
			atLeast: 15500 * time.Millisecond, atMost: 31 * time.Second},
		"server_error backs off": {
			script: map[string][]reply{"a": list(says(500, internal), says(200, success))},
			calls:  "aa", status: 200, class: plantain.Success, charged: plantain.ChargedYes, atLeast: 500 * time.Millisecond, atMost: time.Second},
		"a received 504 backs off": {
			script: map[string][]reply{"a": list(says(504, `{"error":{"code":504,"message":"Deadline expired before operation could complete.","status":"DEADLINE_EXCEEDED"}}`), says(200, success))},
			calls:  "aa", status: 200, class: plantain.Success, charged: plantain.ChargedYes, atMost: time.Second},
		"unanswered: a dropped connection is not sent again": {
			script: map[string][]reply{"a": list(fails(io.ErrUnexpectedEOF))},
			calls:  "a", status: 502, class: plantain.Unanswered, charged: plantain.ChargedUnknown},
		"unanswered: a cut body is not sent again": {
			script: map[string][]reply{"a": list(cut(success[:200]))},
			calls:  "a", status: 502, class: plantain.Unanswered, charged: plantain.ChargedUnknown},
		"unanswered: our own deadline is not sent again": {
			script: map[string][]reply{"a": list(after(time.Hour, says(200, success)))},
			calls:  "a", status: 504, class: plantain.Unanswered, charged: plantain.ChargedUnknown,
			atLeast: 5 * time.Minute, atMost: 5 * time.Minute},
		"a fault inside a 200 that may have been charged is not sent again": {
			script: map[string][]reply{"a": list(says(200, `{"candidates":[{"finishReason":"OTHER","finishMessage":"Model failed to generate content due to internal error."}]}`))},
			calls:  "a", status: 200, class: plantain.ServerError, charged: plantain.ChargedUnknown},
		"truncated is returned as it came": {
			script: map[string][]reply{"a": list(says(200, `{"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":5,"thoughtsTokenCount":9,"totalTokenCount":14}}`))},
			calls:  "a", status: 200, class: plantain.Truncated, charged: plantain.ChargedYes},
		"safety_image is sent once": {
			script: map[string][]reply{"a": list(says(200, filtered)), "b": list(says(200, success))},
			calls:  "a", status: 200, class: plantain.SafetyImage, charged: plantain.ChargedYes},
		"safety_prompt is sent once": {
			script: map[string][]reply{"a": list(says(200, `{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}}`))},
			calls:  "a", status: 200, class: plantain.SafetyPrompt, charged: plantain.ChargedYes},
		"recitation is sent once": {
			script: map[string][]reply{"a": list(says(200, `{"candidates":[{"content":{},"finishReason":"IMAGE_RECITATION"}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}}`))},
			calls:  "a", status: 200, class: plantain.Recitation, charged: plantain.ChargedYes},
		"no_image is not retried by default": {
			script: map[string][]reply{"a": list(says(200, textOnly))},
			calls:  "a", status: 200, class: plantain.NoImage, charged: plantain.ChargedYes},
		"billing parks the project and uses the other one": {
			script: map[string][]reply{"a": list(says(429, `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Your project has exceeded its monthly spending cap."}}`)), "b": list(says(200, success))},
			calls:  "ab", status: 200, class: plantain.Success, charged: plantain.ChargedYes, parked: plantain.Billing},
		"key_invalid takes the project out": {
			script: map[string][]reply{"a": list(says(400, badKey)), "b": list(says(200, success))},
			calls:  "ab", status: 200, class: plantain.Success, charged: plantain.ChargedYes, parked: plantain.KeyInvalid},
		"key_invalid alone is told": {
			script: map[string][]reply{"a": list(says(400, badKey))},
			calls:  "a", status: 400, class: plantain.KeyInvalid, charged: plantain.ChargedNo, parked: plantain.KeyInvalid},
		"permission takes the project out": {
			script: map[string][]reply{"a": list(says(403, `{"error":{"code":403,"message":"Generative Language API has not been used in project 1 before or it is disabled.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com"}]}}`)), "b": list(says(200, success))},
			calls:  "ab", status: 200, class: plantain.Success, charged: plantain.ChargedYes, parked: plantain.Permission},
		"region takes every project of the upstream out": {
			script: map[string][]reply{"a": list(says(400, region)), "b": list(says(200, success))},
			calls:  "a", status: 400, class: plantain.Region, charged: plantain.ChargedNo, parked: plantain.Region},
		"bad_request is never retried": {
			script: map[string][]reply{"a": list(says(400, invalid)), "b": list(says(200, success))},
			calls:  "a", status: 400, class: plantain.BadRequest, charged: plantain.ChargedNo},
		"thought_signature is told": {
			script: map[string][]reply{"a": list(says(400, `{"error":{"code":400,"message":"Image part is missing a thought_signature in content position 2, part position 1.","status":"INVALID_ARGUMENT"}}`))},
			calls:  "a", status: 400, class: plantain.ThoughtSignature, charged: plantain.ChargedNo},
	} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, c.script)
			midnight := toMidnight()
			g := h.generate(t)
			if calls := h.google.calls(); calls != c.calls {
				t.Errorf("asked %s, want %s", calls, c.calls)
			}
			if g.StatusCode != c.status || g.Header.Get("Plantain-Verdict") != c.class.String() {
				t.Errorf("got %d %s, want %d %s\n%s", g.StatusCode, g.Header.Get("Plantain-Verdict"), c.status, c.class, g.body)
			}
			if g.took < c.atLeast || g.took > c.atMost {
				t.Errorf("took %v, want %v to %v", g.took, c.atLeast, c.atMost)
			}
			if len(h.books.entries) != len(c.calls) {
				t.Fatalf("%d attempts settled, want %d", len(h.books.entries), len(c.calls))
			}
			if last := h.books.entries[len(h.books.entries)-1]; last.Verdict.Charged != c.charged {
				t.Errorf("charged %s, want %s", last.Verdict.Charged, c.charged)
			}
			if r := h.Pool.Report(time.Now(), nil)[0]; parkedFor(r) != c.parked {
				t.Errorf("a is parked for %q, want %q", parkedFor(r), c.parked)
			}
			if c.status >= 400 {
				if d := g.detail(t); d["verdict"] != c.class.String() || d["charged"] == "" || d["next"] == "" || d["attempts"] != fmt.Sprint(len(c.calls)) {
					t.Errorf("our detail is %v", d)
				}
			}
			if c.class == plantain.RateDay {
				if got := g.Header.Get("Retry-After"); got != fmt.Sprint(int((midnight+pool.Margin).Seconds()+0.999)) {
					t.Errorf("Retry-After %s, want the seconds to midnight Pacific (%v)", got, midnight)
				}
			}
		})
	}
}

func parkedFor(r pool.Report) plantain.Class {
	if r.Parked != nil {
		return r.Parked.Reason
	}
	for _, m := range r.Models {
		if m.Parked != nil {
			return m.Parked.Reason
		}
	}
	return ""
}

func TestAParkedProjectIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	for class, body := range map[plantain.Class]string{plantain.RateDay: dayQuota, plantain.QuotaZero: zeroQuota} {
		story(t, string(class), func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(says(429, body))})
			for range 5 {
				h.generate(t)
				time.Sleep(time.Second)
			}
			if calls := h.google.calls(); calls != "a" {
				t.Errorf("asked %s, want once", calls)
			}
			other := h.do(t, request(t.Context(), "gemini-3-pro-image", body2))
			if other.Header.Get("Plantain-Attempts") != "1" {
				t.Error("another model on the same project was not tried")
			}
		})
	}
}

const body2 = `{"contents":[{"role":"user","parts":[{"text":"a blue pear"}]}]}`

func TestWindowsAreKeptWithoutAsking(t *testing.T) {
	t.Parallel()
	story(t, "the eleventh request of a minute waits for its room", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		begun := time.Now()
		for range 11 {
			if g := h.generate(t); g.StatusCode != 200 {
				t.Fatalf("status %d", g.StatusCode)
			}
		}
		if took := time.Since(begun); took < time.Minute || took > time.Minute+2*pool.Margin {
			t.Errorf("took %v, want a minute and the margin", took)
		}
	})
	story(t, "a client that can't wait is told the second", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		for range 10 {
			h.generate(t)
		}
		ctx := relay.WithCaller(t.Context(), relay.Caller{MaxWait: 5 * time.Second})
		g := h.do(t, request(ctx, "nb2", body))
		if g.StatusCode != 429 || g.Header.Get("Retry-After") != "61" || g.detail(t)["verdict"] != "rate_minute" {
			t.Fatalf("got %d, Retry-After %s\n%s", g.StatusCode, g.Header.Get("Retry-After"), g.body)
		}
		time.Sleep(61 * time.Second)
		if g := h.do(t, request(ctx, "nb2", body)); g.StatusCode != 200 {
			t.Errorf("the promised second gave %d", g.StatusCode)
		}
	})
}

func TestUnknownIsSentAgainOnlyWhenForced(t *testing.T) {
	t.Parallel()
	story(t, "by the client", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(fails(errors.New("connection reset")), says(200, success))})
		ctx := relay.WithCaller(t.Context(), relay.Caller{Force: relay.ForceUnknown})
		if g := h.do(t, request(ctx, "nb2", body)); g.StatusCode != 200 || h.google.calls() != "aa" {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.calls())
		}
		// What came first may have been charged: the answer's cost is a range.
		if e := h.books.entries[0]; e.Cost.Known() || e.Cost.Low != 0 {
			t.Errorf("the first attempt stands at %v", e.Cost)
		}
	})
	story(t, "by the policy", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(fails(errors.New("connection reset")))})
		h.Policy.Unknown = 2
		if g := h.generate(t); g.StatusCode != 502 || h.google.calls() != "aaa" {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.calls())
		}
	})
}

func TestNothingThatLeftNothingIsCharged(t *testing.T) {
	t.Parallel()
	story(t, "a refused connection is tried again", func(t *testing.T) {
		refused := func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		h := newHouse(t, map[string][]reply{"a": list(refused, says(200, success))})
		if g := h.generate(t); g.StatusCode != 200 || h.google.calls() != "aa" {
			t.Fatalf("got %d after asking %s", g.StatusCode, h.google.calls())
		}
		if e := h.books.entries[0]; e.Cost != plantain.Exactly(0) {
			t.Errorf("the attempt that never left stands at %v", e.Cost)
		}
	})
}

func TestTheClientsDeadlineBoundsTheRetries(t *testing.T) {
	t.Parallel()
	story(t, "X-Server-Timeout", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(503, capacity))})
		r := request(t.Context(), "nb2", body)
		r.Header.Set("X-Server-Timeout", "3")
		g := h.do(t, r)
		if g.StatusCode != 503 || g.took > 3*time.Second {
			t.Errorf("got %d after %v", g.StatusCode, g.took)
		}
	})
}

func TestWhatWasSentIsFinishedWhoeverLeaves(t *testing.T) {
	t.Parallel()
	story(t, "the client hangs up", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(200, success)))})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.RoundTrip(request(ctx, "nb2", body)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(h.books.entries) != 1 || h.books.entries[0].Verdict.Class != plantain.Success || !h.books.entries[0].Cost.Known() {
			t.Errorf("settled %+v", h.books.entries)
		}
	})
	story(t, "no further attempt is made for nobody", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(503, capacity)), says(200, success))})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = h.RoundTrip(request(ctx, "nb2", body))
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if calls := h.google.calls(); calls != "a" {
			t.Errorf("asked %s", calls)
		}
	})
}

func TestOneKeyIsOneGeneration(t *testing.T) {
	t.Parallel()
	story(t, "a second caller waits for the same answer", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(200, success)))})
		bodies := make(chan string, 3)
		for range 3 {
			go func() {
				r := request(context.Background(), "nb2", body)
				r.Header.Set("Idempotency-Key", "k1")
				bodies <- h.do(t, r).body
			}()
		}
		for range 3 {
			if b := <-bodies; b != success {
				t.Errorf("got %q", b)
			}
		}
		if calls := h.google.calls(); calls != "a" {
			t.Errorf("asked %s", calls)
		}
	})
	story(t, "another body under the same key is refused", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(200, success)))})
		first := make(chan got)
		go func() {
			r := request(context.Background(), "nb2", body)
			r.Header.Set("Idempotency-Key", "k1")
			first <- h.do(t, r)
		}()
		synctest.Wait()
		r := request(t.Context(), "nb2", body2)
		r.Header.Set("Idempotency-Key", "k1")
		if g := h.do(t, r); g.StatusCode != 422 {
			t.Errorf("got %d", g.StatusCode)
		}
		if g := <-first; g.StatusCode != 200 {
			t.Errorf("the first got %d", g.StatusCode)
		}
	})
}

func TestNoCredentialComesBack(t *testing.T) {
	t.Parallel()
	story(t, "Google's error repeats the key", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(400, badKey))})
		g := h.generate(t)
		if strings.Contains(g.body, "key-a") || strings.Contains(g.body, "DebugInfo") {
			t.Errorf("the key came back:\n%s", g.body)
		}
		if !strings.Contains(g.body, "API key not valid") {
			t.Errorf("Google's words are gone:\n%s", g.body)
		}
	})
}

func TestBytesComeBackAsTheyCame(t *testing.T) {
	t.Parallel()
	story(t, "success", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		g := h.generate(t)
		if g.body != success {
			t.Errorf("got %q", g.body)
		}
		for name, want := range map[string]string{"Plantain-Project": "a", "Plantain-Attempts": "1", "Plantain-Cost-Usd": "0.0683965"} {
			if got := g.Header.Get(name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	})
}

func TestAnOldIdIsServedByItsSuccessorAndSaidSo(t *testing.T) {
	t.Parallel()
	story(t, "preview", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		g := h.do(t, request(t.Context(), "gemini-3.1-flash-image-preview", body))
		if h.google.paths[0] != "/v1beta/models/gemini-3.1-flash-image:generateContent" {
			t.Errorf("asked %s", h.google.paths[0])
		}
		// The canned picture has one pixel, which no size is.
		if got := g.Header.Get("Plantain-Image"); got != "model=gemini-3.1-flash-image asked=gemini-3.1-flash-image-preview" {
			t.Errorf("Plantain-Image: %s", got)
		}
	})
}

func TestWhatCannotSucceedIsNotSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ model, body, says string }{
		"no JSON":                  {"nb2", `{"contents":[`, "Invalid JSON"},
		"no contents":              {"nb2", `{}`, "contents"},
		"lower case size":          {"nb2", `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"2k"}}}`, "write 2K"},
		"a size it has not got":    {"original", `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"4K"}}}`, "makes 1K only"},
		"a ratio it has not got":   {"pro", `{"contents":[{"parts":[{"text":"x"}]}],"generation_config":{"image_config":{"aspect_ratio":"8:1"}}}`, "takes the ratios"},
		"an unknown model":         {"gemini-9", body, "catalogue"},
		"more than one candidate":  {"nb2", `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"candidateCount":2}}`, "one candidate"},
		"a list in place of a map": {"nb2", `[]`, "Invalid JSON"},
	} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
			g := h.do(t, request(t.Context(), c.model, c.body))
			if g.StatusCode < 400 || g.StatusCode > 404 || !strings.Contains(g.body, c.says) || h.google.calls() != "" {
				t.Errorf("got %d, asked %q\n%s", g.StatusCode, h.google.calls(), g.body)
			}
			if g.detail(t)["charged"] != "no" {
				t.Error("it does not say that nothing was charged")
			}
		})
	}
}

// A reloading keeps books, and the configuration changes just before each is settled.
type reloading struct {
	relay.Books
	reload func()
}

func (r reloading) Settle(ctx context.Context, e ledger.Entry, keys []pool.Key, fn func(pool.States) error) error {
	r.reload()
	return r.Books.Settle(ctx, e, keys, fn)
}

func TestAProjectThatJoinsWhileARegionIsRefusedSpoilsNothing(t *testing.T) {
	t.Parallel()
	story(t, "in the middle of a settlement", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(400, region)), "b": list(says(200, success))})
		members := h.Pool.Members()
		h.Pool.Replace(members[:1])
		h.Books = reloading{h.books, func() { h.Pool.Replace(members) }}
		if g := h.generate(t); g.StatusCode != 200 || g.Header.Get("Plantain-Project") != "b" {
			t.Errorf("got %d from %q: %s", g.StatusCode, g.Header.Get("Plantain-Project"), g.body)
		}
		if p := h.Pool.Seen(pool.Key{Project: "a"}).Park; p.Reason != plantain.Region {
			t.Errorf("a is parked for %q", p.Reason)
		}
	})
}
