package relay_test

import (
	"testing"
	"time"

	"github.com/plantainhq/plantain/pool"
)

const (
	alien   = `{"error":{"code":403,"message":"You do not have permission to access the File abc or it may not exist.","status":"PERMISSION_DENIED"}}`
	noCache = `{"error":{"code":403,"message":"CachedContent not found (or permission denied)","status":"PERMISSION_DENIED"}}`
	withOne = `{"contents":[{"parts":[{"fileData":{"mimeType":"image/png","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}},{"text":"a red apple"}]}]}`
)

func TestAFileIsAskedOfTheProjectThatOwnsIt(t *testing.T) {
	t.Parallel()
	story(t, "found out once, then known", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(403, alien)), "b": list(says(403, alien)), "c": list(says(200, success))})
		for range 3 {
			if g := h.do(t, request(t.Context(), "nb2", withOne)); g.StatusCode != 200 {
				t.Fatalf("got %d\n%s", g.StatusCode, g.body)
			}
		}
		if calls := h.google.calls(); calls != "abccc" {
			t.Errorf("asked %s, want abccc", calls)
		}
	})
	story(t, "it waits for that one's room", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(403, alien)), "b": list(says(200, success))})
		begun := time.Now()
		for range 11 {
			if g := h.do(t, request(t.Context(), "nb2", withOne)); g.StatusCode != 200 {
				t.Fatalf("got %d\n%s", g.StatusCode, g.body)
			}
		}
		if took := time.Since(begun); took < time.Minute || took > time.Minute+2*pool.Margin {
			t.Errorf("took %v, want a minute and the margin", took)
		}
		if calls := h.google.calls(); calls != "abbbbbbbbbbb" {
			t.Errorf("asked %s", calls)
		}
	})
	story(t, "an owner that has it no more is asked like any other", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(403, alien), says(200, success)), "b": list(says(200, success), says(403, alien))})
		for range 3 {
			if g := h.do(t, request(t.Context(), "nb2", withOne)); g.StatusCode != 200 {
				t.Fatalf("got %d\n%s", g.StatusCode, g.body)
			}
		}
		if calls := h.google.calls(); calls != "abbaa" {
			t.Errorf("asked %s, want abbaa", calls)
		}
	})
}

func TestWhatARequestNamesTakesNoProjectOut(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]string{"a file of nobody's": alien, "a cache of nobody's": noCache} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(says(403, refusal), says(200, success)), "b": list(says(403, refusal), says(200, success))})
			g := h.do(t, request(t.Context(), "nb2", withOne))
			if g.StatusCode != 403 || g.detail(t)["verdict"] != "permission" {
				t.Errorf("got %d\n%s", g.StatusCode, g.body)
			}
			for _, r := range h.Pool.Report(time.Now(), nil) {
				if reason := parkedFor(r); reason != "" {
					t.Errorf("%s is parked for %s", r.Project, reason)
				}
			}
			if g := h.generate(t); g.StatusCode != 200 {
				t.Errorf("the next request got %d", g.StatusCode)
			}
		})
	}
}

func TestAPausedAnswerGoesOnWhereItBegan(t *testing.T) {
	t.Parallel()
	const (
		paused  = `{"candidates":[{"content":{"parts":[{"text":"wait"}],"role":"model"},"finishReason":"CONTINUATION","continuationToken":"a+/b=="}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5}}`
		goingOn = `{"contents":[{"parts":[{"text":"a red apple"}]}],"continuationToken":"a-_b"}` // the same bytes
	)
	story(t, "the others have more room", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, paused), says(200, success)), "b": list(says(200, success)), "c": list(says(200, success))})
		h.generate(t)
		if g := h.do(t, request(t.Context(), "nb2", goingOn)); g.StatusCode != 200 {
			t.Fatalf("got %d\n%s", g.StatusCode, g.body)
		}
		if calls := h.google.calls(); calls != "aa" {
			t.Errorf("asked %s, want aa", calls)
		}
	})
}
