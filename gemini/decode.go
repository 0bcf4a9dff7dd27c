package gemini

import (
	"encoding/base64"
	"io"
)

// PictureReader gives the bytes of a picture from its base64 as it stands in a body
// at [Part.Data]: in either alphabet, padded or not, with JSON escapes or without.
// It keeps a few kilobytes.
func PictureReader(text io.Reader) io.Reader {
	return base64.NewDecoder(base64.RawStdEncoding, &plainBase64{from: text})
}

// plainBase64 reads base64 of JSON as the standard alphabet without padding.
type plainBase64 struct {
	from   io.Reader
	escape []byte // an escape that has begun: "\", "\u00"
}

func (r *plainBase64) Read(p []byte) (int, error) {
	for {
		n, err := r.from.Read(p)
		n = r.clean(p[:n])
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// clean writes over p what is left of it.
func (r *plainBase64) clean(p []byte) (n int) {
	for _, c := range p {
		if len(r.escape) > 0 || c == '\\' {
			var whole bool
			if c, whole = r.unescape(c); !whole {
				continue
			}
		}
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		case '=':
			continue
		}
		p[n] = c
		n++
	}
	return n
}

// unescape takes the next byte of an escape and gives what it stands for once it is
// whole; '=', which is left out, for one that stands for nothing in base64.
func (r *plainBase64) unescape(c byte) (byte, bool) {
	r.escape = append(r.escape, c)
	switch {
	case len(r.escape) == 1, r.escape[1] == 'u' && len(r.escape) < len(`\u002f`):
		return 0, false
	case r.escape[1] != 'u':
		c = '='
		if r.escape[1] == '/' {
			c = '/'
		}
	default:
		c = hexByte(r.escape[4])<<4 | hexByte(r.escape[5])
	}
	r.escape = r.escape[:0]
	return c, true
}

func hexByte(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	default:
		return c - '0'
	}
}
