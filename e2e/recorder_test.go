package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// A recorder stands between a gateway and the simulator and keeps what was asked for.
type recorder struct {
	URL string

	mu  sync.Mutex
	all []recorded
}

// recorded is a request of generateContent, streamed or not.
type recorded struct {
	path string
	body []byte
}

func record(t *testing.T, upstream string) *recorder {
	t.Helper()
	to, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil || int64(len(body)) != q.ContentLength {
			t.Errorf("%d bytes arrived of %d: %v", len(body), q.ContentLength, err)
		}
		if strings.Contains(q.URL.Path, "enerateContent") {
			r.mu.Lock()
			r.all = append(r.all, recorded{q.URL.Path, body})
			r.mu.Unlock()
		}
		q.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *recorder) last() recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[len(r.all)-1]
}
