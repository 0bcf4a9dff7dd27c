package sim

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// emitter writes JSON as Google does: pretty with two spaces, or on one line with a space after colons. Pictures and
// signatures pass through without another copy.
type emitter struct {
	w      *bufio.Writer
	pretty bool
	depth  int
	more   bool // something stands before in this object or array
	keyed  bool
}

func newEmitter(w io.Writer, pretty bool) *emitter {
	return &emitter{w: bufio.NewWriterSize(w, 32<<10), pretty: pretty}
}

func (e *emitter) flush() error { return e.w.Flush() }

// sep puts what belongs before a key or a value.
func (e *emitter) sep() {
	if e.keyed {
		e.keyed = false
		return
	}
	if e.more {
		e.w.WriteByte(',')
	}
	if e.depth > 0 {
		e.line()
	}
}

func (e *emitter) line() {
	if e.pretty {
		e.w.WriteByte('\n')
		e.w.WriteString(strings.Repeat("  ", e.depth))
	}
}

func (e *emitter) open(bracket byte) {
	e.sep()
	e.w.WriteByte(bracket)
	e.depth++
	e.more = false
}

func (e *emitter) close(bracket byte) {
	e.depth--
	if e.more {
		e.line()
	}
	e.w.WriteByte(bracket)
	e.more = true
}

func (e *emitter) key(name string) *emitter {
	e.sep()
	e.w.WriteByte('"')
	e.w.WriteString(name)
	e.w.WriteString(`": `)
	e.keyed = true
	return e
}

func (e *emitter) str(s string) {
	e.sep()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string always encodes
	e.w.WriteString(strings.TrimSuffix(b.String(), "\n"))
	e.more = true
}

func (e *emitter) int(n int64) {
	e.sep()
	e.w.WriteString(strconv.FormatInt(n, 10))
	e.more = true
}

func (e *emitter) bool(b bool) {
	e.sep()
	e.w.WriteString(strconv.FormatBool(b))
	e.more = true
}

// base64 writes data as a padded standard base64 string: the Go SDK takes no other.
func (e *emitter) base64(data []byte) {
	e.sep()
	e.w.WriteByte('"')
	enc := base64.NewEncoder(base64.StdEncoding, e.w)
	for len(data) > 0 && e.ok() {
		n := min(len(data), 96<<10)
		enc.Write(data[:n])
		data = data[n:]
	}
	enc.Close()
	e.w.WriteByte('"')
	e.more = true
}

func (e *emitter) signature(s *signature) {
	e.sep()
	e.w.WriteByte('"')
	s.WriteTo(e.w)
	e.w.WriteByte('"')
	e.more = true
}

// ok is false once the client is gone.
func (e *emitter) ok() bool {
	_, err := e.w.Write(nil)
	return err == nil
}
