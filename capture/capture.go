// Package capture reads what people keep of an exchange: an HTTP message, a body,
// a HAR file, what an SDK prints, the log of an application. It gives the facts
// that stand in it and says what they mean, by the verdict.
//
// It asks nobody: what is not in the capture it does not know, and it neither
// opens files nor sends anything.
package capture

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// An Exchange is one exchange with Google that a capture shows.
type Exchange struct {
	// ID tells exchanges of one capture apart: the id of a case, the line of a log,
	// the address in a HAR. Empty: the capture shows only one.
	ID    string
	At    time.Time // when it was; zero: the capture does not say
	Model plantain.Model
	Facts gemini.Facts // Status 0: the capture has none, and the body speaks alone
}

// Read finds the exchanges in a capture, whatever its form, in the order in which
// they stand there. It always finds one at least: a capture that says nothing is
// one whose verdict will say so.
func Read(text []byte) []Exchange {
	text = plainText(text)
	if found := readMessages(text); found != nil {
		return found
	}
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
		return readBodyOrLog(text)
	}
	if found := readHAR(trimmed); found != nil {
		return found
	}
	if x, ok := readObject(trimmed); ok {
		return []Exchange{x}
	}
	if found := readLines(trimmed); found != nil {
		return found
	}
	if body := scan("", trimmed); says(&body) {
		return []Exchange{{Facts: gemini.Facts{Body: body}}}
	}
	if printed, n := gemini.Printed(string(trimmed)); n == len(trimmed) {
		if body := scan("", []byte(printed)); says(&body) {
			return []Exchange{{Facts: gemini.Facts{Body: body}}}
		}
	}
	return readBodyOrLog(text)
}

// readBodyOrLog reads events, pages and texts.
func readBodyOrLog(text []byte) []Exchange {
	body := scan("", text)
	if body.Form == gemini.FormEvents || isPage(text) {
		return []Exchange{{Facts: gemini.Facts{Body: body}}}
	}
	if found := readLog(text); len(found) > 0 {
		return found
	}
	if body.Form == gemini.FormText {
		body = scan("", []byte(shortened(string(text))))
	}
	return []Exchange{{Facts: gemini.Facts{Status: statusIn(string(text)), Body: body}}}
}

func isPage(text []byte) bool {
	head := bytes.ToLower(bytes.TrimSpace(text[:min(len(text), 200)]))
	return bytes.HasPrefix(head, []byte("<!doctype")) || bytes.HasPrefix(head, []byte("<html"))
}

// scan finds the facts in a body.
func scan(contentType string, body []byte) gemini.Body {
	s := gemini.NewScanner(contentType)
	_, _ = s.Write(body)
	return s.Finish()
}

// says reports a body of JSON or events in which anything of an exchange was found.
func says(b *gemini.Body) bool {
	if b.Form != gemini.FormJSON && b.Form != gemini.FormEvents {
		return false
	}
	return len(b.Errors) > 0 || len(b.Parts) > 0 || b.Candidates > 0 || b.BlockReason != "" || b.FinishMessage != "" || b.Bare
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// plainText undoes what shells do to a capture: UTF-16 from PowerShell, a byte
// order mark, the colours of a terminal.
func plainText(text []byte) []byte {
	if order := byteOrder(text); order != nil {
		units := make([]uint16, 0, len(text)/2)
		for i := 2; i+1 < len(text); i += 2 {
			units = append(units, order.Uint16(text[i:]))
		}
		text = []byte(string(utf16.Decode(units)))
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if bytes.IndexByte(text, 0x1b) >= 0 {
		text = colours.ReplaceAll(text, nil)
	}
	return text
}

func byteOrder(text []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		return binary.LittleEndian
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return binary.BigEndian
	default:
		return nil
	}
}

var modelInPath = regexp.MustCompile(`models/([A-Za-z0-9._-]+)`)

// modelOf gives the model of an address or a message that names one.
func modelOf(text string) plantain.Model {
	if m := modelInPath.FindStringSubmatch(text); m != nil {
		return plantain.Model(strings.TrimRight(m[1], "."))
	}
	return ""
}
