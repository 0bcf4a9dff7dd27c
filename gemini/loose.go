package gemini

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Printed makes JSON of the object or list that a text begins with, as Python or
// Node print it, and gives how much of the text that was; 0: it is none.
func Printed(text string) (string, int) {
	if text == "" || text[0] != '{' && text[0] != '[' {
		return "", 0
	}
	out, n, ok := looseJSON(text)
	if !ok {
		return "", 0
	}
	return out, n
}

// looseJSON makes JSON of the object that s begins with as Python prints it,
// {'error': {'code': 504, 'ok': None}}, or Node, { error: { code: 504 } }, and
// gives how much of s that was. A text that was cut is closed.
func looseJSON(s string) (out string, n int, ok bool) {
	l := loose{in: s}
	for l.at < len(s) {
		l.token()
		if len(l.open) == 0 {
			break
		}
	}
	for i := len(l.open) - 1; i >= 0; i-- {
		l.out.WriteByte(l.open[i])
	}
	return l.out.String(), l.at, l.pairs > 0
}

type loose struct {
	in    string
	at    int
	out   strings.Builder
	open  []byte // what closes the open containers
	pairs int    // colons met
}

// token copies one token.
func (l *loose) token() {
	switch c := l.in[l.at]; {
	case c == '{':
		l.open = append(l.open, '}')
		l.copy()
	case c == '[':
		l.open = append(l.open, ']')
		l.copy()
	case c == '}' || c == ']':
		l.open = l.open[:len(l.open)-1]
		l.copy()
	case c == '\'' || c == '"' || c == '`':
		l.quoted(c)
	case isWord(c):
		l.word()
	default:
		if c == ':' {
			l.pairs++
		}
		l.copy()
	}
}

func (l *loose) copy() {
	l.out.WriteByte(l.in[l.at])
	l.at++
}

// quoted makes a JSON string of one in quotes of either kind.
func (l *loose) quoted(quote byte) {
	var b strings.Builder
	for l.at++; l.at < len(l.in) && l.in[l.at] != quote; l.at++ {
		if l.in[l.at] == '\\' && l.at+1 < len(l.in) {
			l.escape(&b)
			continue
		}
		b.WriteByte(l.in[l.at])
	}
	l.at = min(l.at+1, len(l.in))
	l.string(b.String())
}

// escape writes what the escape that comes stands for, and ends on its last byte.
func (l *loose) escape(b *strings.Builder) {
	l.at++
	c := l.in[l.at]
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if digits > 0 && l.at+digits < len(l.in) {
		var r rune
		for _, h := range []byte(l.in[l.at+1 : l.at+1+digits]) {
			d, _ := hexDigit(h)
			r = r<<4 | d
		}
		b.WriteRune(r)
		l.at += digits
		return
	}
	if i := strings.IndexByte("bfnrt", c); i >= 0 {
		b.WriteByte(controls[c-'b'])
		return
	}
	b.WriteByte(c)
}

// word makes a literal or a string of a bare word.
func (l *loose) word() {
	start := l.at
	for l.at < len(l.in) && isWord(l.in[l.at]) {
		l.at++
	}
	switch w := l.in[start:l.at]; w {
	case "True", "true":
		l.out.WriteString("true")
	case "False", "false":
		l.out.WriteString("false")
	case "None", "null", "undefined":
		l.out.WriteString("null")
	default:
		if _, ok := numberSyntax([]byte(w)); ok {
			l.out.WriteString(w)
			return
		}
		l.string(w)
	}
}

func (l *loose) string(s string) {
	b, err := json.Marshal(s)
	if err == nil {
		l.out.Write(b)
	}
}

func isWord(c byte) bool {
	return isLiteral(c) || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '@' || c >= utf8.RuneSelf
}
