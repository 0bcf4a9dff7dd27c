package gemini

import (
	"errors"
	"io"
	"strings"
)

// picturesIn finds the pictures that stand in a text as data URLs, as chats keep them.
// The text is read as it stands in a body, with its JSON escapes, from offset at. Each
// is the part that it would be; its Object is the URL. What has no width is left alone:
// it was cut, or is an example of one. It keeps a few kilobytes of each, and looks at no
// more URLs than are left to be looked at.
func picturesIn(text io.Reader, at int64, left *int) ([]Part, error) {
	var w walker
	w.strings.keep, w.strings.urls.left = keepURLs, left
	t := tokenizer{to: &w, state: inString, str: stringState{start: at}}
	buffer := make([]byte, block)
	for t.state == inString {
		n, err := text.Read(buffer)
		t.stringBytes(buffer[:n], at)
		at += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			w.strings.urls.drop()
			return nil, err
		}
	}
	w.strings.urls.end()
	return w.strings.urls.found, nil
}

// LookInside finds the pictures that stand in what the model said, as data URLs in its
// texts, and counts them as pictures and not as text.
func (a *Asked) LookInside(body io.ReaderAt) error {
	left := maxParts
	for i := range a.Turns {
		if a.Turns[i].Role != "model" {
			continue
		}
		for j := range a.Turns[i].Parts {
			p := &a.Turns[i].Parts[j]
			if p.Kind != KindText || p.Thought || p.TextAt.Len <= MaxText && !strings.Contains(p.Text, dataImage) {
				continue
			}
			found, err := picturesIn(io.NewSectionReader(body, p.TextAt.Start, p.TextAt.Len), p.TextAt.Start, &left)
			if err != nil {
				return err
			}
			p.Inside = found
			a.Cut = a.Cut || left == 0
			a.Images += len(found)
			for _, f := range found {
				a.TextBytes = max(a.TextBytes-f.Object.Len, 0)
			}
		}
	}
	return nil
}

const dataImage = dataURL + "image/"

// A urlFinder finds the data URLs of pictures in a text as it passes.
type urlFinder struct {
	matched int      // how many characters of dataImage came
	start   int64    // offset of the first of them
	image   *picture // of the URL that is passing; nil: none
	until   int64    // the end of it so far
	escaped bool     // an escape was in it
	left    *int     // of URLs that may be looked at
	found   []Part
}

// write takes bytes of which the last one ends before offset until.
func (f *urlFinder) write(b []byte, until int64, escaped bool) {
	for len(b) > 0 {
		var n int
		if f.image == nil {
			n = f.search(b, until, escaped)
		} else {
			n = f.take(b, until, escaped)
		}
		b = b[n:]
	}
}

// search takes bytes until the beginning of a URL is whole. A URL does not begin with
// an escape, in which it would have no place of its own.
func (f *urlFinder) search(b []byte, until int64, escaped bool) int {
	if f.matched == 0 {
		n := indexFrom(b, 0, dataImage[0])
		if n == len(b) || escaped || *f.left == 0 {
			return len(b)
		}
		f.matched, f.start = 1, until-int64(len(b)-n)
		return n + 1
	}
	if b[0] != dataImage[f.matched] {
		f.matched = 0
		return 0
	}
	if f.matched++; f.matched == len(dataImage) {
		f.matched, f.escaped = 0, false
		f.image = newPicture(f.start)
		f.image.write([]byte(dataImage), f.start)
		f.until = until - int64(len(b)-1)
	}
	return 1
}

// take takes bytes of the URL, until one that is none of it.
func (f *urlFinder) take(b []byte, until int64, escaped bool) int {
	n := 0
	for n < len(b) && f.image.mayHave(b[n]) {
		n++
		if b[n-1] == ',' {
			break // what follows is of another kind
		}
	}
	if n == 0 {
		f.end()
		return 0
	}
	end := until - int64(len(b)-n)
	f.image.write(b[:n], end-int64(n))
	f.until, f.escaped = end, f.escaped || escaped
	return n
}

// mayHave reports whether a character may be the next one of a data URL.
func (p *picture) mayHave(c byte) bool {
	if p.prefix != inBase64 && strings.IndexByte(";,.", c) >= 0 {
		return true
	}
	return c == '=' || sextets[0][c] != noBase64
}

// end ends the URL that is passing.
func (f *urlFinder) end() {
	p := f.image
	if p == nil {
		return
	}
	*f.left--
	p.settle(Span{f.start, f.until - f.start, f.escaped})
	p.finish()
	if p.digest != [32]byte{} && p.width > 0 && strings.HasSuffix(string(p.url), ";base64") {
		f.found = append(f.found, Part{Kind: KindImage, MIME: p.mime(), Width: p.width, Height: p.height,
			Decoded: p.decoded, Digest: p.digest, Data: p.data, Object: Span{f.start, f.until - f.start, f.escaped}})
	}
	f.drop()
}

func (f *urlFinder) drop() {
	if f.image != nil {
		f.image.free()
		f.image = nil
	}
}
