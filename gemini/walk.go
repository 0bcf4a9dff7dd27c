package gemini

// Bounds of what is kept, beside MaxText for one string: a hostile body of
// 100 MB must not become a gigabyte of facts.
const (
	maxKept  = 8 << 20 // bytes of all strings of a body together
	maxParts = 1 << 14
)

// A finder is told what stands where in a body.
type finder interface {
	enter(p spot, at int64)  // an object begins, its brace at offset at
	leave(p spot, end int64) // an object has ended before offset end
	list(p spot)             // an array begins
	value(p spot, v value)   // a string, number or boolean that the spot keeps
}

// A value is what a finder is told of a string, a number or a boolean. It must
// not be used after the call.
type value struct {
	text   string // decoded, cut at MaxText; empty for a signature and a picture
	quoted bool   // it is a string
	bytes  int64  // length of the whole string, decoded
	span   Span
	name   []byte   // the name that it was reached by
	image  *picture // at the spots of a picture
}

// A walker knows at which spot the tokenizer stands, keeps of each string what
// the spot asks for, and tells its finder.
type walker struct {
	find    finder
	root    spot
	next    spot // of the value that comes
	name    []byte
	stack   []frame
	strings sink
	cut     bool // something was left out to stay within bounds
	kept    int
	names   int   // how many names were read
	opaque  int64 // the length of the longest string that stands at no known spot
	// element, where it is not nil, is called behind each object that is an
	// element of the outermost array.
	element func(end int64)
}

type frame struct {
	at     spot
	object bool
}

// reset makes the walker ready for another value of the same body.
func (w *walker) reset() {
	w.next, w.stack = w.root, w.stack[:0]
	w.strings.drop()
}

func (w *walker) open(object bool, at int64) {
	w.stack = append(w.stack, frame{w.next, object})
	if object {
		w.find.enter(w.next, at)
		return
	}
	w.find.list(w.next)
}

func (w *walker) close(object bool, end int64) {
	top := w.stack[len(w.stack)-1]
	w.stack = w.stack[:len(w.stack)-1]
	if object {
		w.find.leave(top.at, end)
	}
	w.afterValue()
	if object && len(w.stack) == 1 && !w.stack[0].object && w.element != nil {
		w.element(end)
	}
}

// afterValue puts the spot back to that of the array, if it stands in one.
func (w *walker) afterValue() {
	if n := len(w.stack); n > 0 {
		w.next = w.stack[n-1].at
	}
}

// nameBytes takes a piece of a member's name; no name of interest is as long as
// maxName.
func (w *walker) nameBytes(b []byte) {
	w.name = append(w.name, b[:min(len(b), maxName-len(w.name))]...)
}

func (w *walker) endName() {
	w.names++
	w.next = w.stack[len(w.stack)-1].at.member(w.name)
}

func (w *walker) beginString(at int64) { w.strings.begin(w.next.keeps(), at) }

func (w *walker) run(b []byte, at int64) { w.strings.write(b, at) }

func (w *walker) escaped(b []byte, at int64) { w.strings.escaped(b, at) }

func (w *walker) endString(s Span) {
	v := value{quoted: true, span: s, name: w.name}
	switch w.strings.keep {
	case keepNothing:
		if w.next != ignored {
			w.opaque = max(w.opaque, s.Len)
		}
	case keepText:
		v.text, v.bytes = w.keep(w.strings.text), w.strings.bytes
		w.find.value(w.next, v)
	case keepSpan:
		w.find.value(w.next, v)
	case keepPicture, keepLink, keepGuess:
		v.image = w.strings.image
		if v.image.settle(s) || w.strings.keep == keepPicture || w.strings.keep == keepGuess && !v.image.isLink() {
			v.image.finish()
		}
		w.told(v)
	}
	w.strings.drop()
	w.afterValue()
}

// told passes on what may be a picture; what does not look like one may be one all
// the same.
func (w *walker) told(v value) {
	if w.next.keeps() == keepGuess && !v.image.looksRight() {
		w.opaque = max(w.opaque, v.span.Len)
		return
	}
	w.find.value(w.next, v)
}

// endCut ends a string that the body does not: what came of a text is told, but not
// half a code, which may be another one.
func (w *walker) endCut() {
	if w.strings.keep == keepText && !w.next.isCode() {
		w.find.value(w.next, value{quoted: true, text: w.keep(w.strings.text), bytes: w.strings.bytes, name: w.name})
	}
}

// scalar takes a number, true, false or null, which stands at an offset. Null is as
// good as absent, but for where a signature should be.
func (w *walker) scalar(b []byte, at int64) {
	switch null := string(b) == "null"; {
	case null && w.next == partSignature:
		w.find.value(w.next, value{span: Span{Start: at}})
	case !null && w.next.keeps() == keepText:
		w.find.value(w.next, value{text: string(b), bytes: int64(len(b)), name: w.name})
	}
	w.afterValue()
}

// keep makes a string of b, within the bounds.
func (w *walker) keep(b []byte) string {
	if w.kept >= maxKept {
		w.cut = true
		return ""
	}
	s := cleanText(b)
	w.kept += len(s)
	return s
}
