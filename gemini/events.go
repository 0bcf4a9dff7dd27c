package gemini

import (
	"bytes"
	"fmt"
	"strings"
)

// lines is where the scanner stands in a text/event-stream.
type lines struct {
	state lineState
	begin []byte // of the line, until its field is known; of the data, until it is known to be JSON
	some  bool   // this event had a line
}

type lineState uint8

const (
	lineBegin lineState = iota
	dataBegin           // behind "data:"
	inData
	inRaw // in a JSON value that stands there without "data:"
	skipLine
)

// maxField bounds what is kept of a line's beginning: no field is longer.
const maxField = 8

// takeEvents takes bytes of a text/event-stream.
func (s *Scanner) takeEvents(p []byte, at int64) {
	for len(p) > 0 {
		var n int
		switch s.lines.state {
		case lineBegin:
			n = s.beginLine(p, at)
		case dataBegin:
			n = s.beginData(p, at)
		default:
			n = s.restOfLine(p, at)
		}
		p, at = p[n:], at+int64(n)
	}
}

// beginLine takes bytes until the field of the line is known.
func (s *Scanner) beginLine(p []byte, at int64) int {
	l := &s.lines
	c := p[0]
	if len(l.begin) == 0 && (c == '{' || c == '[' || s.json.begun() && strings.IndexByte(`}],"`, c) >= 0) {
		l.state, l.some = inRaw, true
		return 0
	}
	if len(l.begin) == 0 && (c == ' ' || c == '\t') {
		return 1
	}
	if c == '\n' {
		s.endShortLine(at + 1)
		return 1
	}
	l.begin = append(l.begin, c)
	if c == ':' || len(l.begin) == maxField {
		s.beginField(at)
	}
	return 1
}

// beginField decides what the rest of the line is.
func (s *Scanner) beginField(at int64) {
	l := &s.lines
	l.state, l.some = skipLine, true
	switch field := string(l.begin); field {
	case "data:":
		l.state = dataBegin
	case "event:", "id:", "retry:", ":":
	default:
		s.damage(at, "no event begins with "+field)
	}
	l.begin = l.begin[:0]
}

// endShortLine ends a line before its field was known: a blank one ends the event.
func (s *Scanner) endShortLine(end int64) {
	line := bytes.TrimRight(s.lines.begin, "\r")
	s.lines.begin = s.lines.begin[:0]
	if len(line) == 0 {
		s.endEvent(end)
	}
}

// beginData takes bytes behind "data:" until it is known whether they are JSON
// or the [DONE] of OpenAI.
func (s *Scanner) beginData(p []byte, at int64) int {
	const done = "[DONE]"
	l := &s.lines
	if len(l.begin) == 0 && p[0] == ' ' {
		return 1
	}
	if p[0] != '\n' && len(l.begin) < len(done) && p[0] == done[len(l.begin)] {
		l.begin = append(l.begin, p[0])
		return 1
	}
	held := l.begin
	l.begin = l.begin[:0]
	l.state = inData
	if string(held) == done {
		l.state = skipLine
		return 0
	}
	s.feedEvent(held, at-int64(len(held)))
	return 0
}

// restOfLine takes what remains of a line, or of a raw value.
func (s *Scanner) restOfLine(p []byte, at int64) int {
	l := &s.lines
	if l.state == inRaw {
		return s.feedRaw(p, at)
	}
	end := indexFrom(p, 0, '\n')
	if end < len(p) {
		end++
	}
	if l.state == inData {
		s.feedEvent(p[:end], at)
	}
	if p[end-1] == '\n' {
		l.state = lineBegin
	}
	return end
}

// feedRaw takes a value without "data:", which may span lines: an error that
// ends a stream comes so, pretty-printed (gemini-api.md, section 5).
func (s *Scanner) feedRaw(p []byte, at int64) int {
	if !s.json.begun() {
		s.nextValue()
	}
	n := s.json.feed(p, at)
	s.afterFeed()
	if !s.json.begun() {
		s.lines.state = lineBegin
	}
	return n
}

// damage remembers the first fault of the stream's framing.
func (s *Scanner) damage(at int64, why string) {
	if s.fault == "" {
		s.fault = fmt.Sprintf("byte %d: %s", at, why)
	}
}

// feedEvent takes data of an event. A value may follow another without a blank
// line between.
func (s *Scanner) feedEvent(p []byte, at int64) {
	for len(p) > 0 && s.json.state != broken {
		if !s.json.begun() {
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

// endEvent ends an event before offset end.
func (s *Scanner) endEvent(end int64) {
	if s.json.begun() {
		s.damage(end, "an event ends inside its value")
	}
	s.nextValue()
	if s.lines.some && s.OnEvent != nil {
		s.OnEvent(end)
	}
	s.lines.some = false
}

// endLines ends the stream; its last event may lack the blank line.
func (s *Scanner) endLines() {
	l := &s.lines
	if l.state == dataBegin && string(l.begin) != "[DONE]" {
		s.feedEvent(l.begin, s.bytes-int64(len(l.begin)))
	}
	l.begin = l.begin[:0]
	if !s.json.begun() {
		s.endEvent(s.bytes)
	}
}
