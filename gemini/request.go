package gemini

import (
	"slices"
	"strings"
)

// A RequestScanner finds what a request asks for in its body as its bytes
// arrive: generateContent of both surfaces, countTokens, a line of a batch and
// Interactions. Any chunking will do. It is not safe for concurrent use and
// must not be copied once used; its zero value is ready.
type RequestScanner struct {
	request request
	walk    walker
	json    tokenizer
	bytes   int64
}

// Reset makes the scanner ready for another body.
func (s *RequestScanner) Reset() { *s = RequestScanner{} }

// Write takes the next bytes of the body. It never fails.
func (s *RequestScanner) Write(p []byte) (int, error) {
	n, at := len(p), s.bytes
	s.begin()
	s.bytes += int64(n)
	took := s.json.feed(p, at)
	s.rest(p[took:], at+int64(took))
	return n, nil
}

func (s *RequestScanner) begin() {
	if s.json.to == nil {
		s.walk.find, s.walk.root, s.json.to = &s.request, requestRoot, &s.walk
		s.walk.reset()
	}
}

// rest takes what stands behind the value: only white space may.
func (s *RequestScanner) rest(p []byte, at int64) {
	for i, c := range p {
		if s.json.state == closed && !isSpace(c) {
			s.json.unexpected(c, at+int64(i))
		}
	}
}

// Finish ends the body and gives what was found in it.
func (s *RequestScanner) Finish() Asked {
	s.begin()
	s.json.abandon()
	s.request.abandon()
	a := s.request.asked
	a.Bytes = s.bytes
	a.Cut = s.walk.cut || s.request.cut
	a.Modalities = strings.Join(s.request.modalities, ",")
	a.Prompt = prompt(a.Turns)
	switch {
	case s.json.state == broken:
		a.Fault = s.json.fault
	case s.json.state != closed:
		a.Fault = "the body ends before its JSON does"
	case s.request.isList:
		a.Fault = "the body is a list, not an object"
	}
	a.Valid = a.Fault == ""
	return a
}

// A request finds the facts in the body of a request.
type request struct {
	asked      Asked
	turn       Turn
	inTurn     bool
	building   partBuilder
	parts      int
	modalities []string
	isList     bool // the outermost value is a list
	began      bool
	cut        bool
}

func (r *request) enter(p spot, at int64) {
	r.began = true
	switch p {
	case turn:
		r.endTurn()
		r.inTurn = true
	case part, input:
		r.building.enter(p, at)
	}
}

func (r *request) leave(p spot, end int64) {
	switch p {
	case part, input:
		r.endPart(end)
	case turn, requestRoot:
		r.endTurn()
	}
}

// list: an array that begins before any object is the outermost value.
func (r *request) list(spot) { r.isList = r.isList || !r.began }

func (r *request) abandon() {
	r.endPart(r.building.part.Object.Start)
	r.endTurn()
}

func (r *request) value(p spot, v value) {
	a := &r.asked
	switch p {
	case turnRole:
		r.turn.Role, r.turn.RoleAt = v.text, v.span
	case systemText, system:
		a.TextBytes += v.bytes
	case candidateCount:
		a.Candidates = number(v.text)
	case responseModality:
		if len(r.modalities) < maxEntries {
			r.modalities = append(r.modalities, strings.ToUpper(v.text))
		}
	case aspectRatio:
		a.Ratio = plainRatio(v.text)
	case imageSize:
		a.Size = plainSize(v.text)
	case continuation:
		a.Continuation = v.text
	case serviceTier:
		a.ServiceTier = v.text
	case input: // Interactions takes the prompt as one string
		r.building.enter(input, v.span.Start)
		r.building.value(partText, v)
		a.TextBytes += v.bytes
		r.endPart(v.span.Start + v.span.Len)
	default:
		if p == partText {
			a.TextBytes += v.bytes
		}
		r.building.value(p, v)
	}
}

func (r *request) endPart(end int64) {
	if !r.building.open {
		return
	}
	found, ok := r.building.leave(end)
	if !ok {
		return
	}
	if found.Kind == KindImage {
		r.asked.Images++
	}
	if r.parts == maxParts {
		r.cut = true
		return
	}
	r.parts++
	r.inTurn = true
	r.turn.Parts = append(r.turn.Parts, found)
}

func (r *request) endTurn() {
	if !r.inTurn {
		return
	}
	if len(r.asked.Turns) < maxParts {
		r.asked.Turns = append(r.asked.Turns, r.turn)
	} else {
		r.cut = true
	}
	r.turn, r.inTurn = Turn{}, false
}

// LastOfUser gives the last turn that is the user's; false: there is none.
func LastOfUser(turns []Turn) (Turn, bool) {
	for _, t := range slices.Backward(turns) {
		if t.Role == "user" || t.Role == "" {
			return t, true
		}
	}
	return Turn{}, false
}

func prompt(turns []Turn) string {
	t, _ := LastOfUser(turns)
	return cutText(joinTexts(t.Parts))
}

func joinTexts(parts []Part) string {
	var b strings.Builder
	for i := range parts {
		if p := &parts[i]; p.Kind == KindText && !p.Thought {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(p.Text)
		}
	}
	return b.String()
}
