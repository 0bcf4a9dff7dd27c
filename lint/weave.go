package lint

import (
	"slices"
	"strings"
)

// longestItem is how many words an item of a list of keywords has.
const longestItem = 3

// weave makes a sentence of a list of keywords: dog, park, happy is a happy dog in a
// park. What is no such list stays as it is.
func (r *rules) weave(text string) string {
	items := strings.Split(text, ",")
	if len(items) < 2 || strings.ContainsAny(text, ".;:!?\"\n") {
		return text
	}
	var before, with, where []string
	for i, item := range items {
		items[i] = strings.TrimSpace(item)
		if len(strings.Fields(item)) > longestItem {
			return text
		}
		p := r.read(items[i])
		if i == 0 || len(p.tags) == 0 {
			continue
		}
		last := p.tags[len(p.tags)-1]
		switch {
		case len(p.tags) == 1 && last.of(isSubjective):
			before = append(before, items[i])
		case r.place(last, items[i], len(p.tags)) != nil:
			where = append(where, r.place(last, items[i], len(p.tags))...)
		case p.own(last) && len(with) == 0:
			with = append(with, "with "+r.article(items[i]))
		case p.own(last):
			with = append(with, "and "+r.article(items[i]))
		default:
			return text // a colour, a medium: it stands better by itself
		}
	}
	subject := items[0]
	first := r.read(subject)
	if len(first.tags) == 0 || !first.own(first.tags[len(first.tags)-1]) || first.words[0].fold == "a" || first.words[0].fold == "the" {
		return text
	}
	return strings.Join(slices.Concat(before, []string{subject}, with, where), " ")
}

// place gives a keyword that says where or when it is, as a sentence has it; nil: it
// says neither.
func (r *rules) place(m match, item string, tags int) []string {
	if woven, ok := m.after("woven "); ok && tags == 1 {
		say := strings.ReplaceAll(r.words.Woven[woven], "{it}", item)
		if say == "" {
			return []string{}
		}
		return []string{say}
	}
	if m.of("setting") {
		return []string{"in " + r.article(item)}
	}
	return nil
}
