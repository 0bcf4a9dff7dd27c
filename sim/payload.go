package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is one JSON value. Strings stay where they are in the body: a request may hold 100 MB of base64, and a second
// copy of it would be the largest thing this package ever makes.
type value struct {
	kind    byte // one of { [ " 0 t f n
	raw     []byte
	escaped bool
	fields  []field
	items   []value
}

type field struct {
	name string
	value
}

// text returns a string's content, a number's or literal's characters.
func (v value) text() string {
	if v.kind != '"' || !v.escaped {
		return string(v.raw)
	}
	var s string
	if json.Unmarshal([]byte(`"`+string(v.raw)+`"`), &s) != nil {
		return string(v.raw)
	}
	return s
}

// bytes returns a string's content without copying it where it has no escapes.
func (v value) bytes() []byte {
	if v.escaped {
		return []byte(v.text())
	}
	return v.raw
}

// float reads a number; protobuf-JSON takes it as a string too.
func (v value) float() (float64, bool) {
	if v.kind != '0' && v.kind != '"' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil
}

func (v value) int() (int64, bool) {
	f, ok := v.float()
	return int64(f), ok
}

func (v value) bool() bool { return v.kind == 't' }

// list returns the items of an array; anything else but null counts as an array of one, as Google takes it.
func (v value) list() []value {
	switch v.kind {
	case '[':
		return v.items
	case 'n', 0:
		return nil
	}
	return []value{v}
}

// field returns the value under a camelCase name, however the client spelled it.
func (v value) field(name string) value {
	for _, f := range v.fields {
		if camel(f.name) == name {
			return f.value
		}
	}
	return value{}
}

func (v value) has(name string) bool { k := v.field(name).kind; return k != 0 && k != 'n' }

// camel turns snake_case into camelCase and leaves camelCase alone.
func camel(s string) string {
	if !strings.Contains(s, "_") {
		return s
	}
	words := strings.Split(s, "_")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

// snake is the name Google uses in its complaints.
func snake(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// parse reads a whole body. Its error is what Google says of malformed JSON; the caret text follows third-party
// captures of the same parser, its wording is not verified for every fault.
func parse(body []byte) (value, error) {
	p := parser{b: body}
	v, err := p.value(0)
	if err == nil {
		if p.space(); p.i < len(p.b) {
			err = p.fail("Expected end of input")
		}
	}
	return v, err
}

type parser struct {
	b []byte
	i int
}

func (p *parser) fail(want string) error {
	from, to := max(0, p.i-20), min(len(p.b), p.i+20)
	line := strings.ToValidUTF8(string(p.b[from:to]), "")
	line = strings.NewReplacer("\n", " ", "\r", " ").Replace(line)
	return fmt.Errorf("Invalid JSON payload received. %s.\n%s\n%s^", want, line, strings.Repeat(" ", p.i-from))
}

func (p *parser) space() {
	for p.i < len(p.b) && strings.IndexByte(" \t\r\n", p.b[p.i]) >= 0 {
		p.i++
	}
}

// next skips white space and returns the byte there, 0 at the end.
func (p *parser) next() byte {
	p.space()
	if p.i == len(p.b) {
		return 0
	}
	return p.b[p.i]
}

func (p *parser) value(depth int) (value, error) {
	if depth > 100 {
		return value{}, p.fail("Message too deep. Max recursion depth reached")
	}
	switch c := p.next(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.str()
	case c == '-' || c >= '0' && c <= '9':
		from := p.i
		for p.i < len(p.b) && strings.IndexByte("+-.eE0123456789", p.b[p.i]) >= 0 {
			p.i++
		}
		if raw := p.b[from:p.i]; json.Valid(raw) {
			return value{kind: '0', raw: raw}, nil
		}
		p.i = from
		return value{}, p.fail("Unable to parse number")
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(p.b[p.i:], []byte(word)) {
			p.i += len(word)
			return value{kind: word[0], raw: []byte(word)}, nil
		}
	}
	if p.i == len(p.b) {
		return value{}, p.fail("Unexpected end of string. Expected a value")
	}
	return value{}, p.fail("Expected a value")
}

func (p *parser) object(depth int) (value, error) {
	v := value{kind: '{'}
	p.i++
	if p.next() == '}' {
		p.i++
		return v, nil
	}
	for {
		if p.next() != '"' {
			return v, p.fail("Expected an object key or }")
		}
		name, err := p.str()
		if err != nil {
			return v, err
		}
		if p.next() != ':' {
			return v, p.fail("Expected : between key:value pair")
		}
		p.i++
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.fields = append(v.fields, field{name.text(), item})
		switch p.next() {
		case ',':
			p.i++
		case '}':
			p.i++
			return v, nil
		default:
			return v, p.fail("Expected , or } after key:value pair")
		}
	}
}

func (p *parser) array(depth int) (value, error) {
	v := value{kind: '['}
	p.i++
	if p.next() == ']' {
		p.i++
		return v, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
		switch p.next() {
		case ',':
			p.i++
		case ']':
			p.i++
			return v, nil
		default:
			return v, p.fail("Expected , or ] after array value")
		}
	}
}

func (p *parser) str() (value, error) {
	from := p.i + 1
	for at := from; ; {
		end := bytes.IndexByte(p.b[at:], '"')
		if end < 0 {
			p.i = len(p.b)
			return value{}, p.fail("Closing quote expected in string")
		}
		end += at
		slashes := 0
		for end-slashes > from && p.b[end-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 1 {
			at = end + 1
			continue
		}
		raw := p.b[from:end]
		p.i = end + 1
		v := value{kind: '"', raw: raw, escaped: bytes.IndexByte(raw, '\\') >= 0}
		// A long string is base64, and its decoder is stricter than this.
		if len(raw) < 1<<16 && (!utf8.Valid(raw) || !json.Valid(p.b[from-1:end+1])) {
			p.i = from
			return v, p.fail("Invalid string")
		}
		return v, nil
	}
}
