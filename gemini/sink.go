package gemini

import "unicode/utf8"

// A sink takes the contents of one string.
type sink struct {
	keep  keep
	text  []byte
	bytes int64
	image *picture
	urls  urlFinder
}

func (s *sink) begin(k keep, at int64) {
	s.keep, s.text, s.bytes = k, s.text[:0], 0
	if k == keepPicture || k == keepLink || k == keepGuess {
		s.image = newPicture(at)
	}
}

func (s *sink) write(b []byte, at int64) {
	switch s.keep {
	case keepText:
		s.bytes += int64(len(b))
		room := MaxText + utf8.UTFMax - len(s.text) // UTFMax more, so that the cut sees whole runes
		s.text = append(s.text, b[:min(len(b), room)]...)
	case keepPicture, keepLink, keepGuess:
		s.image.write(b, at)
	case keepURLs:
		s.urls.write(b, at+int64(len(b)), false)
	}
}

// escaped takes what an escape stands for, whose last character is at an offset.
func (s *sink) escaped(b []byte, at int64) {
	switch {
	case s.keep == keepURLs:
		s.urls.write(b, at+1, true)
	case s.image != nil && (b[0] == '\n' || b[0] == '\r'):
		// Line breaks that some encoders put into base64 are no part of it.
	default:
		s.write(b, at)
	}
}

// drop ends the string and gives the picture's memory back.
func (s *sink) drop() {
	if s.image != nil {
		s.image.free()
		s.image = nil
	}
	s.keep = keepNothing
}

// cleanText makes valid UTF-8 of b, as encoding/json does, and cuts it at MaxText.
func cleanText(b []byte) string {
	if !utf8.Valid(b) {
		b = []byte(string([]rune(string(b))))
	}
	return cutText(string(b))
}

// cutText cuts s at MaxText bytes, before a rune that would not fit whole.
func cutText(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
