package relay_test

import (
	"testing"
	"time"
)

func TestAllWaitsOfARequestTogetherAreBounded(t *testing.T) {
	t.Parallel()
	const most = 5 * time.Second
	for name, c := range map[string]struct {
		replies []reply
		before  int // requests that take the room of the minute
		calls   string
		status  int
		atLeast time.Duration
	}{
		"back-offs":                 {list(says(503, capacity)), 0, "aaaa", 503, 3500 * time.Millisecond},
		"the answers do not count":  {list(after(10*time.Second, says(503, capacity)), after(10*time.Second, says(503, capacity)), says(200, success)), 0, "aaa", 200, 20 * time.Second},
		"a minute that is told":     {list(says(429, minuteQuota)), 0, "a", 429, 0},
		"no room for the first try": {list(says(200, success)), 10, "aaaaaaaaaa", 429, 0},
		"a back-off and then no room": {append(list(says(200, success), says(200, success), says(200, success), says(200, success), says(200, success),
			says(200, success), says(200, success), says(200, success), says(200, success)), says(503, capacity)), 9, "aaaaaaaaaa", 503, 0},
	} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": c.replies})
			for range c.before {
				h.generate(t)
			}
			h.Policy.MaxWait = most
			h.Policy.Rand = func() float64 { return 0 } // half of each back-off
			g := h.generate(t)
			if g.StatusCode != c.status || h.google.calls() != c.calls {
				t.Errorf("got %d after asking %s", g.StatusCode, h.google.calls())
			}
			if g.took < c.atLeast || g.took > c.atLeast+most {
				t.Errorf("it took %v", g.took)
			}
			if c.status == 429 && g.Header.Get("Retry-After") == "" {
				t.Error("it does not say when to come again")
			}
		})
	}
}
