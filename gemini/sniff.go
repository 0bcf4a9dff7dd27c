package gemini

import (
	"bytes"
	"strings"
)

var bom = []byte("\ufeff")

// fields are the fields of an event; the comment's is empty.
var fields = []string{"data:", "event:", "id:", "retry:", ":"}

// sniff tells what a body is by its head; unknown: more is needed. Whatever it
// says of a head it says of every longer one.
func sniff(head []byte, stream, all bool) mode {
	if len(head) < len(bom) && bytes.HasPrefix(bom, head) && !all {
		return unknown
	}
	b := bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \n\r\t")
	switch {
	case len(b) == 0 && len(head) < headRoom:
		return unknown
	case len(b) > 0 && (b[0] == '{' || b[0] == '['):
		return jsonMode
	}
	for _, field := range fields {
		switch {
		case len(b) < len(field) && strings.HasPrefix(field, string(b)) && !all:
			return unknown
		case bytes.HasPrefix(b, []byte(field)):
			return sniffField(field, b[len(field):], stream, all)
		}
	}
	return textMode
}

// sniffField decides for a body that begins like an event. Without the content
// type, "id: 7 not found" and a bare data URL are texts.
func sniffField(field string, rest []byte, stream, all bool) mode {
	if stream || field == "event:" {
		return eventMode
	}
	rest = bytes.TrimLeft(rest, " ")
	switch {
	case field != "data:", len(rest) == 0 && all, len(rest) > headRoom/2:
		return textMode
	case len(rest) == 0:
		return unknown
	case rest[0] == '{' || rest[0] == '[':
		return eventMode
	}
	return textMode
}
