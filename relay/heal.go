package relay

import (
	"io"
	"net/http"

	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/thread"
)

// healed gives the body of a request as it is to be sent to the model that serves it.
// It is planned anew for each attempt: that of a fallback may need no signatures.
func (t *Transport) healed(a *ask) *sendable {
	s := &sendable{body: a.body}
	a.how = thread.Untouched
	if a.route.free() || !a.entry.Signatures {
		return s
	}
	h, err := t.planned(a)
	switch {
	case err != nil:
		t.log().Error("a conversation could not be healed and is sent as it came", "request", a.id, "error", err)
	case h.How == thread.Untouched:
		_ = h.Close() // it holds nothing
	default:
		s.healing, a.how = h, h.How
	}
	return s
}

func (t *Transport) planned(a *ask) (*thread.Healing, error) {
	if a.flat {
		return thread.Flatten(&a.asked, a.body)
	}
	return t.Signatures.Heal(a.caller.Client, &a.asked, a.body, t.now())
}

// flatten has a request that was refused for its signatures sent once more, without a
// turn of the model's. It gives false where it has none.
func (t *Transport) flatten(a *ask) bool {
	if a.flat || !a.entry.Signatures {
		return false
	}
	h, err := thread.Flatten(&a.asked, a.body)
	a.flat = err == nil && h.How == thread.Flattened
	return a.flat
}

// learn remembers what the turn of an answer carried. It is done before the client has
// the end of the answer, so that its next request finds it.
func (t *Transport) learn(a *ask, r *result) {
	b := &r.facts.Body
	if t.Signatures == nil || a.route.free() || r.lost != nil || r.facts.Status != http.StatusOK || r.encoding != "" {
		return
	}
	if err := t.Signatures.Remember(a.caller.Client, &a.asked, b, r.body.Written(), t.now()); err != nil {
		t.log().Error("thought signatures could not be kept: if the client drops them, a placeholder stands for them", "request", a.id, "error", err)
	}
}

// A sendable is the body of a request as it is to be sent.
type sendable struct {
	body    *spool.Buffer   // nil: there is none
	healing *thread.Healing // nil: it goes as it came
}

func (s *sendable) length() int64 { return s.body.Len() + s.healing.Grows() }

// reader reads it from its start, also after close. Close it.
func (s *sendable) reader() io.ReadCloser {
	if s.healing == nil {
		return s.body.Reader(nil)
	}
	return &spooled{s.healing.Reader(s.body, s.body.Len()), s.body.Retain()}
}

func (s *sendable) close() error { return s.healing.Close() }

// spooled reads what comes in part from a Buffer, and lets go of that once.
type spooled struct {
	io.ReadCloser
	body *spool.Buffer
}

func (s *spooled) Close() error {
	if s.body == nil {
		return nil
	}
	s.body.Release()
	s.body = nil
	return s.ReadCloser.Close()
}
