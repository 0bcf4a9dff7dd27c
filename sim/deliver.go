package sim

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// deliver sends the answer: whole, in frames, or as the fault in delivery says.
func (g *generation) deliver() *refusal {
	switch g.delivery {
	case "drop":
		panic(http.ErrAbortHandler)
	case "empty":
		g.header(http.StatusOK, g.contentType())
		return nil
	case "midstream_error":
		if !g.stream {
			return g.midstream()
		}
	}
	g.header(http.StatusOK, g.contentType())
	e := newEmitter(g.pipe(), !g.sse)
	whole := false
	if g.stream {
		whole = g.frames(e)
	} else {
		g.answer.write(e, g.answer.parts, true)
		e.w.WriteByte('\n')
		whole = e.flush() == nil // an error means that the client left; it has been charged already
	}
	g.note(func(r *Request) { r.Whole = whole })
	return nil
}

func (g *generation) contentType() string {
	if g.sse {
		g.w.Header().Set("Content-Disposition", "attachment")
		return "text/event-stream"
	}
	return "application/json; charset=UTF-8"
}

// frames writes a stream (gemini-api.md §5): each part a frame, the picture whole, the last frame with finishReason
// and the full usage. Nothing else is between them: a comment or an event line breaks official SDKs. It reports
// whether the last one was sent.
func (g *generation) frames(e *emitter) bool {
	parts := g.answer.parts
	var late *signature
	if n := len(parts); g.s.opts.SignatureLast && n > 0 && parts[n-1].picture != nil {
		late, parts[n-1].sig = parts[n-1].sig, nil
	}
	for i, p := range parts {
		if g.delivery == "midstream_error" && i == g.breaksAt() {
			break
		}
		if p.picture != nil && g.wait(g.rest) != nil {
			return false
		}
		g.frame(e, i, parts[i:i+1], false)
	}
	if g.delivery == "midstream_error" {
		g.breakOff(e)
		return false
	}
	var last []outPart
	if len(parts) > 0 {
		last = []outPart{{sig: late}} // an empty text closes the turn, with the signature where it comes late
	}
	g.frame(e, len(parts), last, true)
	if !g.sse {
		e.w.WriteString("]\n")
	}
	return g.flush(e) == nil
}

// frame writes frame n: an event, or an element of the array.
func (g *generation) frame(e *emitter, n int, parts []outPart, final bool) {
	before, after := "data: ", "\r\n\r\n"
	if !g.sse {
		before, after = ",\r\n", "\n"
		if n == 0 {
			before = "["
		}
	}
	e.w.WriteString(before)
	e.more = false
	g.answer.write(e, parts, final)
	e.w.WriteString(after)
	g.flush(e)
}

func (g *generation) flush(e *emitter) error {
	return errors.Join(e.flush(), http.NewResponseController(g.w).Flush())
}

// breaksAt is how many parts come before midstream_error.
func (g *generation) breaksAt() int { return max(len(g.answer.parts)-1, 1) }

// brokeFree: a request that failed is free (gemini-api.md §8). One that failed when its picture had been delivered is
// nowhere spoken of; here it is charged, as every picture is that anyone got.
func (g *generation) brokeFree() bool {
	if g.delivery != "midstream_error" {
		return false
	}
	came := g.answer.parts[:min(g.breaksAt(), len(g.answer.parts))]
	return !g.stream || !slices.ContainsFunc(came, func(p outPart) bool { return p.picture != nil && !p.thought })
}

// midstream is what goes wrong after a stream has begun.
func (g *generation) midstream() *refusal {
	code := cmp.Or(g.fault.Status, http.StatusServiceUnavailable)
	text := "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later."
	if code == 499 {
		text = "The operation was cancelled."
	}
	return &refusal{code: code, status: statusName(code), message: cmp.Or(g.fault.Text, text)}
}

// breakOff ends a stream with a raw pretty error, without "data:", as Google's own fixtures have it.
func (g *generation) breakOff(e *emitter) {
	e.w.Write(g.midstream().body())
	g.flush(e)
}

// pipe is where the body goes: the client, or a fault on the way to it.
func (g *generation) pipe() io.Writer {
	switch g.delivery {
	case "cut":
		return &cutter{w: g.w, left: cmp.Or(g.fault.Bytes, 256<<10), then: func() { panic(http.ErrAbortHandler) }}
	case "malformed_json":
		return &cutter{w: g.w, left: cmp.Or(g.fault.Bytes, 256<<10), then: func() {}}
	case "slow":
		return &trickle{g: g, rate: cmp.Or(g.fault.Rate, 256<<10)}
	}
	return g.w
}

// cutter passes so many bytes, then either breaks the connection or ends the body as if it were complete.
type cutter struct {
	w    http.ResponseWriter
	left int
	then func()
}

var errCut = errors.New("the answer was cut")

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.w.Write(p)
	}
	n, _ := c.w.Write(p[:c.left])
	c.left = 0
	http.NewResponseController(c.w).Flush()
	c.then()
	return n, errCut
}

// trickle passes rate bytes a second, in ten pieces.
type trickle struct {
	g    *generation
	rate int
}

func (t *trickle) Write(p []byte) (int, error) {
	sent := 0
	for len(p) > 0 {
		n, err := t.g.w.Write(p[:min(len(p), max(t.rate/10, 1))])
		if sent += n; err != nil {
			return sent, err
		}
		http.NewResponseController(t.g.w).Flush()
		p = p[n:]
		if err := t.g.wait(time.Duration(n) * time.Second / time.Duration(t.rate)); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// The pages of servers between Google and its clients.
func googlePage(code int, text string) *refusal {
	return &refusal{code: code, mime: "text/html; charset=UTF-8", raw: fmt.Sprintf("<!DOCTYPE html>\n<html lang=en>\n"+
		"  <meta charset=utf-8>\n  <title>Error %d (%s)!!1</title>\n  <p><b>%d.</b> <ins>That’s an error.</ins>\n  <p>%s  "+
		"<ins>That’s all we know.</ins>\n", code, strings.ReplaceAll(http.StatusText(code), "Bad Gateway", "Server Error"), code, text)}
}

func proxyPage() *refusal {
	return &refusal{code: http.StatusBadGateway, mime: "text/html", raw: "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n" +
		"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"}
}
