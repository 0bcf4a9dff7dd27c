package gemini

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// A stringState is where the tokenizer stands inside a string.
type stringState struct {
	start   int64 // offset of the first byte behind the quote
	name    bool  // it is the name of a member
	escaped bool  // an escape was met
	escape  uint8 // 0: none; 1: behind a backslash; 2 to 5: that many less 2 hex digits were read
	code    rune  // the hex digits so far
	high    rune  // a high surrogate that waits for its low one
}

// stringBytes takes the bytes of a string up to its end or the end of p. What
// lies between quotes and backslashes is passed on as it is, never looked at.
func (t *tokenizer) stringBytes(p []byte, at int64) int {
	from, i, quote, searched := 0, 0, -1, 0 // from: what stands for itself and was not passed on
	for i < len(p) && t.state == inString {
		if t.str.escape > 0 {
			t.escapeByte(p[i], at+int64(i))
			i++
			from = i
			continue
		}
		if quote < i { // searched once per quote, so that a text full of \n stays linear
			searched = min(i+block, len(p))
			quote = indexFrom(p[:searched], i, '"')
		}
		if slash := bytes.IndexByte(p[i:quote], '\\'); slash >= 0 {
			t.run(p[from:i+slash], at+int64(from))
			t.str.escape, t.str.escaped = 1, true
			i += slash + 1
			from = i
			continue
		}
		i = quote
		if quote < searched {
			t.run(p[from:quote], at+int64(from))
			t.endString(at + int64(quote))
			return quote + 1
		}
		quote = -1
	}
	t.run(p[from:i], at+int64(from))
	return i
}

func indexFrom(p []byte, i int, c byte) int {
	if n := bytes.IndexByte(p[i:], c); n >= 0 {
		return i + n
	}
	return len(p)
}

// escapeByte takes one byte behind a backslash.
func (t *tokenizer) escapeByte(c byte, at int64) {
	s := &t.str
	if s.escape > 1 {
		t.hexByte(c, at)
		return
	}
	s.escape = 0
	switch c {
	case 'u':
		s.escape, s.code = 2, 0
	case '"', '\\', '/':
		t.emit([]byte{c}, at)
	case 'b', 'f', 'n', 'r', 't':
		t.emit([]byte{controls[c-'b']}, at)
	default:
		t.fail(at, "no escape: \\%c", rune(c))
	}
}

// controls are the characters that \b to \t stand for, by letter.
var controls = [...]byte{0: '\b', 'f' - 'b': '\f', 'n' - 'b': '\n', 'r' - 'b': '\r', 't' - 'b': '\t'}

func (t *tokenizer) hexByte(c byte, at int64) {
	s := &t.str
	digit, ok := hexDigit(c)
	if !ok {
		t.fail(at, "no hex digit: %q", rune(c))
		return
	}
	s.code = s.code<<4 | digit
	s.escape++
	if s.escape < 6 {
		return
	}
	s.escape = 0
	t.codeUnit(s.code, at)
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}

// codeUnit takes a UTF-16 code unit, and pairs surrogates as encoding/json does.
func (t *tokenizer) codeUnit(u rune, at int64) {
	s := &t.str
	if s.high != 0 {
		if r := utf16.DecodeRune(s.high, u); r != utf8.RuneError {
			s.high = 0
			t.emit(utf8.AppendRune(nil, r), at)
			return
		}
		t.flushHigh(at)
	}
	if u >= 0xd800 && u < 0xdc00 {
		s.high = u
		return
	}
	t.emit(utf8.AppendRune(nil, u), at)
}

// flushHigh replaces a high surrogate that found no low one.
func (t *tokenizer) flushHigh(at int64) {
	if t.str.high != 0 {
		t.str.high = 0
		t.emit([]byte("\uFFFD"), at)
	}
}

// emit passes on what an escape stands for.
func (t *tokenizer) emit(b []byte, at int64) {
	t.flushHigh(at)
	if t.str.name {
		t.to.nameBytes(b)
		return
	}
	t.to.escaped(b, at)
}

// run passes on bytes that stand for themselves.
func (t *tokenizer) run(b []byte, at int64) {
	if len(b) == 0 {
		return
	}
	t.flushHigh(at)
	if t.str.name {
		t.to.nameBytes(b)
		return
	}
	t.to.run(b, at)
}

func (t *tokenizer) endString(at int64) {
	t.flushHigh(at)
	if t.str.name {
		t.to.endName()
		t.state = wantColon
		return
	}
	t.to.endString(Span{t.str.start, at - t.str.start, t.str.escaped})
	t.afterValue()
}
