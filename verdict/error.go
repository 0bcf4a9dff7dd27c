package verdict

import (
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// findError judges an error: by what is said in it, the innermost layer first,
// else by the status.
func findError(f *gemini.Facts) finding {
	if pictured(&f.Body) && f.Body.Form != gemini.FormText {
		return finding{class: plantain.Unanswered, cause: brokenOff}
	}
	layers := layersOf(f)
	whole := f.Body.Complete || f.Stage != plantain.Reading && closed(&f.Body)
	n := decide(f, layers, whole)
	n.stated = delay(f, layers)
	n = settleWindow(n)
	if n.class == plantain.RateMinute && !whole {
		// A longer quota may have stood behind the cut.
		n.class, n.cause = plantain.QuotaUnknown, openQuota
	}
	return n
}

// closed reports a text that shows no cut: JSON inside it, if there is any, is
// closed.
func closed(b *gemini.Body) bool {
	if b.Form != gemini.FormText {
		return false
	}
	text := objects(b.Text)
	return strings.Count(text, "{") <= strings.Count(text, "}") || b.Bytes > gemini.MaxText
}

// objects gives a text from its first object on: before it node quotes the line of
// source that threw, whose brace is closed in another.
func objects(text string) string {
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 {
			return ""
		}
		rest := strings.TrimLeft(text[i+1:], " \t\r\n")
		if rest == "" || strings.IndexByte("\"'\\{}", rest[0]) >= 0 || rest[0] >= 'A' && rest[0] <= 'z' && rest[0] != '^' {
			return text[i:]
		}
		text = text[i+1:]
	}
}

func decide(f *gemini.Facts, layers []layer, whole bool) finding {
	for i := range layers {
		l := &layers[i]
		if n, ok := l.specific(layers[i+1:], f.Status, whole); ok {
			n.from, n.code = l, firstCode(l.code(), n.code, f.Status)
			n.refuse = n.code >= 400 && l.free(n, len(layers) > 1)
			return n
		}
		if code := l.code(); code != 0 && whole {
			return byStatus(firstCode(l.quoted(code), code), l)
		}
	}
	return byHTTP(f, layers, whole)
}

// imagenRefused is how Imagen begins an error of its own, always with status 400.
const imagenRefused = "image generation failed with the following error"

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
	case l.batch || named || strings.Contains(l.low(), imagenRefused):
		return n.code < 500
	default:
		_, worded := codeTexts[l.CodeText]
		return worded && !wrapped
	}
}

// specific judges a layer by what it says, whatever the status around it is. Of
// the layers around it only the limits count. A code in words is a gateway's
// until the whole error shows that no number goes with it; "api_error" is a word
// that gateways have for everything.
func (l *layer) specific(around []layer, status int, whole bool) (finding, bool) {
	if l.hasQuota() && !strings.Contains(l.low(), "spend") {
		return l.quota(around), true
	}
	if n, ok := l.spelled(); ok {
		return n, true
	}
	reason, hasReason := reasons[l.Reason]
	if p := phrases.first(l.low()); p != nil {
		n := finding{class: p.class, cause: p.cause, retry: p.retry}
		if n.retry == "" && reason.class == n.class {
			n.retry = reason.retry // the message of a wrong kind of token is that of a bad one
		}
		return n, true
	}
	if hasReason {
		return reason, true
	}
	word := lower(l.CodeText)
	if n, ok := codeTexts[word]; ok && l.Code == 0 && whole && (n.code < 500 || status < 400 || status >= 500) {
		return n, true
	}
	n, ok := gatewayCodes[word]
	return n, ok
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
	if n.class == plantain.BadRequest && l != nil && l.low() == "provider returned error" {
		n.class, n.cause = plantain.Unclassifiable, onlyCode
		return n
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

// byHTTP judges by the status of the response, or the code of an error that was
// cut inside it.
func byHTTP(f *gemini.Facts, layers []layer, whole bool) finding {
	status, l := f.Status, innermost(layers)
	if l != nil && l.code() != 0 {
		status = l.code()
	}
	if l != nil && whole && (good(status) || status == 500 || status == 502) {
		if told := l.quoted(0); told != 0 {
			status = told
		}
	}
	if good(status) {
		return strange(f, layers)
	}
	n := byStatus(status, l)
	empty := f.Body.Form == gemini.FormEmpty && f.Stage != plantain.Reading || f.Body.Bare && f.Body.Complete
	switch {
	case empty && n.class == plantain.BadRequest:
		// A 400 may be the key, the place or the request: nothing tells which.
		n.class, n.cause = plantain.Unclassifiable, emptyBody
	case !empty && !whole && vague(status, l):
		n.class, n.cause = plantain.Unclassifiable, cutError
		n.refuse = l != nil && l.code() != 0
	case !empty && !whole && n.class == plantain.Timeout && (l == nil || l.code() == 0):
		n.refuse = false // whose deadline it was stood behind the cut
	}
	return n
}

// vague reports a status that says too little beside a body that was cut: 400
// and 403 have many causes, and a 500 or 502 without a code of its own may be a
// gateway's for an answer that was paid for.
func vague(status int, l *layer) bool {
	switch status {
	case 401, 404, 413, 429, 499, 503, 504:
		return false
	case 500, 502:
		return l == nil || l.code() == 0
	default:
		return true
	}
}

// strange judges an error without any code under a status of success.
func strange(f *gemini.Facts, layers []layer) finding {
	for i := range layers {
		if p := weakPhrases.first(layers[i].low()); p != nil {
			return finding{class: p.class, cause: p.cause, retry: p.retry}
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
