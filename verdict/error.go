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
	if pictured(&f.Body) && len(f.Body.Errors) > 0 {
		return finding{class: plantain.Unanswered, cause: brokenOff}
	}
	layers := layersOf(f)
	whole := f.Body.Complete || f.Body.Form == gemini.FormText && f.Stage != plantain.Reading
	n := decide(f, layers, whole)
	n.stated = delay(f, layers)
	n = settleWindow(n)
	if n.class == plantain.RateMinute && !whole {
		// A longer quota may have stood behind the cut.
		n.class, n.cause = plantain.QuotaUnknown, openQuota
	}
	return n
}

func decide(f *gemini.Facts, layers []layer, whole bool) finding {
	for i := range layers {
		l := &layers[i]
		if n, ok := l.specific(layers[i+1:]); ok {
			n.from, n.code = l, l.codeOr(f.Status)
			n.refuse = n.code >= 400 && l.free(n, len(layers) > 1)
			return n
		}
		if code := l.code(); code != 0 && whole {
			return byStatus(code, l)
		}
	}
	return byHTTP(f, layers, whole)
}

// free reports that Google's rule on failed requests speaks of an error. It is
// silent where a gateway reports what Google answered with status 200, and where
// a gateway itself stopped waiting.
func (l *layer) free(n finding, wrapped bool) bool {
	_, named := httpOf[l.Status]
	switch {
	case n.cause == proxyDeadline:
		return named
	case !answered(n.class):
		return true
	case l.batch || named:
		return n.code < 500
	default:
		_, worded := codeTexts[l.CodeText]
		return worded && !wrapped
	}
}

// specific judges a layer by what it says, whatever the status around it is. Of
// the layers around it only the limits count.
func (l *layer) specific(around []layer) (finding, bool) {
	if l.hasQuota() && !strings.Contains(l.low(), "spend") {
		return l.quota(around), true
	}
	for i := range phrases {
		if p := &phrases[i]; strings.Contains(l.low(), p.text) {
			return finding{class: p.class, cause: p.cause, retry: p.retry}, true
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

// byStatus is the class of a code where the body says nothing finer.
func byStatus(code int, l *layer) finding {
	n := finding{class: plantain.Unclassifiable, cause: strangeCode, code: code, refuse: code >= 400, from: l}
	if c, ok := statuses[code]; ok {
		n.class, n.cause = c.class, c.cause
	}
	if n.cause == proxyDeadline {
		n.refuse = false
	}
	if n.class == plantain.BadRequest && l != nil && strings.Contains(l.Debug, "thumbnailer") {
		n.cause = badPicture // the message itself says nothing (a recorded body)
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
	empty := f.Body.Form == gemini.FormEmpty && f.Stage != plantain.Reading
	switch {
	case empty && n.class == plantain.BadRequest:
		// A 400 may be the key, the place or the request: nothing tells which.
		n.class, n.cause = plantain.Unclassifiable, emptyBody
	case !empty && !whole && vague(f.Status, layers):
		n.class, n.cause = plantain.Unclassifiable, cutError
		n.refuse = coded(layers)
	}
	return n
}

// vague reports a status that says too little beside a body that was cut: 400
// and 403 have many causes, and a 500 may be a gateway's for an answer that was
// paid for.
func vague(status int, layers []layer) bool {
	switch status {
	case 401, 404, 413, 429, 499, 502, 503, 504:
		return false
	case 500:
		return !coded(layers)
	default:
		return true
	}
}

// coded reports an error with a code of its own, as Google's have.
func coded(layers []layer) bool {
	for i := range layers {
		if layers[i].code() != 0 {
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
