package lint

import (
	"slices"
	"strconv"
	"strings"
)

// contradictions marks the second of two things that exclude each other.
func (r *rules) contradictions(p *prompt) (marks []mark) {
	found := r.says.apartOf(p.words, "one ", "other ", "both")
	first := map[string]match{}
	for _, m := range found {
		if m.of("both") {
			return nil
		}
	}
	for _, m := range found {
		for _, g := range m.groups {
			side, pair, _ := strings.Cut(g, " ")
			if side != "one" && side != "other" {
				continue
			}
			opposite := map[string]string{"one": "other ", "other": "one "}[side] + pair
			if was, ok := first[opposite]; ok {
				a, b := p.span(was)
				c, d := p.span(m)
				gone := m
				if p.follows(m, "of") && !p.follows(was, "of") {
					gone = was // the other carries the sentence
				}
				from, to := p.span(p.complement(gone))
				marks = append(marks, at(from, to, "contradiction", Warning,
					strconv.Quote(p.text[c:d])+" contradicts "+strconv.Quote(p.text[a:b])+". "+r.wording.Contradictions.Why, ""))
				break
			}
			if _, ok := first[g]; !ok {
				first[g] = m
			}
		}
	}
	return marks
}

// complement takes in what goes with a word: crowded with shoppers.
func (p *prompt) complement(m match) match {
	if !p.follows(m, "with") {
		return m
	}
	for m.end++; m.end < len(p.words) && !p.words[m.end].starts && !slices.Contains(prepositions, p.words[m.end].fold); m.end++ {
	}
	return m
}

func (p *prompt) follows(m match, fold string) bool {
	return m.end < len(p.words) && p.words[m.end].fold == fold && !p.words[m.end].starts
}

// apartOf gives the phrases of groups with one of these prefixes, one after the
// other, the longest at each place.
func (ps *phrases) apartOf(words []word, prefixes ...string) (found []match) {
	for i := 0; i < len(words); i++ {
		for _, m := range ps.at(words, i) {
			if slices.ContainsFunc(prefixes, func(prefix string) bool { _, ok := m.after(prefix); return ok }) {
				found = append(found, m)
				i = m.end - 1
				break
			}
		}
	}
	return found
}
