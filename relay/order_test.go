package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/relay"
)

func TestAProjectThatKeepsFailingIsAskedLast(t *testing.T) {
	t.Parallel()
	story(t, "for a minute, however cheap it is", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(500, internal), says(500, internal), says(200, success)), "b": list(says(200, success))})
		cheap := slices.Clone(h.Pool.Members())
		cheap[0].Price = 750
		h.Pool.Replace(cheap)
		for range 4 {
			if g := h.generate(t); g.StatusCode != 200 {
				t.Fatalf("got %d", g.StatusCode)
			}
		}
		if calls := h.google.calls(); calls != "aabbbb" {
			t.Errorf("asked %s, want aabbbb", calls)
		}
		time.Sleep(time.Minute)
		h.generate(t)
		if calls := h.google.calls(); calls != "aabbbba" {
			t.Errorf("a minute later asked %s, want a again", calls)
		}
	})
}

func TestACallerMayAllowFewerAttempts(t *testing.T) {
	t.Parallel()
	for n, calls := range map[int]string{0: "aaa", 1: "a", 2: "aa", 9: "aaa"} {
		story(t, fmt.Sprint(n), func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(says(500, internal))})
			h.Policy.Attempts = 3
			h.do(t, request(relay.WithCaller(t.Context(), relay.Caller{Attempts: n}), "nb2", body))
			if got := h.google.calls(); got != calls {
				t.Errorf("asked %s, want %s", got, calls)
			}
		})
	}
}

func TestACallerMayNameTheOnlyProjectToAsk(t *testing.T) {
	t.Parallel()
	through := func(t *testing.T, h *house, name string) got {
		return h.do(t, request(relay.WithCaller(t.Context(), relay.Caller{Project: plantain.ProjectName(name), MaxWait: time.Second}), "nb2", body))
	}
	story(t, "and no other, whatever it answers", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success)), "b": list(says(200, success), says(429, dayQuota))})
		if g := through(t, h, "b"); g.StatusCode != 200 || g.Header.Get("Plantain-Project") != "b" {
			t.Errorf("got %d %v", g.StatusCode, g.Header)
		}
		for range 2 { // the second is refused without being sent
			if g := through(t, h, "b"); g.StatusCode != 429 || g.detail(t)["verdict"] != "rate_day" {
				t.Errorf("got %d: %s", g.StatusCode, g.body)
			}
		}
		if calls := h.google.calls(); calls != "bb" {
			t.Errorf("asked %s, want bb", calls)
		}
	})
	story(t, "of those there are", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
		if g := through(t, h, "x"); g.StatusCode != 400 || h.google.calls() != "" {
			t.Errorf("got %d after asking %q: %s", g.StatusCode, h.google.calls(), g.body)
		}
	})
}
