package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// wish is how a User-Agent names the size of the answer in bytes, and how long to wait
// before it.
const wish = "bench/%d %s"

// piece is how much the upstream sends at once, as the simulator does. There is no
// Content-Length: recordings by clients of HTTP/1.1 (of the official SDK for Python among
// them) have Google's successes in chunked encoding.
const piece = 32 << 10

// upstream answers every generateContent with a success as its wish says, from memory.
// The protocol is one of [protocols].
func upstream(protocol string) {
	var bodies sync.Map
	var made atomic.Int64
	serve(protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		var size int
		var wait string
		if _, err := fmt.Sscanf(r.UserAgent(), wish, &size, &wait); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		delay, _ := time.ParseDuration(wait)
		body, ok := bodies.Load(size)
		if !ok {
			body, _ = bodies.LoadOrStore(size, answer(size))
		}
		time.Sleep(delay)
		text := body.([]byte)
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		// Each picture is another one, so that what a gateway keeps of it is not there yet.
		at := bytes.Index(text, []byte(jpegHead)) + len(jpegHead)
		_, _ = w.Write(text[:at])
		_, _ = fmt.Fprintf(w, "%08d", made.Add(1))
		for part := range slices.Chunk(text[at+8:], piece) {
			_, _ = w.Write(part)
		}
	}))
}

// jpegHead is the base64 of the head of a JPEG of 1024x1024: SOI, APP0 and SOF0.
const jpegHead = "/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCAQABAADASIAAhEBAxEB"

// answer is a success of about size bytes: half picture, half signature, as
// recorded answers are.
func answer(size int) []byte {
	half := strings.Repeat("QUJD", size/8)
	return []byte(`{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/jpeg","data":"` + jpegHead + half +
		`"},"thoughtSignature":"` + half + `"}],"role":"model"},"finishReason":"STOP","index":0}],` +
		`"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1518,"totalTokenCount":1523,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}]},` +
		`"modelVersion":"gemini-3.1-flash-image","responseId":"R"}`)
}

// reverseProxy is the baseline: httputil.ReverseProxy as its documentation shows it.
func reverseProxy(target string) {
	u, err := url.Parse(target)
	if err != nil {
		log.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.DisableCompression = 256, true
	serve("http", &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
	})
}

// protocols are the ways to the upstream: without TLS, so that nothing but the proxies is
// measured, with it, and with HTTP/2 offered too, as Google does.
var protocols = []string{"http", "https", "h2"}

// serve answers on a port of its own, with the certificate of [httptest.Server] where it
// is secured.
func serve(protocol string, h http.Handler) {
	s := httptest.NewUnstartedServer(h)
	if protocol == "http" {
		s.Start()
	} else {
		s.EnableHTTP2 = protocol == "h2"
		s.StartTLS()
	}
	fmt.Fprintf(os.Stderr, "listens on %s\n", s.URL)
	select {}
}
