package relay_test

import (
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

// A request that is larger than a whole window would wait for ever: it is refused
// as what it is, and not as a project without quota.
func TestARequestLargerThanEveryWindowIsToldSo(t *testing.T) {
	t.Parallel()
	large := `{"contents":[{"parts":[{"text":"` + strings.Repeat("a red apple ", 4000) + `"}]}]}`
	limited := func(h *house, limits ...int64) {
		members := h.Pool.Members()
		for i, tpm := range limits {
			members[i].Limits = func(plantain.Model) pool.Limits { return pool.Limits{plantain.LimitTPM: tpm} }
		}
		h.Pool.Replace(members)
	}
	story(t, "no project takes so many tokens a minute", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success)), "b": list(says(200, success))})
		limited(h, 1000, 5000)
		g := h.do(t, request(t.Context(), "nb2", large))
		said := g.detail(t)
		if g.StatusCode != 400 || said["verdict"] != string(plantain.BadRequest) || said["charged"] != "no" || h.google.calls() != "" {
			t.Errorf("got %d %v after asking %q", g.StatusCode, said, h.google.calls())
		}
		if after := g.Header.Get("Retry-After"); after != "" || strings.Contains(g.body, "RetryInfo") {
			t.Errorf("it is told to come back after %q, which does not help", after)
		}
		for _, want := range []string{"12001 input tokens", "a takes 1000", "b takes 5000", "gemini-3.1-flash-image", "shorten"} {
			if !strings.Contains(strings.ToLower(g.body), strings.ToLower(want)) {
				t.Errorf("%q is not said: %s", want, g.body)
			}
		}
	})
	story(t, "a project of the pool is large enough", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success)), "b": list(says(200, success))})
		limited(h, 1000, 50_000)
		if g := h.do(t, request(t.Context(), "nb2", large)); g.StatusCode != 200 || h.google.calls() != "b" {
			t.Errorf("got %d after asking %q", g.StatusCode, h.google.calls())
		}
	})
	story(t, "the large one is parked for a while", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success)), "b": list(says(429, dayQuota))})
		limited(h, 1000, 50_000)
		if g := h.do(t, request(t.Context(), "nb2", large)); g.StatusCode != 429 || g.Header.Get("Retry-After") == "" {
			t.Errorf("got %d %v", g.StatusCode, g.Header)
		}
	})
	story(t, "a project without any quota is another matter", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		limited(h, 0)
		if g := h.do(t, request(t.Context(), "nb2", large)); g.detail(t)["verdict"] != string(plantain.QuotaZero) {
			t.Errorf("got %d %s", g.StatusCode, g.body)
		}
	})
}
