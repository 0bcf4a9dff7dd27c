package relay_test

import (
	"slices"
	"testing"
	"time"
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
