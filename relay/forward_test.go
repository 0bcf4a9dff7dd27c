package relay_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestOnlyWhatGoogleNeedsLeavesTheHouse(t *testing.T) {
	t.Parallel()
	sent := map[string]string{
		"Content-Type": "application/json", "User-Agent": "google-genai-sdk/1.77.0 gl-go/go1.26.8", "X-Goog-Api-Client": "google-genai-sdk/1.77.0",
		"X-Server-Timeout": "60", "X-Vertex-Ai-Llm-Shared-Request-Type": "flex",
		// What follows is the client's own business, or would change what comes back.
		"Cookie": "session=1", "X-Api-Key": "k", "Authorization": "Bearer k", "X-Goog-Api-Key": "k", "X-Goog-User-Project": "p",
		"Range": "bytes=0-9", "If-None-Match": "x", "Accept": "application/x-protobuf", "Accept-Encoding": "gzip", "X-Goog-Fieldmask": "candidates",
		"X-Forwarded-For": "10.0.0.1", "X-Real-Ip": "10.0.0.1", "Forwarded": "for=10.0.0.1", "Via": "1.1 a", "Cf-Connecting-Ip": "10.0.0.1",
		"Connection": "X-Private", "X-Private": "1", "Te": "trailers", "Upgrade": "h2c", "Traceparent": "00-1-1-01", "Origin": "http://a",
		"Idempotency-Key": "k", "Plantain-Priority": "high", "X-Http-Method-Override": "DELETE",
	}
	ask := func(t *testing.T, method, path, query string) (http.Header, string) {
		var seen *http.Request
		h := newHouse(t, map[string][]reply{"a": list(func(r *http.Request) (*http.Response, error) {
			seen = r
			return says(200, success)(r)
		})})
		r := request(t.Context(), "nb2", body)
		if method == http.MethodGet {
			r.Body, r.ContentLength = nil, 0
		}
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		for name, value := range sent {
			r.Header.Set(name, value)
		}
		h.do(t, r)
		return seen.Header, seen.URL.RawQuery
	}
	names := func(h http.Header) string {
		var all []string
		for name := range h {
			all = append(all, name)
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	const always = "Accept-Encoding Content-Type User-Agent X-Goog-Api-Client X-Goog-Api-Key"
	story(t, "an image", func(t *testing.T) {
		head, query := ask(t, http.MethodPost, "/v1beta/models/nb2:streamGenerateContent", "alt=sse&key=k&fields=candidates&%24fields=x&prettyPrint=false&callback=f&access_token=t&quotaUser=u")
		if got, want := names(head), always+" X-Server-Timeout X-Vertex-Ai-Llm-Shared-Request-Type"; got != want {
			t.Errorf("sent %s\nwant %s", got, want)
		}
		if head.Get("Accept-Encoding") != "identity" || head.Get("X-Goog-Api-Key") != "key-a" || query != "alt=sse" {
			t.Errorf("sent %v and ?%s", head, query)
		}
	})
	story(t, "a list", func(t *testing.T) {
		head, query := ask(t, http.MethodGet, "/v1beta/models", "pageSize=5&pageToken=t&key=k&fields=models.name")
		if got, want := names(head), always+" X-Goog-Fieldmask X-Server-Timeout X-Vertex-Ai-Llm-Shared-Request-Type"; got != want {
			t.Errorf("sent %s\nwant %s", got, want)
		}
		if query != "fields=models.name&pageSize=5&pageToken=t" {
			t.Errorf("sent ?%s", query)
		}
	})
}

// An answer in another form than JSON would cost what nobody here could read.
func TestAFormThatCannotBeReadIsRefusedBeforeItCosts(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"alt=proto", "%24alt=proto", "alt=media"} {
		story(t, query, func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
			r := request(t.Context(), "nb2", body)
			r.URL.RawQuery = query
			if g := h.do(t, r); g.StatusCode != 400 || h.google.calls() != "" || !strings.Contains(g.body, "alt") {
				t.Errorf("got %d after asking %q: %s", g.StatusCode, h.google.calls(), g.body)
			}
		})
	}
}

func TestTheLengthOfARequestNeedNotBeKnown(t *testing.T) {
	t.Parallel()
	for length, want := range map[int64]int{int64(len(body)): 200, -1: 200, 0: 200, 7: 400} {
		story(t, fmt.Sprint(length), func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(says(200, success))})
			r := request(t.Context(), "nb2", body)
			r.ContentLength = length
			if got := h.do(t, r); got.StatusCode != want {
				t.Errorf("got %d, want %d: %s", got.StatusCode, want, got.body)
			}
		})
	}
}
