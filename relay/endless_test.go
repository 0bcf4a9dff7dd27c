package relay_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
)

// endless is an answer that never ends, and counts how much was read of it.
type endless struct {
	head io.Reader
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.head.Read(p)
	if err != nil {
		for n = range p {
			p[n] = 'A'
		}
		n = len(p)
	}
	e.read += int64(n)
	return n, nil
}

func (e *endless) Close() error { return nil }

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	for name, c := range map[string]struct{ verb, query, kind, head string }{
		"whole":  {"generateContent", "", "application/json", `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"`},
		"events": {"streamGenerateContent", "alt=sse", "text/event-stream", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Here\"}]}}]}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\""},
	} {
		story(t, name, func(t *testing.T) {
			upstream := &endless{head: strings.NewReader(c.head)}
			h := newHouse(t, map[string][]reply{"a": list(after(time.Second, says(200, success))), "b": list(func(r *http.Request) (*http.Response, error) {
				take(r)
				return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {c.kind}}, Body: upstream, ContentLength: -1, Request: r}, nil
			})})
			h.MaxAnswer = most
			other := make(chan got)
			go func() { other <- h.do(t, request(context.Background(), "nb2", body)) }()
			synctest.Wait() // it is out, on a
			r := request(t.Context(), "nb2", body)
			r.URL.Path, r.URL.RawQuery = "/v1beta/models/nb2:"+c.verb, c.query
			g := h.do(t, r)
			if other := <-other; other.StatusCode != 200 || other.body != success {
				t.Errorf("another one in flight got %d", other.StatusCode)
			}
			if want := "larger than 1 MB"; !strings.Contains(g.body, want) {
				t.Errorf("%q is not said: %d %.500s", want, g.StatusCode, g.body)
			}
			if upstream.read > most+1<<20 {
				t.Errorf("%d bytes were read", upstream.read)
			}
			unknown := 0
			for _, e := range h.books.entries {
				if e.Verdict.Class == plantain.Unanswered && e.Verdict.Charged == plantain.ChargedUnknown && e.Cost.High > 0 {
					unknown++
				}
			}
			if unknown != 1 || len(h.books.entries) != 2 {
				t.Errorf("%d of %d attempts stand as unknown, want 1 of 2", unknown, len(h.books.entries))
			}
		})
	}
}
