package relay_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// Frames of a stream, as recorded: no event line, no comment, no [DONE].
const (
	textFrame  = `data: {"candidates":[{"content":{"parts":[{"text":"Here "}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5},"modelVersion":"gemini-3.1-flash-image","responseId":"R1"}` + "\r\n\r\n"
	imageFrame = `data: {"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"` + pixel + `"}}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5},"responseId":"R1"}` + "\r\n\r\n"
	lastFrame  = `data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1518,"totalTokenCount":1523,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}]},"responseId":"R1"}` + "\r\n\r\n"
	errorTail  = "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded. Please try again later.\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n"
)

// streams sends pieces a second apart, and then ends with err (nil: in order).
func streams(err error, pieces ...string) reply {
	return func(r *http.Request) (*http.Response, error) {
		take(r)
		body, w := io.Pipe()
		go func() {
			for i, p := range pieces {
				if i > 0 {
					time.Sleep(time.Second)
				}
				_, _ = io.WriteString(w, p)
			}
			if err == nil {
				err = io.EOF
			}
			_ = w.CloseWithError(err)
		}()
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: body, ContentLength: -1, Request: r}, nil
	}
}

func streamRequest(ctx context.Context, query string) *http.Request {
	r := request(ctx, "gemini-3.1-flash-image", body)
	r.URL.Path = "/v1beta/models/gemini-3.1-flash-image:streamGenerateContent"
	r.URL.RawQuery = query
	return r
}

func TestEventsArriveAsTheyAreSentAndNothingIsAdded(t *testing.T) {
	t.Parallel()
	story(t, "sse", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(streams(nil, textFrame, imageFrame, lastFrame))})
		begun := time.Now()
		res, err := h.RoundTrip(streamRequest(t.Context(), "alt=sse"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewReader(res.Body)
		for i, want := range []string{textFrame, imageFrame, lastFrame} {
			var got strings.Builder
			for !strings.HasSuffix(got.String(), "\r\n\r\n") {
				line, err := lines.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString(line)
			}
			if got.String() != want {
				t.Errorf("event %d: got %q, want %q", i, got.String(), want)
			}
			if at := time.Since(begun); at != time.Duration(i)*time.Second {
				t.Errorf("event %d came after %v", i, at)
			}
		}
		if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
			t.Errorf("more came: %q, %v", rest, err)
		}
		if e := h.books.entries; len(e) != 1 || e[0].Verdict.Class != plantain.Success || e[0].Images != 1 || e[0].Cost != plantain.Exactly(68_396_500) {
			t.Errorf("settled %+v", e)
		}
	})
}

// slowBooks takes a while to settle.
type slowBooks struct{ books }

func (b *slowBooks) Settle(ctx context.Context, e ledger.Entry, keys []pool.Key, fn func(pool.States) error) error {
	time.Sleep(10 * time.Second)
	return b.books.Settle(ctx, e, keys, fn)
}

func TestTheEndOfAnAnswerIsHeldUntilItIsSettled(t *testing.T) {
	t.Parallel()
	long := success + strings.Repeat(" ", 1<<20)
	for name, c := range map[string]struct {
		reply reply
		query string
		early string // what may be seen before
	}{
		"a stream": {streams(nil, textFrame, lastFrame), "alt=sse", textFrame},
		"short":    {says(200, success), "", ""},
		"long":     {says(200, long), "", long[:1<<20]},
	} {
		story(t, name, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(c.reply)})
			h.Books = &slowBooks{}
			r := streamRequest(t.Context(), c.query)
			if c.query == "" {
				r = request(t.Context(), "nb2", body)
			}
			res, err := h.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			early := make([]byte, len(c.early))
			if _, err := io.ReadFull(res.Body, early); err != nil || string(early) != c.early {
				t.Fatalf("got %q, %v", early, err)
			}
			begun := time.Now()
			if _, err := io.ReadAll(res.Body); err != nil {
				t.Fatal(err)
			}
			if held := time.Since(begun); held < 9*time.Second {
				t.Errorf("the end came %v later, before it was settled", held)
			}
		})
	}
}

func TestAStreamIsRetriedOnlyBeforeItsFirstEvent(t *testing.T) {
	t.Parallel()
	story(t, "an error status", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(says(503, capacity), streams(nil, textFrame, lastFrame))})
		if g := h.do(t, streamRequest(t.Context(), "alt=sse")); g.body != textFrame+lastFrame || h.google.calls() != "aa" {
			t.Errorf("asked %s, got %q", h.google.calls(), g.body)
		}
	})
	story(t, "an error in place of the first event", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(streams(nil, errorTail), streams(nil, textFrame, lastFrame))})
		if g := h.do(t, streamRequest(t.Context(), "alt=sse")); g.body != textFrame+lastFrame || h.google.calls() != "aa" {
			t.Errorf("asked %s, got %q", h.google.calls(), g.body)
		}
	})
	story(t, "an error in the middle is handed on as it came", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(streams(nil, textFrame, errorTail))})
		if g := h.do(t, streamRequest(t.Context(), "alt=sse")); g.body != textFrame+errorTail || h.google.calls() != "a" {
			t.Errorf("asked %s, got %q", h.google.calls(), g.body)
		}
	})
	story(t, "a filtered answer is sent once", func(t *testing.T) {
		frame := "data: " + strings.ReplaceAll(filtered, "\n", "") + "\r\n\r\n"
		h := newHouse(t, map[string][]reply{"a": list(streams(nil, frame))})
		g := h.do(t, streamRequest(t.Context(), "alt=sse"))
		if g.body != frame || h.google.calls() != "a" || g.Header.Get("Plantain-Verdict") != "safety_image" {
			t.Errorf("asked %s, got %s %q", h.google.calls(), g.Header.Get("Plantain-Verdict"), g.body)
		}
	})
}

func TestACutStreamEndsAsGoogleEndsOne(t *testing.T) {
	t.Parallel()
	story(t, "server-sent events", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(streams(io.ErrUnexpectedEOF, textFrame, imageFrame[:90]))})
		g := h.do(t, streamRequest(t.Context(), "alt=sse"))
		rest, ok := strings.CutPrefix(g.body, textFrame)
		if !ok || !strings.HasPrefix(rest, `{"error":`) || !strings.Contains(rest, `"domain":"plantain"`) || h.google.calls() != "a" {
			t.Errorf("asked %s, got %q", h.google.calls(), g.body)
		}
		if e := h.books.entries[0]; e.Verdict.Class != plantain.Unanswered || e.Cost.Known() {
			t.Errorf("settled as %s at %v", e.Verdict.Class, e.Cost)
		}
	})
	story(t, "a JSON array", func(t *testing.T) {
		element := strings.TrimSuffix(strings.TrimPrefix(textFrame, "data: "), "\r\n\r\n")
		h := newHouse(t, map[string][]reply{"a": list(streams(io.ErrUnexpectedEOF, "["+element, ",\r\n{\"candidates\""))})
		g := h.do(t, streamRequest(t.Context(), ""))
		if !strings.HasPrefix(g.body, "["+element+",\r\n{\"error\":") || !strings.HasSuffix(strings.TrimSpace(g.body), "]") {
			t.Errorf("got %q", g.body)
		}
	})
	story(t, "its client may leave", func(t *testing.T) {
		h := newHouse(t, map[string][]reply{"a": list(streams(nil, textFrame, imageFrame, lastFrame))})
		ctx, cancel := context.WithCancel(t.Context())
		res, err := h.RoundTrip(streamRequest(ctx, "alt=sse"))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		_, _ = io.ReadAll(res.Body)
		res.Body.Close()
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if e := h.books.entries; len(e) != 1 || e[0].Verdict.Class != plantain.Success {
			t.Errorf("settled %+v", e)
		}
	})
}
