package thread

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	"github.com/plantainhq/plantain/gemini"
)

// loneIn reports a turn that may have a signature in a part of its own.
func loneIn(t *gemini.Turn) bool {
	for i := range t.Parts {
		if t.Parts[i].Kind == gemini.KindOther && t.Parts[i].Signature.Len > 0 {
			return true
		}
	}
	return false
}

// pieces gives a turn as it is to be sent, but for signatures that are to be added. What
// is no part is taken out: Google refuses one without data, such as a signature of its
// own. Of a turn that is flattened thoughts are taken out as well.
func (p *planner) pieces(t *gemini.Turn, flat bool) (all []piece) {
	out := p.leaves(t, flat)
	var own gemini.Span // came before its part
	for i := range t.Parts {
		part := &t.Parts[i]
		if out[i] {
			switch last := len(all) - 1; {
			case part.Kind != gemini.KindOther || part.Signature.Len == 0:
			case last >= 0:
				all[last].own = part.Signature
			default:
				own = part.Signature
			}
			continue
		}
		for _, c := range p.expand(t, part) {
			c.own, own = own, gemini.Span{}
			all = append(all, c)
		}
	}
	return all
}

// leaves takes parts out of a turn, each with a comma, and reports which. A turn that
// would be empty keeps all.
func (p *planner) leaves(t *gemini.Turn, flat bool) []bool {
	out := make([]bool, len(t.Parts))
	stay := 0
	for i := range t.Parts {
		part := &t.Parts[i]
		out[i] = p.isLone(part) || flat && (part.Thought || carries(part))
		if !out[i] {
			stay++
		}
	}
	if stay == 0 || stay == len(out) {
		return make([]bool, len(out))
	}
	before := false // something that stays
	for i := range out {
		switch part := t.Parts[i].Object; {
		case !out[i]:
			before = true
		case before && p.adjoin(&t.Parts[i-1], &t.Parts[i]): // what is before it may be gone as well
			p.cut(end(t.Parts[i-1].Object), end(part))
			p.used(Remembered)
		case !before && p.adjoin(&t.Parts[i], &t.Parts[i+1]):
			p.cut(part.Start, t.Parts[i+1].Object.Start)
			p.used(Remembered)
		default:
			out[i], before = false, true
		}
	}
	return out
}

func end(s gemini.Span) int64 { return s.Start + s.Len }

// adjoin reports that nothing but a comma stands between two parts.
func (p *planner) adjoin(a, b *gemini.Part) bool {
	return string(bytes.TrimSpace(p.peek(end(a.Object), b.Object.Start))) == ","
}

// maxPeek is how far the planner looks around a place: no name, no indentation and no
// words beside a picture are as long.
const maxPeek = 4 << 10

// peek reads a short run of the body; nil: it is not short.
func (p *planner) peek(from, to int64) []byte {
	if from < 0 || to < from || to-from > maxPeek {
		return nil
	}
	b := make([]byte, to-from)
	if n, err := p.body.ReadAt(b, from); n < len(b) {
		p.err = errors.Join(p.err, err)
		return nil
	}
	return b
}

// isLone reports a part without data: a signature of its own, or what is left of an
// empty text where a client writes no empty members, whatever it writes beside it.
func (p *planner) isLone(part *gemini.Part) bool {
	if part.Kind != gemini.KindOther || part.Object.Len == 0 {
		return false
	}
	var text []byte
	if sig := part.Signature; sig.Len > 0 {
		text = append(p.peek(part.Object.Start, sig.Start), p.peek(end(sig), end(part.Object))...)
	} else {
		text = p.peek(part.Object.Start, end(part.Object))
	}
	var members map[string]any
	if json.Unmarshal(text, &members) != nil {
		return false
	}
	for _, v := range members {
		if v != nil && v != "" && v != false {
			return false
		}
	}
	return true
}

// expand gives the pieces of a part that stays: one, but for a text with pictures in it.
func (p *planner) expand(t *gemini.Turn, part *gemini.Part) []piece {
	if len(part.Inside) > 0 && part.Signature.Len == 0 && p.inList(part) {
		return p.unfold(part, part.Inside)
	}
	if isPicture(part) && t.Role == model && part.Data.Len > 0 {
		p.strip(part)
	}
	return []piece{{Part: part, slot: p.slotOf(part)}}
}

// inList reports whether a part stands in a list, so that others may stand behind it,
// and its text in none.
func (p *planner) inList(part *gemini.Part) bool {
	before := p.before(part.Object.Start)
	return (before == '[' || before == ',') && p.before(part.TextAt.Start-1) == ':'
}

// before gives what stands before a place, but for white space. Zero: nothing near.
func (p *planner) before(at int64) byte {
	b := bytes.TrimSpace(p.peek(max(at-maxPeek, 0), at))
	if len(b) == 0 {
		return 0
	}
	return b[len(b)-1]
}

// slotOf finds where the signature of a part is put: behind its brace, or in the place
// of an empty one or a null.
func (p *planner) slotOf(part *gemini.Part) slot {
	at := part.Signature.Start
	switch {
	case at == 0 || part.Signature.Len > 0:
		return slot{at: part.Object.Start + 1, before: `"thoughtSignature":"`, after: `",`}
	case string(p.peek(at, at+1)) == "n":
		return slot{at: at, cut: int64(len("null")), before: `"`, after: `"`}
	default:
		return slot{at: at}
	}
}

var (
	urlPrefix = regexp.MustCompile(`"(data:[^"]*,)$`)
	mimeName  = regexp.MustCompile(`"mime(Type|_type)"`)
	plainMIME = regexp.MustCompile(`^image/[a-z0-9.+-]+$`)
)

// strip takes the beginning of a data URL off what must be base64 alone, and says
// what it said where nothing else does.
func (p *planner) strip(part *gemini.Part) {
	at := part.Data.Start
	if string(p.peek(at-1, at)) == `"` {
		return
	}
	found := urlPrefix.FindSubmatch(p.peek(max(at-300, part.Object.Start), at))
	if found == nil {
		return
	}
	p.cut(at-int64(len(found[1])), at)
	p.used(Remembered)
	around := append(p.peek(part.Object.Start, at), p.peek(end(part.Data), min(end(part.Object), end(part.Data)+maxPeek))...)
	if plainMIME.MatchString(part.MIME) && !mimeName.Match(around) {
		p.cut(end(part.Data)+1, end(part.Data)+1, words(`,"mimeType":"`+part.MIME+`"`))
	}
}

var (
	nameBefore = regexp.MustCompile(`,?\s*"[^"]*"\s*:\s*"?$`)
	nextBehind = regexp.MustCompile(`^\s*[,}]`)
)

// unsign takes the signature off a part, with its name and one comma.
func (p *planner) unsign(part *gemini.Part) {
	sig := part.Signature
	from, to := sig.Start, end(sig)+1 // the quote
	if string(p.peek(from, from+1)) == "n" && sig.Len == 0 {
		to = from + int64(len("null"))
	}
	name := nameBefore.Find(p.peek(max(from-maxPeek, part.Object.Start), from))
	if name == nil {
		return
	}
	from -= int64(len(name))
	if name[0] != ',' {
		next := nextBehind.Find(p.peek(to, min(to+maxPeek, end(part.Object))))
		if p.before(from) != '{' || next == nil {
			return
		}
		to += int64(len(bytes.TrimSuffix(next, []byte("}"))))
	}
	p.cut(from, to)
}
