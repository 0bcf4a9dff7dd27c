package sim

import (
	"cmp"
	"io"
	"net/http"
)

// answerEarly sends a picture, or an error, without waiting for the request: whoever relays it must not depend on a
// server that reads first. What the prompt says is not known, of course.
func (g *generation) answerEarly(f *Fault) *refusal {
	if f == nil {
		f = &Fault{Name: "early"}
	}
	g.fault = f
	http.NewResponseController(g.w).EnableFullDuplex() // an in-memory writer is duplex anyway
	// What is not read now net/http reads when the next request is due, and panics over reading twice.
	g.w.Header().Set("Connection", "close")
	n, _ := io.CopyN(io.Discard, g.r.Body, int64(f.Bytes))
	g.note(func(e *Request) { e.Fault, e.BodyBytes = f.Name, n })
	g.ask = &ask{model: g.model, size: "1K", ratio: "1:1", text: true, images: true, tier: "standard",
		textTokens: 1, prompt: "answered early"}
	if r := g.count(g.ask); r != nil {
		return r
	}
	if f.Status >= 400 {
		return &refusal{code: f.Status, status: statusName(f.Status), message: cmp.Or(f.Text, "The model is overloaded. Please try again later.")}
	}
	g.compose()
	g.charge()
	g.draw()
	g.fault = nil
	return g.deliver()
}
