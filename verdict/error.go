package verdict

import (
	"strconv"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A layer is one error of a body. Gateways wrap Google's error in their own, so
// a body may have several.
type layer struct {
	*gemini.ErrorFacts
	inner   bool // the innermost one
	batch   bool // small codes are gRPC's
	lowered string
}

// scanned is how much of a message is searched: Google's longest captured one
// has 1,600 bytes, web pages say what they are at the top.
const scanned = 4 << 10

// low gives the start of the message in lower case, made once.
func (l *layer) low() string {
	if l.lowered == "" {
		l.lowered = strings.ToLower(l.Message[:min(len(l.Message), scanned)])
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
		if e := &b.Errors[i]; speaks(e) {
			layers = append(layers, layer{ErrorFacts: e, batch: batch})
		}
	}
	if b.Form == gemini.FormText {
		layers = append(layers, layer{ErrorFacts: &gemini.ErrorFacts{Message: b.Text}})
	}
	return layers
}

func speaks(e *gemini.ErrorFacts) bool {
	return e.Code != 0 || e.CodeText != "" || e.Status != "" || e.Message != "" || e.Reason != "" || len(e.Violations) > 0
}

// findError judges an error: by what is said in it, the innermost layer first,
// else by the status.
func findError(f *gemini.Facts) finding {
	layers := layersOf(f)
	if pictured(&f.Body) && len(f.Body.Errors) > 0 {
		return finding{class: plantain.Unanswered, cause: brokenOff}
	}
	n := decide(f, layers)
	n.stated = delay(f, layers)
	return settleWindow(n)
}

func decide(f *gemini.Facts, layers []layer) finding {
	whole := f.Body.Complete || f.Body.Form == gemini.FormText
	for i := range layers {
		l := &layers[i]
		if n, ok := l.specific(layers[i+1:]); ok {
			n.from, n.code = l, l.codeOr(f.Status)
			n.refuse = n.code >= 400 && (!answered(n.class) || l.googles() && len(layers) == 1)
			return n
		}
		if code := l.code(); l.googles() && whole {
			return byStatus(code, l)
		}
	}
	return byHTTP(f, layers, whole)
}

// specific judges a layer by what it says, whatever the status around it is. Of
// the layers around it only the limits count.
func (l *layer) specific(around []layer) (finding, bool) {
	if l.hasQuota() {
		return l.quota(around), true
	}
	for i := range phrases {
		if p := &phrases[i]; strings.Contains(l.low(), p.text) {
			return finding{class: p.class, cause: p.cause, retry: p.retry, limit: p.limit}, true
		}
	}
	if n, ok := reasons[l.Reason]; ok {
		return n, true
	}
	word := strings.ToLower(l.CodeText)
	if n, ok := codeTexts[word]; ok && l.Code == 0 {
		return n, true
	}
	n, ok := gatewayCodes[word]
	return n, ok
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

func (l *layer) codeOr(status int) int {
	if code := l.code(); code != 0 {
		return code
	}
	if good(status) {
		return 0
	}
	return status
}

// googles reports an error in Google's shape: with a gRPC name, a known code of
// the Interactions API, or at least a number.
func (l *layer) googles() bool {
	_, named := httpOf[l.Status]
	_, worded := codeTexts[l.CodeText]
	return named || worded || l.code() != 0
}

// byStatus is the class of a code where the body says nothing finer.
func byStatus(code int, l *layer) finding {
	n := finding{class: plantain.Unclassifiable, cause: strangeCode, code: code, refuse: code >= 400, from: l}
	if c, ok := statuses[code]; ok {
		n.class, n.cause = c.class, c.cause
	}
	switch {
	case n.class != plantain.Unclassifiable:
	case code >= 500:
		n.class, n.cause = plantain.ServerError, ""
	case code >= 400:
		n.class, n.cause = plantain.BadRequest, ""
	}
	return n
}

// byHTTP judges by the status of the response alone.
func byHTTP(f *gemini.Facts, layers []layer, whole bool) finding {
	if good(f.Status) {
		return strange(f, layers)
	}
	var l *layer
	if len(layers) > 0 {
		l = &layers[0]
	}
	n := byStatus(f.Status, l)
	switch {
	case f.Body.Form == gemini.FormEmpty && n.class == plantain.BadRequest:
		// A 400 may be the key, the place or the request: nothing tells which.
		n.class, n.cause = plantain.Unclassifiable, emptyBody
	case !whole && f.Body.Form != gemini.FormEmpty && vague(f.Status, layers):
		n.class, n.cause = plantain.Unclassifiable, cutError
		n.refuse = someGoogles(layers)
	}
	return n
}

// vague reports a status that says too little beside a body that was cut: 400
// and 403 have many causes, and a 5xx may be a gateway's for an answer that was
// paid for.
func vague(status int, layers []layer) bool {
	switch status {
	case 401, 404, 413, 429, 502, 503, 504, 499:
		return false
	case 500:
		return !someGoogles(layers)
	default:
		return true
	}
}

func someGoogles(layers []layer) bool {
	for i := range layers {
		if layers[i].googles() {
			return true
		}
	}
	return false
}

// strange judges an error without any code under a status of success.
func strange(f *gemini.Facts, layers []layer) finding {
	for i := range layers {
		for _, p := range weakPhrases {
			if strings.Contains(layers[i].low(), p.text) {
				return finding{class: p.class, cause: p.cause, retry: p.retry}
			}
		}
	}
	n := finding{class: plantain.Unclassifiable, cause: strangeBody, seen: size(f.Body.Bytes)}
	if f.Body.Form != gemini.FormText {
		return n
	}
	n.cause = plainText
	if page := layers[len(layers)-1].low(); strings.Contains(page, "<html") || strings.Contains(page, "<!doctype") {
		n.cause = webPage
	}
	return n
}
