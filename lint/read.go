package lint

import (
	"slices"
	"strings"
)

// A prompt is a text that was read.
type prompt struct {
	text   string
	all    []word
	words  []word // but for what is text to render
	quotes []quote
	typos  []word
	tags   []match // of the words, in their order: what each is a word for; without groups: a word of its own
	kind   *kind
	edit   bool
}

func (r *rules) read(text string) *prompt {
	p := &prompt{text: text}
	p.all, p.quotes = split(text)
	for i, w := range p.all {
		if right, slipped := r.words.Typos[w.fold]; slipped && !w.quoted {
			p.all[i].fold = fold(right)
			p.typos = append(p.typos, p.all[i])
		}
	}
	p.words = slices.DeleteFunc(slices.Clone(p.all), func(w word) bool { return w.quoted })
	for i := 0; i < len(p.words); {
		m, ok := r.lexicon.longest(p.words, i)
		if !ok {
			m = match{i: i, end: i + 1}
		}
		p.tags = append(p.tags, m)
		i = m.end
	}
	p.edit = r.isEdit(p)
	p.kind = r.kindOf(p)
	return p
}

// span gives the bytes of a match.
func (p *prompt) span(m match) (from, to int) { return p.words[m.i].from, p.words[m.end-1].to }

// own reports whether a tag is a word that no list has: it names what is to be seen.
func (p *prompt) own(m match) bool {
	f := p.words[m.i].fold
	return len(m.groups) == 0 && (f[0] < '0' || f[0] > '9')
}

// art and photo are the groups of words that name a medium.
const (
	art   = "art"
	photo = "photo"
)

func (p *prompt) has(groups ...string) bool {
	return slices.ContainsFunc(p.tags, func(m match) bool {
		return slices.ContainsFunc(groups, m.of)
	})
}

// kindOf gives the kind whose word comes first.
func (r *rules) kindOf(p *prompt) *kind {
	if p.edit {
		return &kind{Name: "edit"}
	}
	found := r.kind(photo)
	for i := range p.words {
		if m, ok := r.cues.longest(p.words, i); ok {
			found = r.kind(m.groups[0])
			if found.Name != photo {
				found = r.formOf(p, m, found)
				break
			}
		}
	}
	if found.Photographic && p.has(art) && !p.has(photo) {
		return r.kind("illustration")
	}
	return found
}

// formOf gives the kind that the words after a cue name: the form, as in cat sticker
// and superhero comic, and what is no place, as in street musician.
func (r *rules) formOf(p *prompt, m match, found *kind) *kind {
	for i := m.end; i < len(p.words) && !p.words[i].starts && !leads(p.words[i].fold); i++ {
		for _, m := range r.cues.at(p.words, i) {
			k := r.kind(m.groups[0])
			if k.Form {
				return k
			}
			if found.Place {
				found = k
			}
		}
	}
	return found
}

// leads reports whether a word ends a noun and begins what is said of it.
func leads(fold string) bool {
	return slices.Contains(prepositions, fold) || slices.Contains([]string{"with", "of", "and", "that", "who", "for", "to", "is", "are", "or", "which", "about"}, fold) || strings.HasSuffix(fold, "ing")
}

func (r *rules) kind(name string) *kind {
	i := slices.IndexFunc(r.kinds.Kinds, func(k *kind) bool { return k.Name == name })
	return r.kinds.Kinds[i]
}

// isEdit reports whether a prompt asks to change a picture that is there.
func (r *rules) isEdit(p *prompt) bool {
	words := r.polite(p.words)
	if len(words) == 0 {
		return false
	}
	all := r.editing.all(words)
	if hasGroup(all, "refers") {
		return true
	}
	m, ok := r.editing.longest(words, 0)
	if !ok {
		return false
	}
	if slices.ContainsFunc(r.editing.at(words, 0), func(m match) bool { return m.of("begins") }) {
		return true
	}
	if !m.of("verb") && !m.of("loose") {
		return slices.Contains(there, words[0].fold) && hasGroup(all, "wish") && !r.frames(words)
	}
	onto := hasGroup(all, "onto")
	rest := words[m.end:]
	switch {
	case len(rest) == 0:
		return m.of("verb")
	case m.of("verb") && !m.of("fresh"):
		return true
	case isArticle(rest[0].fold):
		return onto
	case m.of("verb"):
		return true
	}
	about := slices.ContainsFunc(r.editing.at(rest, 0), func(m match) bool { return m.of("about") || m.of("onto") })
	if len(rest) > 1 && isArticle(rest[1].fold) && (rest[0].fold == "me" || rest[0].fold == "us") {
		return false // show me a
	}
	return about || onto && len(r.editing.at(rest, 0)) > 0
}

// there are words for what is there already.
var there = []string{"the", "her", "his", "its", "their"}

// frames reports whether a prompt begins with the picture as a whole, which then is
// a new one.
func (r *rules) frames(words []word) bool {
	return len(words) > 1 && slices.Contains([]string{"image", "picture", "photo", "illustration", "poster", "logo", "result", "scene", "style"}, words[1].fold)
}

func isArticle(fold string) bool {
	return slices.Contains([]string{"a", "an", "some", "one", "two"}, fold)
}

// polite leaves out what people say before they come to the point.
func (r *rules) polite(words []word) []word {
	for len(words) > 0 {
		i := slices.IndexFunc(r.editing.at(words, 0), func(m match) bool { return m.of("polite") })
		if i < 0 || slices.ContainsFunc(r.editing.at(words, 0), func(m match) bool { return m.of("begins") }) {
			return words
		}
		words = words[r.editing.at(words, 0)[i].end:]
	}
	return words
}

// idleEdit reports whether an edit tells nobody what to do.
func (r *rules) idleEdit(p *prompt) bool {
	i, vague := 0, false
	for i < len(p.words) {
		found := r.editing.at(p.words, i)
		j := slices.IndexFunc(found, func(m match) bool { return m.of(isVague) || m.of("idle") || m.of("polite") })
		if j < 0 {
			return false
		}
		vague = vague || found[j].of(isVague)
		i = found[j].end
	}
	return vague && len(p.quotes) == 0
}
