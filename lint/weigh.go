package lint

import (
	"cmp"
	"slices"
	"strings"
)

// enough is the points below which a prompt is weak.
const enough = 60

// A weight is what a prompt has of what its kind needs.
type weight struct {
	points  int
	judged  int // judgements and praise in it
	own     int // words of its own
	shown   int // words for what can be seen, its own among them
	subject bool
	lacks   []need
	weak    bool
	idle    bool // an edit that says nothing
	foreign bool
}

// fewest is how many different words must show something.
const fewest = 5

// score is between 0 and 100: from 80 on where nothing is wrong, below 60 where
// something is.
func (w *weight) score(faults int) int {
	if w.weak {
		return max(5, w.points-4*min(w.judged, 5)-10*faults)
	}
	if faults > 0 {
		return max(5, min(w.points, enough+5)-10*faults)
	}
	return min(100, 80+(w.points-enough)/2)
}

func (r *rules) weigh(p *prompt) *weight {
	w := &weight{}
	if p.edit {
		w.points, w.subject = 90, true
		if r.idleEdit(p) {
			w.points, w.weak, w.idle = 25, true, true
		}
		return w
	}
	seen := r.present(p, w)
	for _, n := range p.kind.Needs {
		switch {
		case n.any[0] == detail:
			w.points += n.points * min(max(w.shown-3, 0), 5) / 5
		case slices.ContainsFunc(n.any, func(name string) bool { return seen[name] }):
			w.points += n.points
		default:
			w.lacks = append(w.lacks, n)
		}
	}
	whole := w.own > 1 && w.judged == 0 && !slices.ContainsFunc(w.lacks, func(n need) bool { return n.severity() == Warning })
	if w.shown < fewest && !whole {
		w.points = min(w.points, enough-5) // a few keywords of the right kind
	}
	w.foreign = p.foreign()
	w.weak = w.points < enough && !w.foreign
	if w.foreign {
		w.points = max(w.points, enough)
	}
	return w
}

// present gives the aspects that a prompt has.
func (r *rules) present(p *prompt, w *weight) map[string]bool {
	seen := map[string]bool{text: len(p.quotes) > 0}
	own, shown := map[string]bool{}, map[string]bool{}
	things := 0
	for i, m := range p.tags {
		switch {
		case p.own(m):
			own[p.words[m.i].fold], shown[p.words[m.i].fold] = true, true
		case m.of(isSubjective), m.of(isPraise):
			w.judged++
		case m.of(isHollow) && i > 0 && (p.tags[i-1].of(isSubjective) || p.tags[i-1].of(isPraise)) && !p.words[m.i].starts:
		default:
			for _, g := range m.groups {
				seen[g] = true
			}
			if len(m.groups) > 0 && !m.of(isEmpty) && !m.of(isVague) && !m.of(art) && !m.of(photo) && !m.of("lens") && !m.of("composition") {
				things++
				shown[p.words[m.i].fold] = true
			}
		}
	}
	w.own, w.shown = len(own), len(shown)
	seen["lens"] = seen["lens"] || p.optics()
	seen["color"] = seen["color"] || strings.Contains(p.text, "#")
	seen[medium] = seen[art] || seen[photo] || seen["style"]
	seen["setting"] = seen["setting"] || p.placed()
	w.subject = w.own > 0 || seen["setting"] || seen[isWorn] || things > 0 && len(p.tags) <= 4
	seen[subject] = w.subject && !(w.own == 0 && seen[isIdea])
	return seen
}

// optics reports figures of a camera: 85mm, f/2.
func (p *prompt) optics() bool {
	for i, w := range p.words {
		number, isLength := strings.CutSuffix(w.fold, "mm")
		switch {
		case isLength && (isNumber(number) || number == "" && i > 0 && isNumber(p.words[i-1].fold)):
			return true
		case w.fold == "f" && i+1 < len(p.words) && isDigit(p.words[i+1].fold[0]), len(w.fold) > 1 && w.fold[0] == 'f' && isNumber(w.fold[1:]):
			return true
		}
	}
	return false
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

var prepositions = strings.Fields("in on at inside under beneath beside by near against over above across along through among between behind outside below before amid around atop into beyond onto from toward towards")

// placed reports whether something is somewhere: a preposition, and before the next
// one a word of the prompt's own.
func (p *prompt) placed() bool {
	for i, m := range p.tags {
		if i == 0 || p.words[m.i].starts || !slices.Contains(prepositions, p.words[m.i].fold) || m.end-m.i > 1 {
			continue
		}
		for _, next := range p.tags[i+1 : min(i+6, len(p.tags))] {
			f := p.words[next.i].fold
			if p.words[next.i].starts || next.of(isWorn) || f == "with" || f == "and" || slices.Contains(prepositions, f) {
				break
			}
			if p.own(next) {
				return true
			}
		}
	}
	return false
}

// foreign reports whether a prompt is in no language that is known here: other
// letters, or hardly a word that is in the files.
func (p *prompt) foreign() bool {
	own, other := 0, 0
	for _, w := range p.words {
		if w.fold[0] >= 0x80 && !strings.ContainsAny(w.fold, "abcdefghijklmnopqrstuvwxyz") {
			other++
		}
	}
	for _, m := range p.tags {
		if p.own(m) {
			own++
		}
	}
	return len(p.words) > 0 && 2*other > len(p.words) || len(p.tags) >= 5 && 5*own >= 4*len(p.tags)
}

// hollow marks judgements, praise and nouns that say nothing.
func (r *rules) hollow(p *prompt) (marks []mark) {
	if p.edit {
		return nil
	}
	felt := map[string]bool{}
	for _, m := range p.tags {
		from, to := p.span(m)
		switch {
		case m.of(isSubjective):
			instead, _ := m.after("instead ")
			mk := at(from, to, "subjective", Warning, "It says what somebody felt, not what is to be seen; a model makes of it whatever is usual.", r.words.Instead[instead])
			if mood, ok := m.after("mood "); ok {
				mk.Replacement = r.words.Moods[mood]
				if !felt[mood] {
					mk.put = p.text[from:to] + kept
				}
				felt[mood] = true
			}
			marks = append(marks, mk)
		case m.of(isPraise):
			marks = append(marks, at(from, to, "subjective", Warning, "It praises a picture that is not there yet. It adds nothing to be seen.", ""))
		case m.of(isVague):
			marks = append(marks, at(from, to, "vague", Warning, "It names nothing. Say what it is.", ""))
		}
	}
	return marks
}

// missing tells what a weak prompt does not say, by how much it matters. What
// matters little is told where there is something to offer.
func (r *rules) missing(p *prompt, w *weight) (found []Finding) {
	end := len(p.text)
	if w.idle {
		return []Finding{{"vague", Warning, 0, end, "It does not say what to change. Name the change, and what is to stay.", ""}}
	}
	if w.own < 3 || 2*w.judged > w.own {
		found = append(found, Finding{"vague", Warning, 0, end, "Little of it can be seen: most is left to the model, which takes what is usual.", ""})
	}
	for _, severity := range []Severity{Warning, Info} {
		for _, n := range w.lacks {
			name, fill := n.any[0], p.kind.Fills[n.any[0]]
			if name == subject {
				fill = cmp.Or(fill, p.kind.Subject)
			}
			if n.severity() != severity || name == detail || fill == "" && severity == Info {
				continue
			}
			found = append(found, Finding{"no-" + name, severity, end, end, r.words.Why[name], fill})
		}
	}
	if p.kind.Photographic && slices.ContainsFunc(w.lacks, func(n need) bool { return slices.Contains(n.any, "lens") }) {
		found = append(found, Finding{"no-lens", Info, end, end, r.words.Why["lens"], "with a 50mm lens"})
	}
	return found
}

// minorPoints are those below which what is missing is told and no more.
const minorPoints = 15

func (n need) severity() Severity {
	if n.points < minorPoints {
		return Info
	}
	return Warning
}
