package lint

import "slices"

// A phrase is one or more words, and what they are words for.
type phrase struct {
	folds  []string
	groups []string
}

// phrases finds phrases by their first word; of those, the longest stand first.
type phrases map[string][]*phrase

// add learns texts as words for a group.
func (ps phrases) add(group string, texts []string) {
	for _, text := range texts {
		words, _ := split(text)
		if len(words) == 0 {
			continue
		}
		folds := make([]string, len(words))
		for i, w := range words {
			folds[i] = w.fold
		}
		ps.put(folds, group)
	}
}

func (ps phrases) put(folds []string, group string) {
	like := ps[folds[0]]
	for _, p := range like {
		if slices.Equal(p.folds, folds) {
			if !slices.Contains(p.groups, group) {
				p.groups = append(p.groups, group)
				slices.Sort(p.groups) // the files are read in no order
			}
			return
		}
	}
	like = append(like, &phrase{folds, []string{group}})
	slices.SortStableFunc(like, func(a, b *phrase) int { return len(b.folds) - len(a.folds) })
	ps[folds[0]] = like
}

// A match is a phrase in a prompt: the words from i up to before end.
type match struct {
	i, end int
	groups []string
}

func (m match) of(group string) bool { return slices.Contains(m.groups, group) }

// at gives the phrases that begin at a word, the longest first.
func (ps phrases) at(words []word, i int) (found []match) {
	for _, p := range ps[words[i].fold] {
		if stands(words[i:], p.folds) {
			found = append(found, match{i, i + len(p.folds), p.groups})
		}
	}
	return found
}

// longest gives the longest phrase that begins at a word.
func (ps phrases) longest(words []word, i int) (match, bool) {
	for _, p := range ps[words[i].fold] {
		if stands(words[i:], p.folds) {
			return match{i, i + len(p.folds), p.groups}, true
		}
	}
	return match{}, false
}

// stands reports whether words begin with a phrase, with nothing in between.
func stands(words []word, folds []string) bool {
	if len(words) < len(folds) {
		return false
	}
	for k, f := range folds {
		if words[k].fold != f || k > 0 && words[k].starts {
			return false
		}
	}
	return true
}

// apart gives the phrases of a text, one after the other, the longest at each place.
func (ps phrases) apart(words []word) (found []match) {
	for i := 0; i < len(words); {
		m, ok := ps.longest(words, i)
		if !ok {
			i++
			continue
		}
		found = append(found, m)
		i = m.end
	}
	return found
}

// all gives every phrase of a text, also those that overlap.
func (ps phrases) all(words []word) (found []match) {
	for i := range words {
		found = append(found, ps.at(words, i)...)
	}
	return found
}
