package gemini

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Bounds of unwrapping: how deep errors may lie in one another's texts (three
// were seen), and how many braces of one text are tried.
const (
	maxWraps = 5
	maxTries = 64
)

// An unwrapper lists error layers, the outermost first, and looks for more in
// their texts.
type unwrapper struct {
	found []ErrorFacts
	tries int
}

// layers adds the layers of one body, and what lies in their texts.
func (u *unwrapper) layers(layers []layer, depth int) {
	for i := range layers {
		l := &layers[i]
		u.add(l.facts())
		u.text(l.Message, depth+1)
		for _, raw := range l.raw {
			before := len(u.found)
			if u.text(raw, depth+1); len(u.found) == before {
				u.add(ErrorFacts{Message: raw})
			}
		}
	}
}

// add leaves out what is there already: retrying gateways quote an error once
// for every attempt.
func (u *unwrapper) add(e ErrorFacts) {
	same := func(o ErrorFacts) bool {
		return o.Message == e.Message && o.Code == e.Code && o.Status == e.Status && o.CodeText == e.CodeText
	}
	if len(u.found) < maxLayers && !slices.ContainsFunc(u.found, same) {
		u.found = append(u.found, e)
	}
}

// text looks for errors in a text: JSON, what Python and Node print for an
// object, JSON in escapes, and else the words of an SDK.
func (u *unwrapper) text(s string, depth int) {
	if depth > maxWraps || s == "" {
		return
	}
	before := len(u.found)
	page := strings.HasPrefix(s, "<")
	for i := nextObject(s, 0); i >= 0 && u.tries < maxTries; i = nextObject(s, i) {
		if page && !quotes(s[i:]) { // a rule of a style sheet
			i++
			continue
		}
		u.tries++
		if i > 0 && s[i-1] == '\'' {
			if n := u.quoted(s[i:], depth); n > 0 {
				i += n
				continue
			}
		}
		i += u.object(s[i:], depth)
	}
	if len(u.found) > before {
		return
	}
	if e, ok := sdkText(s); ok {
		u.add(e)
	}
}

// nextObject finds where from i on a brace opens, or a bracket right before one.
func nextObject(s string, i int) int {
	for ; i < len(s); i++ {
		if s[i] == '{' || s[i] == '[' && strings.HasPrefix(strings.TrimLeft(s[i+1:], " \n\r\t"), "{") {
			return i
		}
	}
	return -1
}

// quotes reports an object whose first name is in quotes.
func quotes(s string) bool {
	s = strings.TrimLeft(s, "{[ \n\r\t")
	return s != "" && strings.IndexByte(`"'\&`, s[0]) >= 0
}

// object reads the object or list that s begins with, in the first spelling
// that holds an error, and gives how far it reaches; at least 1.
func (u *unwrapper) object(s string, depth int) int {
	if n, ok := u.json(s, depth); ok {
		return n
	}
	if inner, n, ok := unescape(s); ok {
		u.text(inner, depth+1)
		return n
	}
	if inner, n, ok := looseJSON(s); ok {
		if _, ok := u.json(inner, depth); ok {
			return n
		}
	}
	return 1
}

// quoted reads JSON in single quotes, as Python prints bytes, if escapes in it make
// it another text; else it gives 0.
func (u *unwrapper) quoted(s string, depth int) int {
	inner, n := pythonString(s)
	if inner == s[:n] {
		return 0
	}
	if _, ok := u.json(inner, depth); !ok {
		return 0
	}
	return n
}

// json reads the JSON that s begins with; ok says that an error was in it.
func (u *unwrapper) json(s string, depth int) (n int, ok bool) {
	var a answer
	w := walker{find: &a, root: answerRoot}
	if details.MatchString(s) { // the details alone, as the older JavaScript SDK prints them
		w.root = errorDetail
		a.begin()
	}
	w.reset()
	t := tokenizer{to: &w}
	n = t.feed([]byte(s), 0)
	t.abandon() // a text that was cut still has the facts before the cut
	a.abandon()
	if t.state == broken || len(a.layers) == 0 {
		return n, false
	}
	u.layers(a.layers, depth)
	return n, true
}

var details = regexp.MustCompile(`^\[\s*\{\s*"@type"`)

// unescape reads JSON whose quotes are escaped, {\"error\":…}, up to the first
// bare quote.
func unescape(s string) (inner string, n int, ok bool) {
	rest := strings.TrimLeft(s[1:], " ")
	if !strings.HasPrefix(rest, `\"`) && !strings.HasPrefix(rest, `\n`) {
		return "", 0, false
	}
	n = 1
	for n < len(s) && s[n] != '"' {
		if s[n] == '\\' {
			n++
		}
		n++
	}
	n = min(n, len(s))
	err := json.Unmarshal([]byte(`"`+s[:n]+`"`), &inner)
	return inner, n, err == nil
}

// pythonString reads what stands in single quotes, up to the one that ends it.
func pythonString(s string) (inner string, n int) {
	var b strings.Builder
	l := loose{in: s}
	for ; l.at < len(s) && s[l.at] != '\''; l.at++ {
		if s[l.at] == '\\' && l.at+1 < len(s) {
			l.escape(&b)
			continue
		}
		b.WriteByte(s[l.at])
	}
	return b.String(), l.at
}
