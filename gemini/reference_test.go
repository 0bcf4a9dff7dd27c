package gemini

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// A reference drives a walker with the tokens of encoding/json, read from the
// whole body, and finds pictures with the standard library: what the tokenizer
// and the picture of this package must agree with.
type reference struct {
	body   string
	walk   walker
	broken bool
	closed bool
	values int
}

// spaces are what may stand between tokens, as far as the decoder passes over it.
const spaces = " \n\r\t,:"

// run reads value after value, each an object or a list.
func (r *reference) run(many bool, next func()) {
	at := 0
	for !r.broken {
		rest := strings.TrimLeft(r.body[at:], spaces[:4])
		begin := len(r.body) - len(rest)
		switch {
		case rest == "":
			return
		case rest[0] != '{' && rest[0] != '[', r.values > 0 && !many:
			r.broken = true
			return
		}
		next()
		r.closed = false
		at = r.value(begin)
		if !r.closed {
			return
		}
		r.values++
	}
}

// value reads the value that begins at offset begin and gives where it ends.
func (r *reference) value(begin int) int {
	d := json.NewDecoder(strings.NewReader(r.body[begin:]))
	d.UseNumber()
	var names []bool // of each open container, whether its next string is a name
	for prev := begin; ; {
		token, err := d.Token()
		end := begin + int(d.InputOffset())
		if err != nil {
			r.cut(prev, err, names)
			return len(r.body)
		}
		start := end - len(strings.TrimLeft(r.body[prev:end], spaces))
		prev = end
		isName := len(names) > 0 && names[len(names)-1]
		switch t := token.(type) {
		case json.Delim:
			names = r.delim(t, start, end, names)
		case string:
			r.string(t, start, end, isName)
		default:
			if end == len(r.body) {
				return end // cut, maybe inside the number
			}
			if r.broken = isLiteral(r.body[end]); r.broken {
				return end // 00 is two tokens to the decoder
			}
			r.walk.scalar([]byte(r.body[start:end]), int64(start))
		}
		if r.broken {
			return end
		}
		if len(names) == 0 {
			r.closed = true
			return end
		}
		if _, ok := token.(json.Delim); !ok && r.objects(names) {
			names[len(names)-1] = !isName
		}
	}
}

func (r *reference) objects([]bool) bool { return r.walk.stack[len(r.walk.stack)-1].object }

func (r *reference) delim(c json.Delim, start, end int, names []bool) []bool {
	switch c {
	case '{', '[':
		if len(names) == maxDepth {
			r.broken = true
			return names
		}
		r.walk.open(c == '{', int64(start))
		return append(names, c == '{')
	}
	r.walk.close(c == '}', int64(end))
	names = names[:len(names)-1]
	if n := len(names); n > 0 && r.objects(names) {
		names[n-1] = true
	}
	return names
}

func (r *reference) string(s string, start, end int, isName bool) {
	w := &r.walk
	if isName {
		w.name = w.name[:0]
		w.nameBytes([]byte(s))
		w.endName()
		return
	}
	span := Span{int64(start) + 1, int64(end - start - 2), strings.Contains(r.body[start:end], `\`)}
	w.beginString(span.Start)
	if w.strings.image == nil {
		w.strings.write([]byte(s), 0)
		w.endString(span)
		return
	}
	w.told(value{quoted: true, span: span, name: w.name, image: r.picture(s, span)})
	w.strings.drop()
	w.afterValue()
}

// picture finds with the standard library what a picture finds.
func (r *reference) picture(s string, span Span) *picture {
	s = strings.NewReplacer("\n", "", "\r", "").Replace(s) // line breaks are no part of base64
	p := &picture{data: span, head: []byte(s)}
	if strings.HasPrefix(s, dataURL) {
		url, data, ok := strings.Cut(s, ",")
		p.url = []byte(url)
		if !ok {
			p.data = Span{}
			return p
		}
		p.data.Start = r.behindComma(span)
		p.data.Len = span.Start + span.Len - p.data.Start
		s = data
	}
	p.decoded, p.digest, p.width, p.height = decodeWhole(s)
	return p
}

// behindComma finds the first comma of a string in its escaped form.
func (r *reference) behindComma(span Span) int64 {
	raw := r.body[span.Start : span.Start+span.Len]
	for i := 0; i < len(raw); {
		n := 1
		if raw[i] == '\\' {
			n = 2
			if raw[i+1] == 'u' {
				n = 6
			}
		}
		var unit string
		if json.Unmarshal([]byte(`"`+raw[i:i+n]+`"`), &unit); unit == "," {
			return span.Start + int64(i+n)
		}
		i += n
	}
	return -1
}

// decodeWhole decodes base64 as a whole: both alphabets, padded or not.
func decodeWhole(s string) (length int64, digest [32]byte, width, height int) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	chars := strings.TrimRight(s, "=")
	length = int64(len(chars)/4*3 + []int{0, 0, 1, 2}[len(chars)%4])
	good := strings.IndexFunc(chars, func(c rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c)
	})
	ok := length > 0 && good < 0 && len(chars)%4 != 1 && len(s)-len(chars) <= 2
	if good >= 0 {
		chars = chars[:good/4*4]
	} else if len(chars)%4 == 1 {
		chars = chars[:len(chars)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(chars)
	if err != nil {
		panic(err)
	}
	width, height = pictureSize(b[:min(len(b), identityEnd)])
	if ok {
		digest = Identify(b)
	}
	return length, digest, width, height
}

// cut ends a body that the decoder could not read on from offset prev.
func (r *reference) cut(prev int, err error, names []bool) {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		r.broken = true
		return
	}
	rest := strings.TrimLeft(r.body[prev:], spaces)
	isName := len(names) > 0 && names[len(names)-1]
	if isName || !strings.HasPrefix(rest, `"`) || r.walk.next.keeps() != keepText {
		return
	}
	for n := len(rest); n > 0; n-- { // an escape may be cut, too
		var s string
		if json.Unmarshal([]byte(rest[:n]+`"`), &s) == nil {
			r.walk.beginString(0)
			r.walk.strings.write([]byte(s), 0)
			r.walk.endCut()
			return
		}
	}
}

// referenceBody gives the facts of a body that begins with a brace or bracket.
func referenceBody(body string) Body {
	s := NewScanner("")
	r := reference{body: body, walk: walker{find: &s.answer, root: answerRoot}}
	events := 0
	r.walk.element = func(int64) { events++ }
	r.run(true, func() {
		s.answer.abandon()
		r.walk.reset()
	})
	s.answer.abandon()
	s.bytes, s.values, s.mode = int64(len(body)), r.values, jsonMode
	s.head = []byte(body[:min(len(body), headRoom)])
	s.walk.cut, s.walk.names, s.walk.opaque = r.walk.cut, r.walk.names, r.walk.opaque
	s.answer.body.Events = events
	s.json.state = inString
	if r.broken {
		s.fault, s.json.state = "broken", broken
	} else if r.closed {
		s.json.state = closed
	}
	return s.Finish()
}

func referenceAsked(body string) Asked {
	var s RequestScanner
	s.begin()
	r := reference{body: body, walk: walker{find: &s.request, root: requestRoot}}
	r.run(false, r.walk.reset)
	s.bytes = int64(len(body))
	s.walk.cut = r.walk.cut
	s.json.state = inLiteral
	if r.broken {
		s.json.state, s.json.fault = broken, "broken"
	} else if r.closed {
		s.json.state = closed
	}
	return s.Finish()
}
