package verdict

import (
	"strconv"
	"strings"

	"github.com/plantainhq/plantain/gemini"
)

// A layer is one error of a body. Gateways wrap Google's error in their own, so
// a body may have several.
type layer struct {
	*gemini.ErrorFacts
	batch   bool // small codes are gRPC's
	lowered string
}

// scanned is how much of the start of a message is searched, and ending how much of
// its end: Google's longest captured one has 1,600 bytes, web pages say what they
// are at the top, and the trace of a stack says it at the bottom.
const (
	scanned = 2 << 10
	ending  = 1 << 10
)

// low gives what is searched of the message in lower case, made once.
func (l *layer) low() string {
	switch m := l.Message; {
	case l.lowered != "":
	case len(m) <= scanned+ending:
		l.lowered = lower(m)
	case strings.HasPrefix(m, "<"):
		l.lowered = lower(m[:scanned])
	default:
		l.lowered = lower(m[:scanned] + "\n" + m[len(m)-ending:])
	}
	return l.lowered
}

// layersOf lists the errors of a body, the innermost first: it is Google's own
// word, while the outer status may be any gateway's. A text comes last.
func layersOf(f *gemini.Facts) []layer {
	b := &f.Body
	batch := b.Key != "" || good(f.Status)
	layers := make([]layer, 0, len(b.Errors)+1)
	for i := len(b.Errors) - 1; i >= 0; i-- {
		if l := (layer{ErrorFacts: &b.Errors[i], batch: batch}); l.speaks() {
			layers = append(layers, l)
		}
	}
	if b.Form == gemini.FormText {
		layers = append(layers, layer{ErrorFacts: &gemini.ErrorFacts{Message: b.Text}})
	}
	return layers
}

// speaks reports a layer that says anything at all.
func (l *layer) speaks() bool {
	return l.Code != 0 || l.CodeText != "" || l.Status != "" || l.Message != "" || l.Reason != "" || len(l.Violations) > 0
}

// code gives the HTTP code of a layer: its own, or that of its gRPC code or name.
// Zero: it has none.
func (l *layer) code() int {
	if l.Code >= 100 && l.Code < 600 {
		return int(l.Code)
	}
	if code, ok := httpOf[l.Status]; ok {
		return code
	}
	if code, ok := httpOf[strings.ToUpper(l.CodeText)]; ok {
		return code
	}
	if l.batch && l.Code > 0 && l.Code < int64(len(grpcCodes)) {
		return httpOf[grpcCodes[l.Code]]
	}
	if code, err := strconv.Atoi(l.CodeText); err == nil && code >= 100 && code < 600 {
		return code
	}
	return 0
}

// codeMarks stand before the code of an answer that a gateway or client tells of in
// words, in lower case.
var codeMarks = []string{"http error ", "http status ", "http code ", "http ", "status code: ", "status code ", "status: ", "error code: ", "got status "}

// quoted gives the code that a message tells of: "HTTP Error 400: Bad Request" inside
// a gateway's own 500. Zero: it tells none, or the layer has a code that says more.
func (l *layer) quoted(code int) int {
	if code != 0 && code != 500 && code != 502 {
		return 0
	}
	low := l.low()
	for _, mark := range codeMarks {
		_, rest, ok := strings.Cut(low, mark)
		if word := digits(rest); ok && len(word) == 3 && (word[0] == '4' || word[0] == '5') {
			n, _ := strconv.Atoi(word)
			return n
		}
	}
	return 0
}

// firstCode gives the first code of an error.
func firstCode(codes ...int) int {
	for _, c := range codes {
		if c >= 400 {
			return c
		}
	}
	return 0
}

// innermost is the innermost layer with a code, else the innermost; nil: none.
func innermost(layers []layer) *layer {
	for i := range layers {
		if layers[i].code() != 0 {
			return &layers[i]
		}
	}
	if len(layers) == 0 {
		return nil
	}
	return &layers[0]
}
