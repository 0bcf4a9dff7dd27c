package relay_test

import (
	"net/http"
	"testing"
	"time"
)

func TestFreeCallsAreNotInTheLedgerAndTakeNoRoom(t *testing.T) {
	t.Parallel()
	const models = `{"models":[{"name":"models/gemini-3.1-flash-image"}]}`
	list := func(t *testing.T) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway/v1/models?pageSize=5&key=virtual", nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	story(t, "a list of models", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": {says(200, models)}})
		if g := h.do(t, list(t)); g.body != models || len(h.books.entries) != 0 {
			t.Errorf("got %s and %d entries", g.body, len(h.books.entries))
		}
	})
	story(t, "a bad key goes to another project", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": {says(400, badKey)}, "b": {says(200, models)}})
		if g := h.do(t, list(t)); g.StatusCode != 200 || h.google.calls() != "ab" {
			t.Errorf("got %d after asking %s", g.StatusCode, h.google.calls())
		}
	})
	story(t, "bad keys everywhere end at once", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": {says(400, badKey)}, "b": {says(400, badKey)}})
		if g := h.do(t, list(t)); g.StatusCode != 400 || h.google.calls() != "ab" || g.took > time.Second {
			t.Errorf("got %d after asking %s for %v", g.StatusCode, h.google.calls(), g.took)
		}
	})
	story(t, "a model that is parked can still be counted for", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": {says(429, dayQuota), says(200, `{"totalTokens":3}`)}})
		h.generate(t)
		r := request(t.Context(), "nb2", body)
		r.URL.Path = "/v1beta/models/nb2:countTokens"
		if g := h.do(t, r); g.StatusCode != 200 {
			t.Errorf("got %d: %s", g.StatusCode, g.body)
		}
	})
}
