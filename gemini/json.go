package gemini

import "fmt"

// Bounds of the tokenizer. Google's own answers nest to about twelve, its
// numbers take at most twenty bytes and its names at most forty.
const (
	maxDepth  = 100
	maxNumber = 128
	maxName   = 256
	// block is how far a string is searched at once, so that the second search
	// (for the backslash) finds it in the cache.
	block = 16 << 10
)

// state says what the next byte outside a string may be.
type state uint8

const (
	wantRoot       state = iota // no value has begun
	wantValue                   // after a colon, or a comma of an array
	wantValueOrEnd              // after [
	wantName                    // after a comma of an object
	wantNameOrEnd               // after {
	wantColon                   // after a name
	wantComma                   // after a value
	inString
	inLiteral // a number, true, false or null
	closed    // the value has ended
	broken
)

// A tokenizer splits one JSON object or array into tokens as its bytes arrive
// and tells the walker. It decides all that encoding/json decides, with one
// liberty: control characters inside strings pass, because looking for them
// would cost a third sweep over every picture.
type tokenizer struct {
	to      *walker
	state   state
	objects [maxDepth]bool // which of the open containers are objects
	depth   int
	literal []byte // a number or word so far, and
	begin   int64  // where it begins
	str     stringState
	fault   string // why the state is broken
}

// reset makes the tokenizer ready for another value.
func (t *tokenizer) reset() {
	t.state, t.depth, t.fault = wantRoot, 0, ""
	t.str = stringState{}
}

// begun reports whether the tokenizer stands inside a value.
func (t *tokenizer) begun() bool {
	return t.state != wantRoot && t.state != closed && t.state != broken
}

// feed takes the bytes p that stand at offset at of the body. It stops behind
// the end of the value, or where the syntax breaks, and gives how many it took.
func (t *tokenizer) feed(p []byte, at int64) int {
	i := 0
	for i < len(p) && t.state < closed {
		switch t.state {
		case inString:
			i += t.stringBytes(p[i:], at+int64(i))
		case inLiteral:
			i += t.literalBytes(p[i:])
		default:
			if !isSpace(p[i]) {
				t.structure(p[i], at+int64(i))
			}
			i++
		}
	}
	return i
}

// structure takes a byte outside strings and literals.
func (t *tokenizer) structure(c byte, at int64) {
	switch {
	case t.state == wantRoot && c != '{' && c != '[':
		t.unexpected(c, at)
	case t.state <= wantValue, t.state == wantValueOrEnd && c != ']':
		t.value(c, at)
	case t.state == wantValueOrEnd, t.state == wantNameOrEnd && c == '}':
		t.close(at)
	case t.state == wantName || t.state == wantNameOrEnd:
		t.name(c, at)
	case t.state == wantColon && c == ':':
		t.state = wantValue
	case t.state == wantComma:
		t.comma(c, at)
	default:
		t.unexpected(c, at)
	}
}

// value takes the first byte of a value.
func (t *tokenizer) value(c byte, at int64) {
	switch {
	case c == '{' || c == '[':
		t.open(c, at)
	case c == '"':
		t.str = stringState{start: at + 1}
		t.to.beginString(at + 1)
		t.state = inString
	case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
		t.literal, t.begin = append(t.literal[:0], c), at
		t.state = inLiteral
	default:
		t.unexpected(c, at)
	}
}

func (t *tokenizer) open(c byte, at int64) {
	if t.depth == maxDepth {
		t.fail(at, "nested deeper than %d", maxDepth)
		return
	}
	t.objects[t.depth] = c == '{'
	t.depth++
	t.state = wantValueOrEnd
	if c == '{' {
		t.state = wantNameOrEnd
	}
	t.to.open(c == '{', at)
}

func (t *tokenizer) close(at int64) {
	t.depth--
	t.to.close(t.objects[t.depth], at+1)
	t.afterValue()
}

func (t *tokenizer) name(c byte, at int64) {
	if c != '"' {
		t.unexpected(c, at)
		return
	}
	t.str = stringState{start: at + 1, name: true}
	t.to.name = t.to.name[:0]
	t.state = inString
}

// comma takes what may follow a value: a comma or the end of its container.
func (t *tokenizer) comma(c byte, at int64) {
	object := t.objects[t.depth-1]
	switch {
	case c == ',' && object:
		t.state = wantName
	case c == ',':
		t.state = wantValue
	case c == '}' && object, c == ']' && !object:
		t.close(at)
	default:
		t.unexpected(c, at)
	}
}

func (t *tokenizer) afterValue() {
	t.state = wantComma
	if t.depth == 0 {
		t.state = closed
	}
}

// abandon ends a value that was cut. The beginning of a text is still a fact,
// that of a picture is no picture.
func (t *tokenizer) abandon() {
	if t.state == inString && !t.str.name {
		t.flushHigh(0)
		t.to.endCut()
	}
	t.to.strings.drop()
}

func (t *tokenizer) unexpected(c byte, at int64) {
	t.fail(at, "unexpected %q", rune(c))
}

func (t *tokenizer) fail(at int64, format string, args ...any) {
	t.state = broken
	t.fault = fmt.Sprintf("byte %d: ", at) + fmt.Sprintf(format, args...)
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
