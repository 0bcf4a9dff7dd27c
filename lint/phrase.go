package lint

import "slices"

// phrases are words and phrases with what they are words for: a tree whose branches
// are words. The zero value is ready, and has none.
type phrases struct {
	next   map[string]*phrases
	groups []string // of the phrase that ends here; nil: none does
}

// add learns texts as words for a group.
func (ps *phrases) add(group string, texts []string) {
	for _, text := range texts {
		words, _ := split(text)
		end := ps
		for _, w := range words {
			end = end.branch(w.fold)
		}
		if len(words) > 0 && !slices.Contains(end.groups, group) {
			end.groups = append(end.groups, group)
			slices.Sort(end.groups) // the files are read in no order
		}
	}
}

func (ps *phrases) branch(fold string) *phrases {
	if ps.next == nil {
		ps.next = map[string]*phrases{}
	}
	if ps.next[fold] == nil {
		ps.next[fold] = &phrases{}
	}
	return ps.next[fold]
}

// A match is a phrase in a prompt: the words from i up to before end.
type match struct {
	i, end int
	groups []string
}

func (m match) of(group string) bool { return slices.Contains(m.groups, group) }

// at gives the phrases that begin at a word, the longest first. Nothing but spaces
// and hyphens may stand between their words.
func (ps *phrases) at(words []word, i int) (found []match) {
	for end := i; end < len(words) && (end == i || !words[end].starts); end++ {
		if ps = ps.next[words[end].fold]; ps == nil {
			break
		}
		if ps.groups != nil {
			found = append(found, match{i, end + 1, ps.groups})
		}
	}
	slices.Reverse(found)
	return found
}

// longest gives the longest phrase that begins at a word.
func (ps *phrases) longest(words []word, i int) (m match, ok bool) {
	for end := i; end < len(words) && (end == i || !words[end].starts); end++ {
		if ps = ps.next[words[end].fold]; ps == nil {
			break
		}
		if ps.groups != nil {
			m, ok = match{i, end + 1, ps.groups}, true
		}
	}
	return m, ok
}

// apart gives the phrases of a text, one after the other, the longest at each place.
func (ps *phrases) apart(words []word) (found []match) {
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
func (ps *phrases) all(words []word) (found []match) {
	for i := range words {
		found = append(found, ps.at(words, i)...)
	}
	return found
}
