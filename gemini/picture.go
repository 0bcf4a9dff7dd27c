package gemini

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"
)

// Ends of a picture, decoded and in base64. The identity of a picture is made of
// its ends: 8 KiB of each, since with 64 KiB the hash was a tenth of what a 1.5 MB
// answer costs the gateway. Its width and height stand in its head, behind up to
// tens of kilobytes of provenance data.
const (
	identityEnd   = 8 << 10
	identityChars = (identityEnd/3 + 1) * 4
	headEnd       = 64 << 10
	headChars     = (headEnd/3 + 1) * 4
	tailChars     = identityChars + 16 // and the padding
)

// Identify gives the identity of a picture: SHA-256 over its length (8 bytes,
// big endian) and its first and last 8 KiB, which overlap in a small one. It is
// what the scanner finds as [Part.Digest].
func Identify(picture []byte) [32]byte {
	n := min(len(picture), identityEnd)
	return identity(int64(len(picture)), picture[:n], picture[len(picture)-n:])
}

func identity(length int64, head, tail []byte) (sum [32]byte) {
	h := sha256.New()
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(length))
	h.Write(size[:])
	h.Write(head)
	h.Write(tail)
	h.Sum(sum[:0])
	return sum
}

// A picture takes the base64 of a picture as it passes, alone or as a data URL,
// and keeps its two ends.
type picture struct {
	prefix prefixState
	url    []byte // of a data URL, what stands before its comma
	start  int64  // offset of the first byte of base64
	chars  int64  // of base64, padding included
	head   []byte // the first identityChars; up to headChars where these tell no width
	looked bool   // whether they do was looked at
	spare  []byte // a copy of the head, to be decoded in its place
	tail   []byte // the last tailChars, and maybe some before them

	// What finish found.
	decoded       int64
	digest        [32]byte
	width, height int
	data          Span
}

type prefixState uint8

const (
	mayBeURL prefixState = iota // all so far is a prefix of "data:"
	inURL
	inBase64
)

const dataURL = "data:"

// pictures holds those not in use: their buffers take 44 KiB, and 80 more where the
// width stands far behind.
var pictures = sync.Pool{New: func() any {
	return &picture{head: make([]byte, 0, identityChars), tail: make([]byte, 0, 2*tailChars)}
}}

// newPicture gives an empty picture whose string begins at offset at.
func newPicture(at int64) *picture {
	p := pictures.Get().(*picture)
	*p = picture{url: p.url[:0], start: at, head: p.head[:0], spare: p.spare, tail: p.tail[:0]}
	return p
}

func (p *picture) free() { pictures.Put(p) }

// write takes the next bytes of the string, the first of them at offset at.
func (p *picture) write(b []byte, at int64) {
	for p.prefix != inBase64 && len(b) > 0 {
		n := p.writePrefix(b, at)
		b, at = b[n:], at+int64(n)
	}
	p.chars += int64(len(b))
	p.writeHead(b)
	p.writeTail(b)
}

// writeHead keeps as much of the head as it takes to tell the width.
func (p *picture) writeHead(b []byte) {
	n := min(len(b), identityChars-len(p.head))
	if n > 0 {
		p.head = append(p.head, b[:n]...)
		b = b[n:]
	}
	if len(p.head) >= identityChars && !p.looked {
		p.looked = true
		p.spare = append(p.spare[:0], p.head...) // the head itself is decoded when the whole picture is there
		decoded, _ := decodeInPlace(p.spare)
		p.width, p.height = pictureSize(decoded)
	}
	if p.looked && p.width == 0 && len(p.head) < headChars {
		p.head = append(p.head, b[:min(len(b), headChars-len(p.head))]...)
	}
}

// writePrefix takes what may belong to the front of a data URL.
func (p *picture) writePrefix(b []byte, at int64) int {
	if p.prefix == inURL {
		comma := bytes.IndexByte(b, ',')
		if comma < 0 {
			comma = len(b)
		}
		p.url = append(p.url, b[:min(comma, maxName-len(p.url))]...)
		if comma == len(b) {
			return comma
		}
		p.prefix, p.start = inBase64, at+int64(comma)+1
		return comma + 1
	}
	if b[0] != dataURL[len(p.url)] {
		p.noURL()
		return 0
	}
	p.url = append(p.url, b[0])
	if len(p.url) == len(dataURL) {
		p.prefix = inURL
	}
	return 1
}

// noURL takes what was held back as the beginning of a data URL for base64.
func (p *picture) noURL() {
	p.prefix = inBase64
	held := p.url
	p.url = p.url[:0]
	p.write(held, p.start)
}

// writeTail keeps at least the last tailChars. The buffer is twice as long, so
// that its end is moved to its front once for every tailChars.
func (p *picture) writeTail(b []byte) {
	if len(b) >= tailChars {
		p.tail = append(p.tail[:0], b[len(b)-tailChars:]...)
		return
	}
	if len(p.tail)+len(b) > cap(p.tail) {
		n := copy(p.tail, p.tail[len(p.tail)-tailChars:])
		p.tail = p.tail[:n]
	}
	p.tail = append(p.tail, b...)
}

// settle takes the span of the whole string, which has ended, and reports
// whether it was a data URL.
func (p *picture) settle(s Span) bool {
	if p.prefix == mayBeURL {
		p.noURL()
	}
	if p.prefix == inBase64 { // else no comma came
		p.data = Span{p.start, s.Start + s.Len - p.start, s.Escaped}
	}
	return p.isURL()
}

// finish decodes the ends, over the base64 of them, and finds what is in them.
func (p *picture) finish() {
	tail := bytes.TrimRight(p.tail, "=")
	padding := len(p.tail) - len(tail)
	chars := p.chars - int64(padding)
	p.decoded = chars/4*3 + int64([...]int{0, 0, 1, 2}[chars%4])

	last, endOK := p.last(tail, chars)
	head, headOK := p.measure(p.head[:min(int64(len(p.head)), chars)])
	if p.decoded > 0 && headOK && endOK && padding <= 2 && chars%4 != 1 {
		p.digest = identity(p.decoded, head, last)
	}
}

// measure decodes the head, no more of it than width and height take, and gives
// what of it belongs to the identity.
func (p *picture) measure(text []byte) (head []byte, ok bool) {
	first := min(len(text), identityChars)
	head, ok = decodeInPlace(text[:first])
	p.width, p.height = pictureSize(head)
	if p.width == 0 && first < len(text) && ok {
		more, _ := decodeInPlace(text[first:])
		n := copy(text[len(head):], more) // both lie in text already, with a gap
		p.width, p.height = pictureSize(text[:len(head)+n])
	}
	return head[:min(len(head), identityEnd)], ok
}

// last decodes the last bytes of the picture from the end of its base64.
func (p *picture) last(tail []byte, chars int64) ([]byte, bool) {
	skip := max(p.decoded-identityEnd, 0) // decoded bytes before the end
	from := skip / 3 * 4                  // the group of four that holds its first byte
	if chars-from > int64(len(tail)) {    // more padding than a picture has
		return nil, false
	}
	b, ok := decodeInPlace(tail[int64(len(tail))-(chars-from):])
	return b[min(skip%3, int64(len(b))):], ok
}

// isURL reports whether the string was a data URL.
func (p *picture) isURL() bool { return len(p.url) > 0 }

// isLink reports whether the string, which is not decoded, is an address.
func (p *picture) isLink() bool {
	return bytes.HasPrefix(p.head, []byte("https://")) || bytes.HasPrefix(p.head, []byte("http://"))
}

// looksRight reports whether the string is a picture by its looks: a data URL of
// one, the address of one, or the base64 of a known kind.
func (p *picture) looksRight() bool {
	switch {
	case p.isURL():
		return strings.HasPrefix(p.mime(), "image/")
	case p.isLink():
		return linksIn(cleanText(p.head)) > 0
	default:
		return p.width > 0
	}
}

// mime gives "image/png" of "data:image/png;base64".
func (p *picture) mime() string {
	mime, _, _ := strings.Cut(strings.TrimPrefix(string(p.url), dataURL), ";")
	return mime
}
