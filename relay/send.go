package relay

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/internal/spool"
)

// got is what came of an attempt.
type got struct {
	facts gemini.Facts
	body  *spool.Buffer // nil: no answer came
	sent  time.Time     // when the last request byte left; zero: it did not
	lost  error         // the disk failed: the answer was read to its end, but not kept
	// encoding is the Content-Encoding of a body that is handed on as it came, because
	// nobody here can read it; empty: it is plain.
	encoding string
}

func (g *got) release() {
	if g != nil {
		g.body.Release()
	}
}

// send makes one exchange with one project and reads the answer whole. The
// attempt has a context of its own: once it is out it may be charged, so it is
// finished whoever leaves.
func (t *Transport) send(f *flight, o *out, n int) *got {
	a := f.ask
	begun := t.now()
	ctx, cancel := context.WithTimeout(context.Background(), t.Clock.Real(o.attempt.Deadline.Sub(begun)-settling))
	defer cancel()
	var trace progress
	g := &got{facts: gemini.Facts{Asked: a.asked}}
	body := t.healed(a)
	defer func() { _ = body.close() }() // it was only read
	req, err := t.outgoing(httptrace.WithClientTrace(ctx, trace.client()), o, a, body, &trace)
	if err != nil {
		g.facts.Err = err
		return g
	}
	res, err := t.client.RoundTrip(req)
	if err != nil {
		g.facts.Stage, g.facts.Err = trace.stage(), err
		g.sent = t.sentAt(&trace, begun)
		g.facts.Took = t.now().Sub(begun)
		return g
	}
	defer res.Body.Close()
	g.facts.Status, g.facts.Header = res.StatusCode, res.Header
	for _, values := range res.Header {
		for i := range values {
			values[i] = o.conceal(values[i])
		}
	}
	t.read(f, o, g, res, n)
	g.sent = t.sentAt(&trace, begun)
	g.facts.Took = t.now().Sub(begun)
	return g
}

// outgoing builds the request to Google. Its body can be had again, so that the
// standard client may repeat what never left on a connection that had gone
// stale; a POST of which a byte was written it does not repeat.
func (t *Transport) outgoing(ctx context.Context, o *out, a *ask, body *sendable, trace *progress) (*http.Request, error) {
	address, err := o.way.Address(a.route.path(a.entry), a.query)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, a.method, address.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = a.header.Clone()
	if !a.deadline.IsZero() && a.header.Get("X-Server-Timeout") != "" {
		left := max(a.deadline.Sub(t.now()).Seconds(), 1)
		req.Header.Set("X-Server-Timeout", strconv.Itoa(int(math.Ceil(left))))
	}
	if err := o.way.Authorize(ctx, req); err != nil {
		return nil, err
	}
	if a.body != nil {
		req.ContentLength = body.length()
		req.GetBody = func() (io.ReadCloser, error) { return &counted{body: body.reader(), trace: trace}, nil }
		req.Body, _ = req.GetBody()
	}
	return req, nil
}

// scanners holds those not in use, which keep their buffers.
var scanners = sync.Pool{New: func() any { return gemini.NewScanner("") }}

// read spools the answer and shows it to the scanner as it comes. It is held: the
// client sees of it what the loop lets go.
func (t *Transport) read(f *flight, o *out, g *got, res *http.Response, n int) {
	body, err := g.decoded(res)
	if err != nil {
		g.facts.Stage, g.facts.Err = plantain.Reading, err
		return
	}
	body = &bounded{from: body, most: t.set().maxAnswer()}
	scan := scanners.Get().(*gemini.Scanner)
	defer func() { scan.OnEvent = nil; scanners.Put(scan) }()
	scan.Reset(res.Header.Get("Content-Type"))
	tap := func(p []byte) { _, _ = scan.Write(p) }
	if g.encoding != "" {
		tap = func([]byte) {}
	}
	served := res.StatusCode == http.StatusOK
	if served && !f.ask.route.streams() {
		body = gathered{body}
	}
	g.body = t.spool.Buffer()
	if served && f.ask.route.pays() {
		g.body = t.spool.LargeBuffer() // a picture
	}
	g.body.Hold()
	if served && f.ask.route.streams() {
		scan.OnEvent = t.stream(f, o, g, scan, n)
	}
	err = g.body.Fill(body, tap)
	if disk := (*spool.DiskError)(nil); errors.As(err, &disk) {
		// It is paid for: what it was must still reach the ledger.
		g.lost = disk
		_ = t.spoolFailed(disk, g.body.Len())
		_, err = io.Copy(scan, body)
	}
	g.facts.Body = scan.Finish()
	if g.encoding != "" {
		g.facts.Body = gemini.Body{Form: gemini.FormText, Bytes: g.body.Len()}
	}
	g.facts.Stage, g.facts.Err = plantain.Done, err
	if err != nil {
		g.facts.Stage = plantain.Reading
	}
}

// gather is how much of an answer is read at once at least.
const gather = 256 << 10

// gathered reads much at once of what nobody gets before its end: what comes at once is
// little, a chunk of Google's encoding or a record of TLS, and goes to a file in a write of
// its own once memory is used up.
type gathered struct{ from io.Reader }

func (g gathered) Read(p []byte) (n int, err error) {
	for most := min(len(p), gather); n < most && err == nil; {
		var more int
		more, err = g.from.Read(p[n:])
		n += more
	}
	return n, err
}

// decoded gives the body as it was before it was compressed, which an aggregator may
// do although asked not to, and takes the header off that said so.
func (g *got) decoded(res *http.Response) (io.Reader, error) {
	encoding := strings.TrimSpace(strings.Join(res.Header.Values("Content-Encoding"), ", "))
	switch strings.ToLower(encoding) {
	case "gzip", "x-gzip":
		plain, err := gzip.NewReader(res.Body)
		if err != nil {
			return nil, fmt.Errorf("read what is called gzip: %w", err)
		}
		res.Header.Del("Content-Encoding")
		return plain, nil
	case "", "identity":
		res.Header.Del("Content-Encoding")
	default:
		g.encoding = encoding
	}
	return res.Body, nil
}

// MaxAnswer is where an answer is cut off: ten 4K pictures with their signatures
// are 200 to 300 MB, a single one 20 to 30, and Google's own SDKs read no more than
// 256 MB at once (gemini-api.md §4, §5). Beyond it an upstream is broken, or means
// harm.
const MaxAnswer = 256 << 20

func (s *Settings) maxAnswer() int64 { return cmp.Or(s.MaxAnswer, MaxAnswer) }

// A tooLarge error says that an answer was cut off at a number of bytes.
type tooLarge int64

func (n tooLarge) Error() string {
	return fmt.Sprintf("the answer was larger than %d MB and was cut off", int64(n)>>20)
}

// bounded reads no more than most.
type bounded struct {
	from io.Reader
	read int64
	most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.read >= b.most {
		// One byte more tells an answer of just that length from a longer one.
		if n, err := b.from.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, tooLarge(b.most)
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.most-b.read)])
	b.read += int64(n)
	return n, err
}

// progress follows how far an exchange got. Its hooks run on the goroutines of
// the HTTP client.
type progress struct {
	connected atomic.Bool
	read      atomic.Int64 // when the client had taken the whole body, Unix nanoseconds by the real clock
	wrote     atomic.Int64 // when all of it had left; some clients do not tell
}

func (p *progress) client() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { p.connected.Store(true) },
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				p.wrote.Store(time.Now().UnixNano())
			}
		},
	}
}

// stage says how far an exchange without an answer got. Once the client has
// taken the whole body from us, all of it may have left.
func (p *progress) stage() plantain.Stage {
	switch {
	case p.wrote.Load() != 0 || p.read.Load() != 0:
		return plantain.Waiting
	case p.connected.Load():
		return plantain.Sending
	default:
		return plantain.Dialing
	}
}

// sentAt is when the last byte left, by the Transport's clock: as the client told,
// else when it had taken the last one; now where it had taken only some.
func (t *Transport) sentAt(p *progress, begun time.Time) time.Time {
	left := p.wrote.Load()
	if left == 0 {
		left = p.read.Load()
	}
	switch {
	case left != 0:
		ago := time.Since(time.Unix(0, left))
		return latest(begun, t.now().Add(-ago))
	case p.connected.Load():
		return t.now()
	default:
		return time.Time{}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// counted notes when a body was taken to its end. An HTTP/2 client may close a body
// while it reads it, and read it once more after that, when the request is over and the
// memory of the body is another's: then there is nothing to be read.
type counted struct {
	trace *progress

	mu     sync.Mutex // guards what follows
	body   io.ReadCloser
	closed bool
}

func (c *counted) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, os.ErrClosed
	}
	n, err := c.body.Read(p)
	if errors.Is(err, io.EOF) {
		c.trace.read.Store(time.Now().UnixNano())
	}
	return n, err
}

func (c *counted) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.body.Close()
}
