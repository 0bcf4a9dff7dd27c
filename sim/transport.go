package sim

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// Transport reaches the server without a socket, for tests in a synctest bubble. It behaves like a connection: an
// answer may begin before the request is read, a handler that aborts gives io.EOF before the headers and
// io.ErrUnexpectedEOF after them, and closing the answer's body or ending the context lets the server see it.
func (s *Server) Transport() http.RoundTripper { return inMemory{s} }

type inMemory struct{ h http.Handler }

// RoundTrip serves the request in a goroutine that ends with the handler.
func (t inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	ctx, leave := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	w := &memoryWriter{header: http.Header{}, body: pw, begun: make(chan struct{})}
	go func() {
		defer leave()
		defer in.Body.Close()
		var end error
		defer func() {
			if v := recover(); v != nil {
				end = io.ErrUnexpectedEOF
				if v != http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
					defer panic(v)
				}
			}
			w.finish(end)
		}()
		t.h.ServeHTTP(w, in)
	}()
	select {
	case <-w.begun:
	case <-r.Context().Done():
		pr.CloseWithError(r.Context().Err())
		return nil, r.Context().Err()
	}
	if w.failed {
		return nil, io.EOF
	}
	return &http.Response{
		Status: http.StatusText(w.code), StatusCode: w.code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &memoryBody{pr, leave}, ContentLength: -1, Request: r,
	}, nil
}

// memoryWriter is the server's end.
type memoryWriter struct {
	header http.Header
	body   *io.PipeWriter
	begun  chan struct{}
	once   sync.Once

	// Written before begun is closed, read after.
	code   int
	sent   http.Header
	failed bool
}

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(code int) {
	w.once.Do(func() {
		w.code, w.sent = code, w.header.Clone()
		close(w.begun)
	})
}

func (w *memoryWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush is for handlers that stream: nothing is held back here.
func (w *memoryWriter) Flush() { w.WriteHeader(http.StatusOK) }

// EnableFullDuplex is always so here.
func (w *memoryWriter) EnableFullDuplex() error { return nil }

func (w *memoryWriter) finish(err error) {
	w.once.Do(func() {
		w.code, w.sent, w.failed = http.StatusOK, w.header.Clone(), err != nil
		close(w.begun)
	})
	w.body.CloseWithError(err) // nil closes with EOF
}

// memoryBody tells the server when the client closes it.
type memoryBody struct {
	*io.PipeReader
	leave context.CancelFunc
}

func (b *memoryBody) Close() error {
	b.leave()
	return b.PipeReader.Close()
}
