package gemini

import (
	"bytes"
	"strings"
)

// literal holds b against the numbers and words of JSON: whether it may become
// one, and whether it is one.
func literal(b []byte) (may, whole bool) {
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(word, string(b)) {
			return true, len(b) == len(word)
		}
	}
	return number8259(b)
}

// number8259 holds b against the grammar of RFC 8259, section 6.
func number8259(b []byte) (may, whole bool) {
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
