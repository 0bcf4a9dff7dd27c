package relay

import (
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// stream gives what to do at the end of each event of a streamed answer. Events
// are let go as they are whole; the first one answers the request, after which
// there is no other attempt. From the event on that ends the answer, well or not,
// all is held until the books are settled: that a client saw the end means that
// it stands in the ledger.
func (t *Transport) stream(f *flight, o *out, g *got, scan *gemini.Scanner, n int) func(end int64) {
	ending := false
	return func(end int64) {
		b := scan.SoFar()
		ending = ending || b.FinishReason != "" || b.BlockReason != "" || len(b.Errors) > 0
		if ending {
			return
		}
		g.body.Show(end)
		if f.answer == nil {
			h := f.ask.heading(n)
			h.project, h.image, h.running = o.member.Name, mapped(f.ask), true
			f.depart(&answer{
				header: h, status: g.facts.Status, google: g.facts.Header, body: g.body.Retain(), length: -1,
			})
		}
	}
}

// arrive ends an answer that has departed: with the rest of it, or, where the
// rest never came, with an error as Google ends a stream that fails
// (gemini-api.md §5).
func (t *Transport) arrive(a *ask, r *result, n int) {
	if tail := t.tail(a, r, n); tail != nil {
		r.body.Abort(tail)
		return
	}
	r.body.End()
}

// tail is what stands in a stream for the rest that never came; nil: it is handed on
// as it came, an error of Google's own at its end included.
func (t *Transport) tail(a *ask, r *result, n int) []byte {
	broken := r.verdict.Class == plantain.Unanswered && len(r.facts.Body.Errors) == 0
	if !a.route.streams() || !broken && r.lost == nil {
		return nil
	}
	return t.streamError(a, r, n)
}

// departed is what the client of a departed stream has of it in the end.
func (t *Transport) departed(a *ask, r *result, n int) *answer {
	return &answer{header: a.headingOf(r, n), status: r.facts.Status, google: r.facts.Header, body: r.body.Retain(), length: -1, tail: t.tail(a, r, n)}
}

// streamError is an error in the middle of a stream: raw among server-sent
// events, on one line because Google's Python SDK looks for {"error": at its
// start, and one more element of a streamed array.
func (t *Transport) streamError(a *ask, r *result, n int) []byte {
	refused := unanswered(r)
	if r.lost != nil {
		refused = lostOnDisk(r)
	}
	h := a.heading(n)
	h.project, h.verdict = r.member.Name, r.verdict.Class
	text := string(refused.google(h).compact())
	if strings.Contains(a.query, "alt=sse") {
		// Without a blank line behind it: the JavaScript SDK would take it for an event
		// that is none, and drop it in silence.
		return []byte(text + "\n")
	}
	return []byte(",\r\n" + text + "\r\n]\r\n")
}
