package thread

import (
	"io"
	"slices"

	"github.com/plantainhq/plantain/gemini"
)

// A recall finds a signature by the first of some keys that it is known by. The zero
// source: none.
type recall func(keys ...key) source

// plan says how a request is healed: every turn of the model gets back what it lacks.
func plan(asked *gemini.Asked, body io.ReaderAt, remembered recall) (*Healing, error) {
	if !slices.ContainsFunc(asked.Turns, func(t gemini.Turn) bool { return t.Role == model || loneIn(&t) }) {
		return &Healing{}, nil
	}
	p := planner{body: body, recall: remembered}
	talk := newConversation()
	for i := range asked.Turns {
		t := &asked.Turns[i]
		talk.say(t)
		switch {
		case t.Role == model:
			p.heal(t, talk.said())
		case loneIn(t):
			p.pieces(t, false)
		}
	}
	p.fit(asked.Bytes)
	return p.end()
}

// Flatten says how a request is sent in which no turn is the model's: its pictures
// become pictures that the user shows, which need no signature. Untouched: there is
// nothing to flatten. It keeps turns that call functions, which only a model does.
func Flatten(asked *gemini.Asked, body io.ReaderAt) (*Healing, error) {
	p := planner{body: body}
	for i := range asked.Turns {
		t := &asked.Turns[i]
		if t.Role == model || loneIn(t) {
			p.flatten(t)
		}
	}
	return p.end()
}

// A planner collects the splices of one request.
type planner struct {
	Healing
	body   io.ReaderAt
	recall recall
	given  []int // the splices that put a remembered signature
	err    error
}

func (p *planner) end() (*Healing, error) {
	if p.err != nil {
		return nil, p.err
	}
	return &p.Healing, p.settle()
}

// used notes what was needed; the weakest counts.
func (p *planner) used(h How) {
	rank := map[How]int{Remembered: 1, Placeholder: 2, Flattened: 3}
	if rank[h] > rank[p.How] {
		p.How = h
	}
}

func (p *planner) cut(from, to int64, put ...source) {
	p.splices = append(p.splices, splice{from, to - from, put})
}

// A piece is a part of a turn as it is to be sent.
type piece struct {
	*gemini.Part
	own  gemini.Span // a signature that came for it in a part of its own
	slot slot
}

// A slot is where a piece's signature is put.
type slot struct {
	at, cut       int64
	before, after string
	// plain is what must be put where no signature is; empty: nothing.
	plain string
}

// heal gives a turn of the model what it lacks: a signature for each picture that is no
// draft, and one for the first text if it stands before any picture. Text alone was
// refused without one, too (googleapis/js-genai#1116).
func (p *planner) heal(t *gemini.Turn, said [32]byte) {
	pieces := p.pieces(t, false)
	parts := make([]*gemini.Part, len(pieces))
	for i := range pieces {
		parts[i] = pieces[i].Part
	}
	near := beside(parts, said)
	first, pictures := true, 0
	for i, c := range pieces {
		var keys []key
		switch {
		case isPicture(c.Part):
			if keys = []key{pictureKey(c.Part)}; keys[0] == "" { // else its place may have another by now
				keys = []key{linkKey(c.Part), placeKey(said, pictures)}
			}
			pictures++
		case isText(c.Part) && first:
			run := joined(parts[i : i+runOf(parts[i:])])
			keys = []key{textKey(c.Text, near), textKey(run, near), textKey(c.Text, ""), textKey(run, "")}
		default:
			p.fill(c)
			continue
		}
		first = false
		if signed(parts[i:]) {
			p.fill(c)
			continue
		}
		p.sign(c, keys)
	}
}

// signed reports whether the first of some parts has its signature: by itself, or, of a
// run of texts, on another one, or on an empty text behind.
func signed(parts []*gemini.Part) bool {
	text := isText(parts[0])
	for i, p := range parts {
		switch {
		case i == 0 || text && isText(p):
			if p.Signature.Len > 0 {
				return true
			}
		default:
			return carries(p)
		}
	}
	return false
}

// sign gives a piece the signature that is remembered, else the one that the client
// sent for it, else the stand-in.
func (p *planner) sign(c piece, keys []key) {
	put := p.recall(keys...)
	how := Remembered
	switch {
	case put.len > 0:
		p.given = append(p.given, len(p.splices))
	case c.own.Len > 0:
		put = source{from: p.body, at: c.own.Start, len: c.own.Len}
	default:
		put, how = words(Dummy), Placeholder
	}
	p.used(how)
	p.cut(c.slot.at, c.slot.at+c.slot.cut, words(c.slot.before), put, words(c.slot.after))
}

// fit has the stand-in take the place of the first signatures, where a body of a size
// would be more than Google takes with all of them.
func (p *planner) fit(size int64) {
	for _, i := range p.given {
		if size+p.Grows() <= gemini.MaxInline {
			return
		}
		p.splices[i].put[1] = words(Dummy)
		p.used(Placeholder)
	}
}

// fill puts what must be where no signature is.
func (p *planner) fill(c piece) {
	if c.slot.plain != "" {
		p.used(Remembered)
		p.cut(c.slot.at, c.slot.at+c.slot.cut, words(c.slot.plain))
	}
}

// flatten makes a turn of the model one of the user.
func (p *planner) flatten(t *gemini.Turn) {
	for i := range t.Parts {
		if part := &t.Parts[i]; part.Kind == gemini.KindOther && !p.isLone(part) {
			return
		}
	}
	for _, c := range p.pieces(t, true) {
		p.fill(c)
		if c.Signature.Start > 0 {
			p.unsign(c.Part)
		}
	}
	if t.Role == model {
		p.cut(t.RoleAt.Start, t.RoleAt.Start+t.RoleAt.Len, words("user"))
	}
	p.used(Flattened)
}
