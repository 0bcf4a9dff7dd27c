package relay_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

const (
	pro      = "gemini-3-pro-image"
	nb2      = "gemini-3.1-flash-image"
	lite     = "gemini-3.1-flash-lite-image"
	original = "gemini-2.5-flash-image"
)

// byModel replies to each model by a list of its own, the last of which is repeated.
func byModel(lists map[string][]reply) []reply {
	return list(func(r *http.Request) (*http.Response, error) {
		model, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1beta/models/"), ":")
		l := lists[model]
		if len(l) == 0 {
			return says(404, `{"error":{"code":404,"message":"models/`+model+` is not found","status":"NOT_FOUND"}}`)(r)
		}
		if len(l) > 1 {
			lists[model] = l[1:]
		}
		return l[0](r)
	})
}

// models are those that were asked, in order, by their short names.
func (g *google) models() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var names []string
	for _, p := range g.paths {
		names = append(names, strings.NewReplacer("/v1beta/models/", "", pro, "pro", nb2, "nb2", lite, "lite", original, "original",
			":generateContent", "", ":streamGenerateContent", "").Replace(p))
	}
	return strings.Join(names, " ")
}

func allowing(ctx context.Context, models ...plantain.Model) context.Context {
	return relay.WithCaller(ctx, relay.Caller{Fallback: append([]plantain.Model{}, models...)})
}

// What makes a request fall to another model, and what never does: what may have
// been charged, what is the request's own fault, and what only looks like either.
func TestFallbackOnlyWhereTheModelHasNoRoomOrNoCapacity(t *testing.T) {
	t.Parallel()
	sixTimes := strings.TrimSpace(strings.Repeat("pro ", 6))
	for name, c := range map[string]struct {
		pro    []reply
		models string
	}{
		"a day quota":                        {list(says(429, dayQuota)), "pro nb2"},
		"a quota of zero":                    {list(says(429, zeroQuota)), "pro nb2"},
		"capacity, after all attempts on it": {list(says(503, capacity)), sixTimes + " nb2"},
		"capacity that passes":               {list(says(503, capacity), says(200, success)), "pro pro"},
		"a minute quota that passes":         {list(says(429, minuteQuota), says(200, success)), "pro pro"},
		"server_error":                       {list(says(500, internal)), sixTimes},
		"a filtered picture":                 {list(says(200, filtered)), "pro"},
		"a filtered prompt":                  {list(says(200, `{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}}`)), "pro"},
		"recitation":                         {list(says(200, `{"candidates":[{"finishReason":"IMAGE_RECITATION"}]}`)), "pro"},
		"text alone":                         {list(says(200, textOnly)), "pro"},
		"a bad request":                      {list(says(400, invalid)), "pro"},
		"a signature that is missing":        {list(says(400, `{"error":{"code":400,"message":"Image part is missing a thought_signature in content position 2, part position 1.","status":"INVALID_ARGUMENT"}}`)), "pro"},
		"a model that is gone":               {nil, "pro"},
		"a key that is not valid":            {list(says(400, badKey)), "pro"},
		"unanswered":                         {list(fails(errors.New("connection reset"))), "pro"},
		"a cut answer":                       {list(cut(success[:200])), "pro"},
	} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{pro: c.pro, nb2: list(says(200, success))})})
			g := h.do(t, request(allowing(t.Context(), "nb2"), pro, body))
			if got := h.google.models(); got != c.models {
				t.Errorf("asked %s, want %s\n%s", got, c.models, g.body)
			}
			want := ""
			if strings.HasSuffix(c.models, "nb2") {
				want = nb2
			}
			if got := g.Header.Get("Plantain-Model-Fallback"); got != want {
				t.Errorf("Plantain-Model-Fallback: %q, want %q", got, want)
			}
		})
	}
	story(t, "capacity after an attempt that may have been charged", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{
			pro: list(fails(errors.New("connection reset")), says(503, capacity)), nb2: list(says(200, success))})})
		ctx := relay.WithCaller(t.Context(), relay.Caller{Force: relay.ForceUnknown, Fallback: []plantain.Model{nb2}})
		if g := h.do(t, request(ctx, pro, body)); g.StatusCode != 503 || strings.Contains(h.google.models(), "nb2") {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.models())
		}
	})
}

func TestFallbackIsSaid(t *testing.T) {
	t.Parallel()
	exhausted := func(t *testing.T) (*house, *strings.Builder) {
		h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{pro: list(says(429, dayQuota)), nb2: list(says(200, success))})})
		var log strings.Builder
		h.Log = slog.New(slog.NewTextHandler(&log, nil))
		return h, &log
	}
	story(t, "in the answer, the log, the books and the events", func(t *testing.T) {
		h, log := exhausted(t)
		var events []relay.Event
		h.Watch = func(e relay.Event) { events = append(events, e) }
		g := h.do(t, request(allowing(t.Context(), "nb2"), "pro", body))
		if g.StatusCode != 200 || g.body != success {
			t.Fatalf("got %d %s", g.StatusCode, g.body)
		}
		for name, want := range map[string]string{
			"Plantain-Model-Fallback": nb2, "Plantain-Image": "model=" + nb2 + " asked=pro", "Plantain-Attempts": "2",
			"Plantain-Cost-Usd": "0.0683965", // by the price of the model that served
		} {
			if got := g.Header.Get(name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		if want := "msg=fallback request=" + g.Header.Get("Plantain-Request-Id") + " model=" + nb2 + " asked=pro why=rate_day"; !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
		last := h.books.entries[1]
		if !strings.Contains(last.Differs, "model="+nb2+" asked=pro") {
			t.Errorf("the ledger says %q", last.Differs)
		}
		if a := h.books.opened[1]; a.Model != nb2 || a.Estimate >= h.books.opened[0].Estimate {
			t.Errorf("opened for %s at %s, after %s", a.Model, a.Estimate, h.books.opened[0].Estimate)
		}
		if e := events[len(events)-1]; e.Model != nb2 || e.Asked != pro {
			t.Errorf("the last event is of %s, asked %s", e.Model, e.Asked)
		}
	})
	story(t, "a model that is known to have no room is not asked first", func(t *testing.T) {
		h, _ := exhausted(t)
		h.do(t, request(t.Context(), pro, body))
		if g := h.do(t, request(allowing(t.Context(), nb2), pro, body)); g.StatusCode != 200 || h.google.models() != "pro nb2" {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.models())
		}
		model := pool.Key{Project: "a", Model: pro}
		if s := h.Pool.Seen(model); s.Used(plantain.LimitRPD, time.Now()) != 1 {
			t.Errorf("the day of the model asked for counts %d", s.Used(plantain.LimitRPD, time.Now()))
		}
	})
	story(t, "before the first event of a stream", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{
			pro: list(streams(nil, errorTail)), nb2: list(streams(nil, textFrame, imageFrame, lastFrame))})})
		r := streamRequest(allowing(t.Context(), nb2), "alt=sse")
		r.URL.Path = "/v1beta/models/" + pro + ":streamGenerateContent"
		g := h.do(t, r)
		if g.body != textFrame+imageFrame+lastFrame || g.Header.Get("Plantain-Model-Fallback") != nb2 {
			t.Errorf("asked %s, got %v %q", h.google.models(), g.Header, g.body)
		}
	})
	story(t, "never after it", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{
			pro: list(streams(nil, textFrame, errorTail)), nb2: list(streams(nil, lastFrame))})})
		r := streamRequest(allowing(t.Context(), nb2), "alt=sse")
		r.URL.Path = "/v1beta/models/" + pro + ":streamGenerateContent"
		if g := h.do(t, r); g.body != textFrame+errorTail || h.google.models() != "pro" {
			t.Errorf("asked %s, got %q", h.google.models(), g.body)
		}
	})
}

func TestFallbackNeedsPermission(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config []plantain.Model
		client context.Context
		models string
	}{
		"nobody gave it":                          {nil, context.Background(), "pro"},
		"the client":                              {nil, allowing(context.Background(), "nb2"), "pro nb2"},
		"the configuration":                       {[]plantain.Model{nb2}, context.Background(), "pro nb2"},
		"the client goes before it":               {[]plantain.Model{nb2}, allowing(context.Background(), lite), "pro lite"},
		"the client forbids it":                   {[]plantain.Model{nb2}, allowing(context.Background()), "pro"},
		"of itself, under whatever name, is none": {nil, allowing(context.Background(), pro, "pro", "gemini-3-pro-image-preview"), "pro"},
		"the first that can is taken":             {nil, allowing(context.Background(), original, lite, nb2), "pro original lite"},
	} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{pro: list(says(429, dayQuota)), nb2: list(says(200, success)),
				original: list(says(429, dayQuota)), lite: list(says(200, success))})})
			h.Fallback = c.config
			h.do(t, request(c.client, pro, body))
			if got := h.google.models(); got != c.models {
				t.Errorf("asked %s, want %s", got, c.models)
			}
		})
	}
	story(t, "of a model that nobody knows is an error", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		g := h.do(t, request(allowing(t.Context(), "nb9"), pro, body))
		if g.StatusCode != 400 || !strings.Contains(g.body, "nb9") || !strings.Contains(g.body, nb2) || h.google.models() != "" {
			t.Errorf("got %d after asking %q\n%s", g.StatusCode, h.google.models(), g.body)
		}
	})
}

func TestFallbackGoesToNoModelThatCannotDoWhatWasAsked(t *testing.T) {
	t.Parallel()
	picture := `,{"inlineData":{"mimeType":"image/png","data":"` + pixel + `"}}`
	config := func(c string) string {
		return `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{` + c + `}}}`
	}
	for name, c := range map[string]struct {
		asked, may plantain.Model
		body       string
		says       string // why it was not taken; empty: it was
	}{
		"a size":                   {pro, lite, config(`"imageSize":"4K"`), lite + " makes 1K only; asked 4K"},
		"a size that both make":    {pro, nb2, config(`"imageSize":"4K"`), ""},
		"imageSize itself":         {pro, original, config(`"imageSize":"1K"`), original + " takes no imageSize"},
		"a ratio":                  {nb2, pro, config(`"aspectRatio":"8:1"`), pro + " takes the ratios"},
		"a ratio that both take":   {nb2, original, config(`"aspectRatio":"21:9"`), ""},
		"four pictures to go by":   {pro, original, `{"contents":[{"parts":[{"text":"x"}` + strings.Repeat(picture, 4) + `]}]}`, original + " takes 3 pictures; the request has 4"},
		"three pictures to go by":  {pro, original, `{"contents":[{"parts":[{"text":"x"}` + strings.Repeat(picture, 3) + `]}]}`, ""},
		"more text than it can do": {pro, original, `{"contents":[{"parts":[{"text":"` + strings.Repeat("x ", 80_000) + `"}]}]}`, original + " takes 32768 tokens"},
	} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{string(c.asked): list(says(429, dayQuota)), string(c.may): list(says(200, success))})})
			g := h.do(t, request(allowing(t.Context(), c.may), string(c.asked), c.body))
			if c.says == "" {
				if g.StatusCode != 200 {
					t.Errorf("got %d\n%s", g.StatusCode, g.body)
				}
				return
			}
			if g.StatusCode != 429 || g.Header.Get("Plantain-Attempts") != "1" || !strings.Contains(g.detail(t)["fallback"], c.says) {
				t.Errorf("got %d after asking %s, %v", g.StatusCode, h.google.models(), g.detail(t))
			}
			// Once it is known that there is no room the refusal is ours, and says the same.
			if g = h.do(t, request(allowing(t.Context(), c.may), string(c.asked), c.body)); !strings.Contains(g.body, c.says) || g.Header.Get("Plantain-Attempts") != "0" {
				t.Errorf("the refusal says\n%s", g.body)
			}
		})
	}
}

// What a substitute will not take is not the client's fault: it hears of the
// model that it asked for.
func TestFallbackThatIsRefusedLeavesTheFirstAnswer(t *testing.T) {
	t.Parallel()
	story(t, "a bad request to the substitute", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{pro: list(says(429, dayQuota)), nb2: list(says(400, invalid))})})
		g := h.do(t, request(allowing(t.Context(), nb2), pro, body))
		if g.StatusCode != 429 || g.Header.Get("Plantain-Verdict") != "rate_day" || g.Header.Get("Plantain-Model-Fallback") != "" ||
			g.Header.Get("Plantain-Attempts") != "2" || g.Header.Get("Retry-After") == "" {
			t.Errorf("got %d %v", g.StatusCode, g.Header)
		}
	})
	story(t, "what the substitute filters is its answer", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{pro: list(says(429, dayQuota)), nb2: list(says(200, filtered)), lite: list(says(200, success))})})
		g := h.do(t, request(allowing(t.Context(), nb2, lite), pro, body))
		if g.StatusCode != 200 || g.Header.Get("Plantain-Verdict") != "safety_image" || g.Header.Get("Plantain-Model-Fallback") != nb2 || h.google.models() != "pro nb2" {
			t.Errorf("got %d %v after asking %s", g.StatusCode, g.Header, h.google.models())
		}
	})
	story(t, "room on either is told, and exact", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": byModel(map[string][]reply{pro: list(says(429, dayQuota)), nb2: list(says(200, success))})})
		ctx := relay.WithCaller(t.Context(), relay.Caller{MaxWait: time.Second, Fallback: []plantain.Model{nb2}})
		for range 10 {
			if g := h.do(t, request(ctx, pro, body)); g.StatusCode != 200 {
				t.Fatalf("got %d", g.StatusCode)
			}
		}
		g := h.do(t, request(ctx, pro, body))
		if g.StatusCode != 429 || g.Header.Get("Retry-After") != "61" || !strings.Contains(g.body, nb2+", which may take its place, has room from ") {
			t.Fatalf("got %d, Retry-After %s\n%s", g.StatusCode, g.Header.Get("Retry-After"), g.body)
		}
		time.Sleep(61 * time.Second)
		if g := h.do(t, request(ctx, pro, body)); g.StatusCode != 200 {
			t.Errorf("the promised second gave %d", g.StatusCode)
		}
	})
}

func TestFallbackComesAfterTheClientsPatience(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wait   time.Duration
		models string
	}{
		"room comes in time": {2 * time.Minute, " pro"},
		"it does not":        {5 * time.Second, " nb2"},
	} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
			for range 10 {
				h.do(t, request(t.Context(), pro, body))
			}
			ctx := relay.WithCaller(t.Context(), relay.Caller{MaxWait: c.wait, Fallback: []plantain.Model{nb2}})
			if g := h.do(t, request(ctx, pro, body)); g.StatusCode != 200 || !strings.HasSuffix(h.google.models(), " pro"+c.models) {
				t.Errorf("got %d after asking %s", g.StatusCode, h.google.models())
			}
		})
	}
}

// While a model is overloaded most requests wait for the one that tries it. Where
// another may serve they wait as long as their own attempts would have taken.
func TestFallbackServesWhileAModelIsOverloaded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lasts  time.Duration
		other  reply // of the substitute
		by     string
		atMost time.Duration
	}{
		"for long":                               {10 * time.Minute, after(8*time.Second, says(200, success)), pro, 32*time.Second + 8*time.Second},
		"for a moment":                           {15 * time.Second, after(8*time.Second, says(200, success)), "", 40 * time.Second},
		"and the substitute has no room all day": {time.Minute, says(429, dayQuota), "", 2*time.Minute + 8*time.Second},
	} {
		story(t, name, func(t *testing.T) {
			h := newRoomyHouse(t, map[string][]reply{"a": byModel(map[string][]reply{
				nb2: list(overloaded(nb2, time.Now().Add(c.lasts))), pro: list(c.other)})})
			h.overload(t)
			h.do(t, request(waits(t.Context(), time.Second), pro, body)) // so that it is known whether it has room
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					g := h.do(t, request(allowing(t.Context(), pro), nb2, body))
					if g.StatusCode != 200 || g.Header.Get("Plantain-Model-Fallback") != c.by || g.took > c.atMost {
						t.Errorf("got %d by %q after %v, want by %q after at most %v", g.StatusCode, g.Header.Get("Plantain-Model-Fallback"), g.took, c.by, c.atMost)
					}
				})
			}
			all.Wait()
		})
	}
}

func TestFallbackServesWhoseTurnDoesNotCome(t *testing.T) {
	t.Parallel()
	story(t, "behind thirty others of the same client", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		for range 10 {
			h.do(t, request(t.Context(), pro, body))
		}
		var others sync.WaitGroup
		patient := relay.WithCaller(t.Context(), relay.Caller{MaxWait: time.Hour})
		for range 30 {
			others.Go(func() { h.do(t, request(patient, pro, body)) })
		}
		synctest.Wait()
		ctx := relay.WithCaller(t.Context(), relay.Caller{MaxWait: 70 * time.Second, Fallback: []plantain.Model{nb2}})
		g := h.do(t, request(ctx, pro, body))
		if g.StatusCode != 200 || g.Header.Get("Plantain-Model-Fallback") != nb2 || g.took != 70*time.Second {
			t.Errorf("got %d by %q after %v", g.StatusCode, g.Header.Get("Plantain-Model-Fallback"), g.took)
		}
		others.Wait()
	})
}

func TestFallbackCountsByThePriceOfTheModelThatServes(t *testing.T) {
	t.Parallel()
	limit := func(h *house, spend int64, tokens map[plantain.Model]int64) {
		members := h.Pool.Members()
		members[0].Whole = pool.Limits{plantain.LimitSpend: spend}
		if tokens != nil {
			members[0].Limits = func(m plantain.Model) pool.Limits { return pool.Limits{plantain.LimitTPM: tokens[m]} }
		}
		h.Pool.Replace(members)
	}
	story(t, "the ten minutes have room for the cheaper one alone", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		limit(h, 240_000_000, nil)
		for range 2 {
			h.do(t, request(allowing(t.Context(), nb2), pro, body))
		}
		if got := h.google.models(); got != "pro nb2" {
			t.Errorf("asked %s", got)
		}
	})
	story(t, "a request larger than a window is a bad one", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		limit(h, 1e9, map[plantain.Model]int64{pro: 2, nb2: 1000})
		if g := h.do(t, request(allowing(t.Context(), nb2), pro, body)); g.StatusCode != 400 || h.google.models() != "" {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.models())
		}
	})
	story(t, "one that is too large for the substitute leaves the first answer", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(429, dayQuota))})
		limit(h, 1e9, map[plantain.Model]int64{pro: 1000, nb2: 2})
		if g := h.do(t, request(allowing(t.Context(), nb2), pro, body)); g.StatusCode != 429 || h.google.models() != "pro" {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.models())
		}
	})
}

func TestFallbackIsPartOfWhatAnIdempotencyKeyNames(t *testing.T) {
	t.Parallel()
	story(t, "another wish under the same key", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(after(10*time.Second, says(200, success)))})
		ask := func(ctx context.Context) got {
			r := request(ctx, pro, body)
			r.Header.Set("Idempotency-Key", "k1")
			return h.do(t, r)
		}
		first := make(chan got)
		go func() { first <- ask(allowing(context.Background(), nb2)) }()
		synctest.Wait()
		if g := ask(t.Context()); g.StatusCode != 422 {
			t.Errorf("another wish got %d", g.StatusCode)
		}
		if g := ask(allowing(t.Context(), nb2)); g.StatusCode != 200 {
			t.Errorf("the same got %d", g.StatusCode)
		}
		<-first
		if calls := h.google.calls(); calls != "a" {
			t.Errorf("asked %s", calls)
		}
	})
}
