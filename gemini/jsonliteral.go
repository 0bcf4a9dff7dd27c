package gemini

import (
	"bytes"
	"strings"
)

// literalBytes takes a number or a word up to the byte that ends it. What cannot
// become one is refused at once, so that a cut body and a broken one differ.
func (t *tokenizer) literalBytes(p []byte) int {
	n := 0
	for n < len(p) && isLiteral(p[n]) {
		n++
	}
	room := min(n, maxNumber-len(t.literal))
	t.literal = append(t.literal, p[:room]...)
	may, whole := literal(t.literal)
	switch {
	case !may, n < len(p) && !whole && room == n:
		t.fail(t.begin, "neither a number nor true, false or null")
	case room < n:
		t.fail(t.begin, "a number longer than %d bytes", maxNumber)
	case n < len(p):
		t.to.scalar(t.literal, t.begin)
		t.afterValue()
	}
	return n
}

func isLiteral(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// literal holds b against the numbers and words of JSON: whether it may become
// one, and whether it is one.
func literal(b []byte) (may, whole bool) {
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(word, string(b)) {
			return true, len(b) == len(word)
		}
	}
	return numberSyntax(b)
}

// numberSyntax holds b against the grammar of RFC 8259, section 6.
func numberSyntax(b []byte) (may, whole bool) {
	b = bytes.TrimPrefix(b, []byte("-"))
	n := digits(b)
	switch {
	case n == 0:
		return len(b) == 0, false
	case n > 1 && b[0] == '0':
		return false, false
	case n == len(b):
		return true, true
	case b[n] == '.':
		b = b[n+1:]
		if n = digits(b); n == 0 || n == len(b) {
			return n == len(b), n > 0
		}
	}
	return exponent(b[n:])
}

// exponent holds b, which is not empty, against the exponent of a number.
func exponent(b []byte) (may, whole bool) {
	if b[0] != 'e' && b[0] != 'E' {
		return false, false
	}
	b = b[1:]
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	n := digits(b)
	return n == len(b), n > 0 && n == len(b)
}

// digits counts the digits that b begins with.
func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}
