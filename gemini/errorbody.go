package gemini

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of an error: how many layers, and entries of a list in one.
const (
	maxLayers  = 32
	maxEntries = 64
)

// A layer is one error object, and the texts in it that may hold another error.
type layer struct {
	ErrorFacts
	raw            []string
	kind           string // error.type
	reason, domain string // of the older error.errors
	reset          time.Duration
	hasReset       bool // ErrorInfo.metadata had a quotaResetDelay
}

// An errorFinder finds error objects and the messages of gateways.
type errorFinder struct {
	layers  []layer
	open    []int // which of them stand open, innermost last; -1: one too many
	spare   layer // takes what is not kept
	dropped bool  // something was not kept
	gateway layer // a message beside candidates and error, not inside
	before  int   // where among the layers the gateway's own belongs
	limit   Violation
	field   FieldViolation
	seconds string
	nanos   int64
}

// top is the error object that stands open.
func (f *errorFinder) top() *layer {
	if n := len(f.open); n > 0 && f.open[n-1] >= 0 {
		return &f.layers[f.open[n-1]]
	}
	return &f.spare
}

func (f *errorFinder) begin() {
	at := -1
	if len(f.layers) < maxLayers {
		at = len(f.layers)
		f.layers = append(f.layers, layer{})
	}
	f.dropped = f.dropped || at < 0
	f.open = append(f.open, at)
}

func (f *errorFinder) end() { f.open = f.open[:len(f.open)-1] }

func (f *errorFinder) enterError(p spot) {
	switch p {
	case errorObject:
		f.begin()
	case violation:
		f.limit = Violation{}
	case fieldViolation:
		f.field = FieldViolation{}
	case delay:
		f.seconds, f.nanos = "", 0
	}
}

func (f *errorFinder) leaveError(p spot) {
	e := f.top()
	switch p {
	case errorObject:
		f.end()
	case violation:
		if f.limit != (Violation{}) && len(e.Violations) < maxEntries {
			e.Violations = append(e.Violations, f.limit)
		}
	case fieldViolation:
		if len(e.Fields) < maxEntries {
			e.Fields = append(e.Fields, f.field)
		}
	case delay:
		d, err := time.ParseDuration(f.seconds + "s")
		f.setDelay(d+time.Duration(f.nanos), err)
	}
}

// endGateway ends the root object. Its message is an error of its own, around
// the one in its error member; a text beside that one explains it further.
func (f *errorFinder) endGateway() {
	g, at := f.gateway, f.before
	if g.Message == "" && g.raw != nil {
		g.Message, g.raw, at = g.raw[0], g.raw[1:], len(f.layers)
	}
	if g.Message != "" && len(f.layers) < maxLayers {
		f.layers = slices.Insert(f.layers, at, g)
	}
	f.gateway, f.before = layer{}, len(f.layers)
}

func (f *errorFinder) errorValue(p spot, v value) {
	e := f.top()
	switch p {
	case errorObject: // an error that is a plain string
		f.begin()
		f.top().Message = v.text
		f.end()
	case errorCode:
		e.code(v)
	case errorStatus:
		e.status(v)
	case errorMessage:
		e.Message = v.text
	case errorType:
		e.kind = v.text
	case errorDetail: // details that are a plain string
		e.raw = appendText(e.raw, v.text)
	case rawText:
		f.raw(v)
	case gatewayMessage:
		f.gateway.Message = firstOf(f.gateway.Message, v.text)
	case gatewayStatus:
		if strings.Contains(v.text, "{") { // Vertex's batch lines have the error there
			f.raw(v)
			return
		}
		f.gateway.status(v)
	case gatewayCode:
		f.gateway.code(v)
	default:
		f.detail(e, p, v)
	}
}

// raw keeps a text in which another error may stand: error.metadata.raw of
// OpenRouter, details beside error of a small proxy.
func (f *errorFinder) raw(v value) {
	e := &f.gateway
	if len(f.open) > 0 {
		e = f.top()
	}
	e.raw = appendText(e.raw, v.text)
}

func appendText(texts []string, s string) []string {
	if s == "" || len(texts) == maxEntries {
		return texts
	}
	return append(texts, s)
}

// code takes error.code: a number, a number in a string, or a word.
func (e *layer) code(v value) {
	if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
		e.Code = n
		return
	}
	e.CodeText = v.text
}

// status takes error.status: a name, or the HTTP status itself.
func (e *layer) status(v value) {
	if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
		e.Code = n
		return
	}
	e.Status = v.text
}

// facts gives what the layer came to. What Google says in a detail goes before
// what it says in an older form.
func (e *layer) facts() ErrorFacts {
	f := e.ErrorFacts
	f.CodeText = firstOf(f.CodeText, e.kind)
	if f.Reason == "" {
		f.Reason, f.Domain = e.reason, firstOf(f.Domain, e.domain)
	}
	if !f.HasDelay && e.hasReset {
		f.RetryDelay, f.HasDelay = e.reset, true
	}
	return f
}
