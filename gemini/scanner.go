package gemini

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// A Scanner finds facts in the body of an answer as its bytes arrive. It keeps
// no picture and no signature, and takes any chunking. It is not safe for
// concurrent use and must not be copied; its zero value is not ready.
type Scanner struct {
	// OnEvent, where it is not nil, is called from Write and Finish each time an
	// event has ended: a frame of a text/event-stream, its blank line included, or
	// an element of a streamed JSON array. The bytes before offset end are whole
	// events; [Scanner.SoFar] tells what was in them.
	OnEvent func(end int64)

	answer answer
	walk   walker
	json   tokenizer
	lines  lines
	mode   mode
	stream bool   // the content type says text/event-stream
	head   []byte // the first bytes, until the form is known
	bytes  int64
	values int // JSON values that were closed
	fault  string
}

// mode says what the body has turned out to be.
type mode uint8

const (
	unknown mode = iota
	jsonMode
	eventMode
	textMode
)

// NewScanner gives a scanner for a body of that content type. The type is a
// hint: Google sends its error JSON as text/event-stream (gemini-api.md, section
// 5), and proxies send events as text/plain.
func NewScanner(contentType string) *Scanner {
	s := &Scanner{}
	s.Reset(contentType)
	return s
}

// Reset makes the scanner ready for another body. OnEvent stays.
func (s *Scanner) Reset(contentType string) {
	*s = Scanner{
		OnEvent: s.OnEvent,
		stream:  strings.HasPrefix(strings.ToLower(contentType), "text/event-stream"),
		head:    s.head[:0],
		walk:    walker{stack: s.walk.stack[:0], name: s.walk.name[:0], strings: sink{text: s.walk.strings.text[:0]}},
		json:    tokenizer{literal: s.json.literal[:0]},
	}
	s.walk.find, s.walk.root, s.walk.element = &s.answer, answerRoot, s.endElement
	s.json.to = &s.walk
	s.walk.reset()
}

// Write takes the next bytes of the body. It never fails.
func (s *Scanner) Write(p []byte) (int, error) {
	n, at := len(p), s.bytes
	s.bytes += int64(n)
	if s.mode == unknown || s.mode == textMode || s.mode == jsonMode && s.walk.names == 0 {
		// What begins with a bracket may still turn out to be a text.
		s.head = append(s.head, p[:min(n, headRoom-len(s.head))]...)
	}
	if s.mode == unknown {
		p, at = s.settle(p, at, false)
	}
	s.take(p, at)
	return n, nil
}

// headRoom is a rune more than MaxText, so that the cut sees whole runes. A body
// that is all white space up to there is a text.
const headRoom = MaxText + utf8.UTFMax

// settle decides what the body is, if its head is long enough for that, and
// takes what came before p; a byte order mark is skipped.
func (s *Scanner) settle(p []byte, at int64, all bool) ([]byte, int64) {
	if s.mode = sniff(s.head, s.stream, all); s.mode == unknown {
		return nil, 0
	}
	skip := int64(len(s.head) - len(bytes.TrimPrefix(s.head, bom)))
	if at < skip {
		return p[skip-at:], skip
	}
	s.take(s.head[skip:at], skip)
	return p, at
}

// take takes bytes once it is known what they are.
func (s *Scanner) take(p []byte, at int64) {
	switch s.mode {
	case jsonMode:
		s.takeJSON(p, at)
	case eventMode:
		s.takeEvents(p, at)
	}
}

// takeJSON takes bytes of a JSON body: one value, or several one after another.
func (s *Scanner) takeJSON(p []byte, at int64) {
	for len(p) > 0 && s.json.state != broken {
		if s.json.state == closed || s.json.state == wantRoot {
			n := len(p) - len(bytes.TrimLeft(p, " \n\r\t"))
			if p, at = p[n:], at+int64(n); len(p) == 0 {
				return
			}
			s.nextValue()
		}
		n := s.json.feed(p, at)
		p, at = p[n:], at+int64(n)
		s.afterFeed()
	}
}

// endElement ends an element of a streamed array before offset end.
func (s *Scanner) endElement(end int64) {
	if s.mode != jsonMode {
		return
	}
	s.answer.body.Events++
	if s.OnEvent != nil {
		s.OnEvent(end)
	}
}

// nextValue makes room for a value that follows another.
func (s *Scanner) nextValue() {
	s.json.abandon()
	s.answer.abandon()
	s.json.reset()
	s.walk.reset()
}

// afterFeed counts a value that has ended, and remembers where syntax broke.
func (s *Scanner) afterFeed() {
	switch {
	case s.json.state == closed:
		s.values++
	case s.json.state == broken && s.fault == "":
		s.fault = s.json.fault
	}
}

// SoFar gives what was found until now. Its lists are valid until the next
// Write; errors inside texts are looked for by Finish only.
func (s *Scanner) SoFar() Body {
	b := s.answer.body
	for i := range s.answer.layers {
		b.Errors = append(b.Errors, s.answer.layers[i].facts())
	}
	s.describe(&b)
	return b
}

// Finish ends the body and gives what was found in it.
func (s *Scanner) Finish() Body {
	s.end()
	s.json.abandon()
	s.answer.abandon()
	b := s.answer.body
	s.describe(&b)
	var u unwrapper
	u.layers(s.answer.layers, 0)
	if b.Form == FormText {
		b.Text = cleanText(s.head)
		u.text(b.Text, 1)
	}
	b.Errors = u.found
	b.Links = countLinks(b.Parts)
	return b
}

// end takes the end of the body.
func (s *Scanner) end() {
	if s.mode == unknown {
		s.settle(nil, s.bytes, true)
	}
	if s.mode == eventMode {
		s.endLines()
	}
	if s.mode == jsonMode && s.json.state == broken && s.walk.names == 0 {
		s.mode, s.fault = textMode, ""
	}
}

func (s *Scanner) describe(b *Body) {
	b.Bytes = s.bytes
	b.Fault, b.Broken = s.fault, s.fault != ""
	b.Bare = b.Candidates == 0 && len(b.Parts) == 0 && (s.answer.listed || s.values > 0 && s.walk.names == 0)
	b.Opaque = s.walk.opaque
	b.Cut = s.walk.cut || s.answer.cut || s.answer.dropped
	switch s.mode {
	case jsonMode:
		b.Form = FormJSON
		b.Complete = s.json.state == closed
		if s.values > 1 {
			b.Events += s.values
		}
	case eventMode:
		b.Form = FormEvents
		b.Complete = s.values > 0 && !b.Broken && !s.json.begun()
		b.Events = s.values
	case textMode:
		b.Form = FormText
	}
}
