package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// An Estimate is what a request would cost, and when it could be sent. It is the
// answer, as JSON, to a [Caller] who wants to know only that.
type Estimate struct {
	Model plantain.Model `json:"model"` // the one that serves
	Size  string         `json:"size"`
	// Cost of one picture of that size, by the price of the project: without a word
	// beside it, to with a generous amount of text and thinking. An answer may bring more
	// pictures, each of them billed: up to Most.
	Cost    plantain.Cost        `json:"cost"`
	Most    plantain.Nanodollars `json:"most_nanodollars"`
	Project plantain.ProjectName `json:"project,omitempty"` // that would be asked; empty: none is known
	// At is the earliest second at which there is room, by what is known at present;
	// zero with Never.
	At    time.Time `json:"at,omitzero"`
	Wait  float64   `json:"wait_seconds"`
	Never bool      `json:"never,omitempty"` // no wait helps until somebody changes something
	Why   string    `json:"why,omitempty"`   // it can't be sent at once; empty: it can
	// NoFinal says of a draft why no final can be made of it here, and what would let it;
	// empty: one can.
	NoFinal string `json:"no_final,omitempty"`
}

// estimate reckons a request without sending it: nothing is written, no room is
// taken.
func (t *Transport) estimate(r *http.Request, a *ask) (*http.Response, error) {
	defer a.body.Release()
	if a.route.free() {
		return badRequest("", "a call that costs nothing has no estimate", "Ask for that of generateContent or streamGenerateContent.").
			response(r, header{request: a.id}), nil
	}
	if err := t.keeping.able(); err != nil {
		return t.refuse(a, nil, 0, err).response(r), nil
	}
	now := t.now()
	e := t.reckon(a, now)
	price, factor := t.price(a.entry, a.asked.ServiceTier, now), t.set().Ways[e.Project].Factor
	e.Cost = plantain.Cost{Low: ledger.Least(a.entry, price, a.asked, factor), High: ledger.Estimate(a.entry, price, a.asked, factor)}
	e.Most = ledger.Most(a.entry, price, a.asked, factor)
	if a.caller.Draft != "" {
		e.NoFinal = t.noFinal()
	}
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, err
	}
	h := http.Header{"Content-Type": {"application/json; charset=UTF-8"}}
	return newResponse(r, http.StatusOK, h, io.NopCloser(bytes.NewReader(append(text, '\n'))), int64(len(text)+1)), nil
}

// noFinal says why of what is made from now on there can be no final.
func (t *Transport) noFinal() string {
	switch {
	case t.Gallery == nil:
		return "pictures are not kept here (retention: {images: 30d, images_max: 20GB} keeps new ones)"
	case t.Gallery.Wordless:
		return "prompts are not kept here (retention: {prompts: true} keeps new ones)"
	default:
		return ""
	}
}

// reckon finds the project that would be asked, and when it has room for a request
// that takes its place behind those that wait.
func (t *Transport) reckon(a *ask, now time.Time) Estimate {
	e := Estimate{Model: a.entry.ID, Size: a.asked.Size}
	if e.Size == "" {
		e.Size = a.entry.DefaultSize
	}
	f := &flight{ask: a}
	m, none := t.choose(f, nil)
	if m != nil {
		e.Project = m.Name
	}
	if others := t.queue.Line(a.entry.ID); others > 0 {
		none = t.behind(f, none, others)
	}
	switch {
	case none != nil:
		e.At, e.Never, e.Why = none.At, none.Forever, none.Error()
		if e.Project == "" {
			e.Project = none.Project
		}
	case m == nil:
		e.Never, e.Why = true, "no project is left to ask"
	default:
		e.At = now
	}
	if over := (*pool.OverLimit)(nil); errors.As(t.allows(a, 1), &over) {
		e.Why, e.At = over.Error(), latest(e.At, over.At)
		e.Never = e.Never || over.At.IsZero() && !over.Waits
	}
	if e.Never {
		e.At = time.Time{}
		return e
	}
	if wait := e.At.Sub(now); wait > 0 {
		e.At = e.At.Add(time.Second - 1).Truncate(time.Second)
		e.Wait = e.At.Sub(now).Seconds()
	}
	return e
}
