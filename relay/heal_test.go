package relay_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/thread"
)

// noted keeps the bodies of requests as they arrive.
type noted struct{ bodies []string }

func (n *noted) before(next reply) reply {
	return func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		if err != nil || int64(len(b)) != r.ContentLength {
			return nil, fmt.Errorf("%d bytes of %d: %w", len(b), r.ContentLength, err)
		}
		n.bodies = append(n.bodies, string(b))
		again, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		if same, err := io.ReadAll(again); err != nil || string(same) != string(b) {
			return nil, fmt.Errorf("had again it is %q, %w", same, err)
		}
		_ = again.Close()
		return next(r)
	}
}

// talk is the second request of a chat, whose model turn holds parts.
func talk(parts string) string {
	return `{"contents":[{"role":"user","parts":[{"text":"a red apple"}]},{"role":"model","parts":[` + parts + `]},{"role":"user","parts":[{"text":"now blue"}]}]}`
}

const (
	bare    = `{"inlineData":{"mimeType":"image/png","data":"` + pixel + `"}}`
	signed  = `{"thoughtSignature":"c2ln","inlineData":{"mimeType":"image/png","data":"` + pixel + `"}}`
	dummied = `{"thoughtSignature":"` + thread.Dummy + `","inlineData":{"mimeType":"image/png","data":"` + pixel + `"}}`
	missing = `{"error":{"code":400,"message":"Image part is missing a thought_signature in content position 2, part position 1.","status":"INVALID_ARGUMENT"}}`
)

var flat = strings.Replace(talk(bare), `"model"`, `"user"`, 1)

func remembering(t *testing.T, h *house) *house {
	t.Helper()
	m, err := thread.Open(filepath.Join(t.TempDir(), "signatures"))
	if err != nil {
		t.Fatal(err)
	}
	h.Signatures = m
	return h
}

func TestThreadsAreHealed(t *testing.T) {
	t.Parallel()
	nb2 := func(t *testing.T, h *house, body string) got {
		return h.do(t, request(t.Context(), "gemini-3.1-flash-image", body))
	}
	said := func(t *testing.T, g got, how string) {
		t.Helper()
		if g.StatusCode != 200 || g.Header.Get("Plantain-Healed") != how {
			t.Errorf("got %d healed by %q, want %q: %s", g.StatusCode, g.Header.Get("Plantain-Healed"), how, g.body)
		}
	}
	story(t, "what a turn carried comes back to it, through another project", func(t *testing.T) {
		var n noted
		h := remembering(t, newHouse(t, map[string][]reply{"a": list(n.before(says(200, success)), says(429, unknown)), "b": list(n.before(says(200, success)))}))
		said(t, nb2(t, h, body), "")
		said(t, nb2(t, h, talk(bare)), "memory")
		if len(n.bodies) != 2 || n.bodies[0] != body || n.bodies[1] != talk(signed) || !strings.HasSuffix(h.google.calls(), "b") {
			t.Errorf("arrived %q by %s", n.bodies, h.google.calls())
		}
	})
	story(t, "another client gets the placeholder", func(t *testing.T) {
		var n noted
		h := remembering(t, newHouse(t, map[string][]reply{"a": list(n.before(says(200, success)))}))
		nb2(t, h, body)
		ctx := relay.WithCaller(t.Context(), relay.Caller{Client: "other"})
		said(t, h.do(t, request(ctx, "nb2", talk(bare))), "placeholder")
		if n.bodies[1] != talk(dummied) {
			t.Errorf("arrived %q", n.bodies[1])
		}
	})
	story(t, "without a memory the placeholder stands", func(t *testing.T) {
		var n noted
		h := newHouse(t, map[string][]reply{"a": list(n.before(says(200, success)))})
		nb2(t, h, body)
		said(t, nb2(t, h, talk(bare)), "placeholder")
	})
	story(t, "what is right passes byte for byte", func(t *testing.T) {
		var n noted
		h := remembering(t, newHouse(t, map[string][]reply{"a": list(n.before(says(200, success)))}))
		right := " " + talk(`{ "inline_data" : {"mime_type":"image/png","data":"`+pixel+`"}, "thought_signature":"b3RoZXI=" }`) + "\n"
		said(t, nb2(t, h, right), "")
		if n.bodies[0] != right {
			t.Errorf("arrived %q", n.bodies[0])
		}
	})
	story(t, "a model that signs nothing gets nothing", func(t *testing.T) {
		var n noted
		h := remembering(t, newHouse(t, map[string][]reply{"a": list(n.before(says(200, success)), says(503, capacity), n.before(says(200, success)))}))
		h.Policy.Attempts = 1
		nb2(t, h, body)
		ctx := relay.WithCaller(t.Context(), relay.Caller{Fallback: []plantain.Model{"gemini-2.5-flash-image"}})
		g := h.do(t, request(ctx, "nb2", talk(bare)))
		said(t, g, "")
		if n.bodies[1] != talk(bare) || g.Header.Get("Plantain-Model-Fallback") == "" {
			t.Errorf("arrived %q", n.bodies[1])
		}
	})
	story(t, "tokens are counted of what came", func(t *testing.T) {
		var n noted
		h := remembering(t, newHouse(t, map[string][]reply{"a": list(n.before(says(200, `{"totalTokens":3}`)))}))
		r := request(t.Context(), "nb2", talk(bare))
		r.URL.Path = "/v1beta/models/nb2:countTokens"
		said(t, h.do(t, r), "")
		if n.bodies[0] != talk(bare) {
			t.Errorf("arrived %q", n.bodies[0])
		}
	})
	story(t, "a signature behind its part in a stream", func(t *testing.T) {
		var n noted
		late := strings.Replace(lastFrame, `{"text":""}`, `{"text":"","thoughtSignature":"c2ln"}`, 1)
		h := remembering(t, newHouse(t, map[string][]reply{"a": list(streams(nil, imageFrame, late), n.before(says(200, success)))}))
		if g := h.do(t, streamRequest(t.Context(), "alt=sse")); g.body != imageFrame+late {
			t.Errorf("got %q", g.body)
		}
		said(t, nb2(t, h, talk(bare)), "memory")
		if n.bodies[0] != talk(signed) {
			t.Errorf("arrived %q", n.bodies[0])
		}
	})
}

// The row thought_signature of the retry table: healed before sending; if it is still
// refused, healed harder once, then an error that names the turn.
func TestWhatIsStillRefusedIsFlattenedOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body    string
		script  []reply
		arrived []string
		status  int
		healed  string
		calls   string
	}{
		"then it passes": {talk(bare), list(says(400, missing), says(200, success)), []string{talk(dummied), flat}, 200, "flattened", "aa"},
		"a corrupted one of the client's own": {talk(signed), list(says(400, strings.Replace(missing, "Image part is missing a thought_signature in content position 2, part position 1.", "Corrupted thought signature.", 1)), says(200, success)),
			[]string{talk(signed), flat}, 200, "flattened", "aa"},
		"it stays flat while Google is busy": {talk(bare), list(says(400, missing), says(503, capacity), says(200, success)), []string{talk(dummied), flat, flat}, 200, "flattened", "aaa"},
		"refused again":                      {talk(bare), list(says(400, missing)), []string{talk(dummied), flat}, 400, "flattened", "aa"},
		"nothing to flatten":                 {body, list(says(400, missing), says(200, success)), []string{body}, 400, "", "a"},
	} {
		story(t, name, func(t *testing.T) {
			var n noted
			for i := range c.script {
				c.script[i] = n.before(c.script[i])
			}
			h := newHouse(t, map[string][]reply{"a": c.script})
			g := h.do(t, request(context.Background(), "nb2", c.body))
			if g.StatusCode != c.status || g.Header.Get("Plantain-Healed") != c.healed || h.google.calls() != c.calls {
				t.Errorf("got %d healed by %q after asking %s", g.StatusCode, g.Header.Get("Plantain-Healed"), h.google.calls())
			}
			if !slices.Equal(n.bodies, c.arrived) {
				t.Errorf("arrived\n%s\nwant\n%s", strings.Join(n.bodies, "\n"), strings.Join(c.arrived, "\n"))
			}
			if c.status == 400 {
				if !strings.Contains(g.body, "content position 2, part position 1") || g.detail(t)["verdict"] != "thought_signature" {
					t.Errorf("the error does not name the turn: %s", g.body)
				}
			}
			if g.took > 40*time.Second {
				t.Errorf("took %v", g.took)
			}
		})
	}
	story(t, "another model that refuses it gets it once", func(t *testing.T) {
		var n noted
		h := newHouse(t, map[string][]reply{"a": list(n.before(says(400, missing)), n.before(says(503, capacity)), n.before(says(400, missing)))})
		h.Policy.Attempts = 2
		ctx := relay.WithCaller(t.Context(), relay.Caller{Fallback: []plantain.Model{"pro"}})
		h.do(t, request(ctx, "nb2", talk(bare)))
		if !slices.Equal(n.bodies, []string{talk(dummied), flat, flat}) {
			t.Errorf("arrived\n%s", strings.Join(n.bodies, "\n"))
		}
	})
}
