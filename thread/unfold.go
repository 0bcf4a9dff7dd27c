package thread

import (
	"bytes"
	"encoding/json"
	"regexp"

	"github.com/plantainhq/plantain/gemini"
)

// What stands around a picture in a text, as it stands in JSON: Markdown, and the line
// breaks that set it apart.
var (
	markBefore  = regexp.MustCompile(`(?:\\r|\\n)*!\[[^\[\]]*\]\($`)
	markBehind  = regexp.MustCompile(`^(?:\s+\\"(?:[^"\\]|\\[^"])*\\")?\s*\)(?:\\r|\\n)*`)
	breakBefore = regexp.MustCompile(`(?:\\r|\\n)+$`)
	breakBehind = regexp.MustCompile(`^(?:\\r|\\n)+`)
	onlyBlank   = regexp.MustCompile(`^(?:\s|\\r|\\n|\\t)*$`)
)

// A hole is where a picture stands in a text, with its wrapping.
type hole struct {
	from, to int64
	picture  *gemini.Part
}

// unfold makes parts of a text with pictures in it: what is before the first picture
// stays in its object, each picture and each text behind gets one of its own.
func (p *planner) unfold(part *gemini.Part, found []gemini.Part) (all []piece) {
	holes := p.holes(part, found)
	opening := func(n int) string {
		return `{"inlineData":{"mimeType":"` + found[n].MIME + `","data":"`
	}
	if at := holes[0].from; p.blank(part.TextAt.Start, at) {
		p.cut(part.Object.Start, found[0].Data.Start, words(opening(0)))
	} else {
		all = append(all, p.head(part, at))
		p.cut(at, found[0].Data.Start, words(`"},`+opening(0)))
	}
	for i, h := range holes {
		behind, next, last := end(h.picture.Data), end(part.TextAt), i == len(holes)-1
		if !last {
			next = holes[i+1].from
		}
		var to int64 // where the body goes on
		var rest string
		switch {
		case !p.blank(h.to, next):
			to, rest = h.to, `,{"text":"`
			if !last {
				p.cut(next, found[i+1].Data.Start, words(`"},`+opening(i+1)))
			}
		case last:
			to = end(part.Object)
		default:
			to, rest = found[i+1].Data.Start, ","+opening(i+1)
		}
		all = append(all, piece{Part: h.picture, slot: slot{at: behind, cut: to - behind,
			before: `"},"thoughtSignature":"`, after: `"}` + rest, plain: `"}}` + rest}})
	}
	p.used(Remembered)
	return all
}

// head is the piece of what a text says before its first picture.
func (p *planner) head(part *gemini.Part, until int64) piece {
	text := *part
	raw := append([]byte(`"`), p.peek(part.TextAt.Start, until)...)
	// What is too long to be read keeps the text that was kept, which has no key.
	_ = json.Unmarshal(append(raw, '"'), &text.Text)
	if text.Text == "" {
		text.Text = part.Text
	}
	s := p.slotOf(part)
	if s.at > part.TextAt.Start {
		// An empty signature stands behind the text, in what becomes another part.
		text.Signature = gemini.Span{}
		s = p.slotOf(&text)
	}
	return piece{Part: &text, slot: s}
}

func (p *planner) holes(part *gemini.Part, found []gemini.Part) []hole {
	holes := make([]hole, len(found))
	least := part.TextAt.Start
	for i := range found {
		url := found[i].Object
		h := hole{url.Start, end(url), &found[i]}
		before := p.peek(max(least, url.Start-1024), url.Start)
		behind := p.peek(end(url), min(end(part.TextAt), end(url)+1024))
		if mark := markBefore.Find(before); mark != nil && markBehind.Match(behind) {
			h.from -= int64(len(whole(before, mark)))
			h.to += int64(len(markBehind.Find(behind)))
		} else {
			h.from -= int64(len(whole(before, breakBefore.Find(before))))
			h.to += int64(len(breakBehind.Find(behind)))
		}
		least = h.to
		holes[i] = h
	}
	return holes
}

// whole gives the wrapping at the end of a run of a text without a first line break
// whose backslash may be an escaped one: of \\n the n is a letter.
func whole(run, wrapping []byte) []byte {
	rest := run[:len(run)-len(wrapping)]
	slashes := len(rest) - len(bytes.TrimRight(rest, `\`))
	if bytes.HasPrefix(wrapping, []byte(`\`)) && (slashes%2 == 1 || slashes == len(rest)) {
		return wrapping[2:]
	}
	return wrapping
}

// blank reports that nothing is said in a run of a text.
func (p *planner) blank(from, to int64) bool {
	return from >= to || to-from <= maxPeek && onlyBlank.Match(p.peek(from, to))
}
