package relay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// fallback is which other models may serve a request, and which one does. The
// zero value allows none.
type fallback struct {
	may    []gemini.Entry // in this order
	unable []string       // why others that are allowed cannot: "lite makes 1K only; asked 4K"
	from   plantain.Model // the one asked for, by the id that serves; empty: it serves itself
	why    string         // it does not
	// next is the one of them that has room first, at nextAt; empty: none will.
	next   plantain.Model
	nextAt time.Time
}

// allowFallback finds the models that are allowed, by the client's word before
// that of the configuration, and can do what was asked.
func (t *Transport) allowFallback(a *ask) error {
	names := t.set().Fallback
	if a.caller.Fallback != nil {
		names = a.caller.Fallback
	}
	for _, name := range names {
		e, known := t.set().catalogue().Lookup(name)
		switch {
		case !known && a.caller.Fallback != nil:
			return t.unknownFallback(name)
		case !known, e.ID == a.entry.ID, slices.ContainsFunc(a.fallback.may, func(o gemini.Entry) bool { return o.ID == e.ID }):
			continue
		}
		err := t.mayUse(a, e)
		if err == nil {
			err = able(e, a)
		}
		if err != nil {
			a.fallback.unable = append(a.fallback.unable, err.Error())
			continue
		}
		a.fallback.may = append(a.fallback.may, e)
	}
	return nil
}

func (t *Transport) unknownFallback(m plantain.Model) *refusal {
	r := t.unknownModel(m)
	return badRequest("Plantain-Fallback", r.message, r.verdict.Fix)
}

// able errs where a model cannot make what another was asked for, with the body
// as it is.
func able(e gemini.Entry, a *ask) error {
	if err := e.CheckSize(a.asked.Size); err != nil {
		return err
	}
	switch {
	case a.asked.Size != "" && e.OmitSize:
		return fmt.Errorf("%s takes no imageSize; asked %s", e.ID, a.asked.Size)
	case a.asked.Size == "" && e.DefaultSize != a.entry.DefaultSize:
		return fmt.Errorf("%s makes %s where no size is named, not %s", e.ID, e.DefaultSize, a.entry.DefaultSize)
	case a.asked.Images > e.MaxImages:
		return fmt.Errorf("%s takes %d pictures; the request has %d", e.ID, e.MaxImages, a.asked.Images)
	case ledger.InputTokens(e, a.asked) > e.MaxInputTokens:
		return fmt.Errorf("%s takes %d tokens, fewer than the request has", e.ID, e.MaxInputTokens)
	}
	return e.CheckRatio(a.asked.Ratio)
}

// until is how long a request waits for room: as long as its clients do. But for a
// model that is overloaded it waits no longer than the back-offs of its own attempts
// would take, where another one could be sent at once.
func (t *Transport) until(f *flight) bounds {
	b, a := t.bounds(f), f.ask
	soon := a.begun.Add(t.set().Policy.backOffs())
	if !a.fallback.open() || !soon.Before(b.patience) {
		return b
	}
	if m, none := t.choose(f, f.without); m == nil && none != nil && none.Sky != (pool.Sky{}) && t.standby(f) {
		b.patience = soon
	}
	return b
}

// open reports that another model may still be turned to.
func (fb *fallback) open() bool { return fb.from == "" && len(fb.may) > 0 }

// standby reports that a substitute could be sent at once.
func (t *Transport) standby(f *flight) bool {
	for _, e := range f.ask.fallback.may {
		other := *f.ask
		t.serveBy(&other, e)
		if m, _ := t.choose(&flight{ask: &other, without: f.without}, f.without); m != nil {
			return true
		}
	}
	return false
}

// An ending is how the attempts on one model ended.
type ending struct {
	last     *result // nil: nothing was sent
	attempts int     // of the request so far
	err      error   // why no further attempt was opened; nil: the policy says so
}

// fallBack asks other models, in the order in which they are allowed, after the
// one asked for could not serve. Where none can, the ending stays that of the
// model asked for: what is wrong with a substitute is not the client's concern.
func (t *Transport) fallBack(f *flight, end ending) ending {
	a := f.ask
	asked := a.entry
	for _, e := range a.fallback.may {
		if a.spent != (plantain.Cost{}) || f.left() || !end.yields() {
			break
		}
		t.serveBy(a, e)
		a.fallback.why = end.reason()
		next := t.try(f, end.attempts)
		if f.answer != nil || a.spent != (plantain.Cost{}) || !next.yields() && !next.unfit() {
			end.last.release()
			return next
		}
		a.fallback.note(e.ID, next.err)
		end.attempts = next.attempts
		next.last.release()
	}
	t.serveBy(a, asked)
	return end
}

// serveBy makes a model the one that serves a request.
func (t *Transport) serveBy(a *ask, e gemini.Entry) {
	switch {
	case a.fallback.from == e.ID:
		a.fallback.from = ""
	case a.fallback.from == "" && a.entry.ID != e.ID:
		a.fallback.from = a.entry.ID
	}
	a.entry = e
	a.need = t.need(a)
}

// yields reports an ending after which another model may serve: the one that was
// asked has no room in time, or no capacity, and nothing was charged.
func (e ending) yields() bool {
	if none := (*pool.NoRoom)(nil); e.err != nil && (!errors.As(e.err, &none) || len(none.Outgrown) > 0) {
		return false // a request larger than a window is a bad one
	}
	if e.last == nil {
		return e.err != nil
	}
	v := e.last.verdict
	if v.Charged != plantain.ChargedNo {
		return false
	}
	if e.err != nil {
		return true
	}
	switch v.Class {
	case plantain.Capacity, plantain.RateMinute, plantain.RateDay, plantain.QuotaUnknown, plantain.QuotaZero:
		return true
	default:
		return false
	}
}

// unfit reports that a substitute refused what the model asked for might take:
// its thinking, its history, its signatures, its length.
func (e ending) unfit() bool {
	if none := (*pool.NoRoom)(nil); errors.As(e.err, &none) && len(none.Outgrown) > 0 {
		return true
	}
	if e.last == nil || e.last.verdict.Charged != plantain.ChargedNo {
		return false
	}
	switch e.last.verdict.Class {
	case plantain.BadRequest, plantain.ThoughtSignature, plantain.ModelNotFound:
		return true
	default:
		return false
	}
}

// note remembers when a substitute has room, for Retry-After.
func (fb *fallback) note(m plantain.Model, err error) {
	none := (*pool.NoRoom)(nil)
	if errors.As(err, &none) && !none.Forever && (fb.next == "" || none.At.Before(fb.nextAt)) {
		fb.next, fb.nextAt = m, none.At
	}
}

// said is what an error tells of the fallback; empty: nothing was allowed.
func (fb *fallback) said() string {
	var s []string
	if fb.next != "" {
		s = append(s, fmt.Sprintf("%s, which may take its place, has room from %s on", fb.next, fb.nextAt.UTC().Format(time.RFC3339)))
	}
	return strings.Join(append(s, fb.unable...), "; ")
}

// instead is the model that serves in the place of the one asked for; empty: none.
func (a *ask) instead() plantain.Model {
	if a.fallback.from == "" {
		return ""
	}
	return a.entry.ID
}

// tellFallback puts into the log that another model serves.
func (t *Transport) tellFallback(a *ask) {
	if m := a.instead(); m != "" {
		t.log().Warn("fallback", "request", a.id, "model", m, "asked", a.route.model, "why", a.fallback.why)
	}
}

// reason is why a model could not serve: what parks it, the window that binds, or
// the verdict of its last attempt.
func (e ending) reason() string {
	if none := (*pool.NoRoom)(nil); errors.As(e.err, &none) {
		return cmp.Or(reason(none), "queue")
	}
	return e.last.verdict.Class.String()
}
