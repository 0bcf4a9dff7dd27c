package thread

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// Remember keeps the signatures that an answer gave a client, whose body is read at the
// places that a scanner found.
func (m *Memory) Remember(of plantain.ClientName, asked *gemini.Asked, answer *gemini.Body, body io.ReaderAt, now time.Time) error {
	if m == nil || !signedAt(answer.Parts) {
		return nil
	}
	talk := newConversation()
	for i := range asked.Turns {
		talk.say(&asked.Turns[i])
	}
	said := talk.said()
	parts := make([]*gemini.Part, len(answer.Parts))
	for i := range answer.Parts {
		parts[i] = &answer.Parts[i]
	}
	var errs []error
	for _, s := range signatures(parts, said) {
		at := source{from: body, at: s.at.Start, len: s.at.Len}
		errs = append(errs, m.keep(of, s.keys, at, now))
	}
	return errors.Join(errs...)
}

func signedAt(parts []gemini.Part) bool {
	for i := range parts {
		if parts[i].Signature.Len > 0 {
			return true
		}
	}
	return false
}

// A signature stands somewhere in an answer and is known by some keys, the most exact
// one first.
type signature struct {
	at   gemini.Span
	keys []key
}

// signatures finds those of a turn that answered a conversation.
func signatures(parts []*gemini.Part, said [32]byte) (all []signature) {
	near := beside(parts, said)
	pictures := 0
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		switch {
		case isPicture(p):
			s := signature{keys: []key{pictureKey(p), linkKey(p), placeKey(said, pictures)}}
			pictures++
			if s.at = p.Signature; s.at.Len == 0 && i+1 < len(parts) && carries(parts[i+1]) {
				s.at = parts[i+1].Signature
			}
			if s.at.Len > 0 {
				all = append(all, s)
			}
		case isText(p):
			run := runOf(parts[i:])
			if s := ofRun(parts[i:], run, near); s.at.Len > 0 {
				all = append(all, s)
			}
			i += run - 1
		}
	}
	return all
}

// ofRun finds the signature of a run of n texts, which a stream may bring on any of
// them or behind the last, and clients may send back one by one or joined.
func ofRun(parts []*gemini.Part, n int, near string) (s signature) {
	texts := []string{joined(parts[:n]), parts[0].Text}
	for _, p := range parts[:n] {
		if p.Signature.Len > 0 {
			s.at = p.Signature
			texts = append(texts, p.Text)
			break
		}
	}
	if s.at.Len == 0 && n < len(parts) && carries(parts[n]) {
		s.at = parts[n].Signature
	}
	for _, beside := range []string{near, ""} {
		for _, text := range texts {
			s.keys = append(s.keys, textKey(text, beside))
		}
	}
	return s
}

// runOf is how many texts some parts begin with.
func runOf(parts []*gemini.Part) (n int) {
	for n < len(parts) && isText(parts[n]) {
		n++
	}
	return n
}

// joined is what some texts say together, as far as a key may be long.
func joined(parts []*gemini.Part) string {
	var b strings.Builder
	for _, p := range parts {
		if b.Len() > gemini.MaxText {
			break
		}
		b.WriteString(p.Text)
	}
	return b.String()
}
