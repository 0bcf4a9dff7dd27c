package lint

import (
	"slices"
	"strings"
)

// group gives what follows a prefix in the groups of a match.
func (m match) after(prefix string) (string, bool) {
	for _, g := range m.groups {
		if rest, ok := strings.CutPrefix(g, prefix); ok {
			return rest, true
		}
	}
	return "", false
}

// negations marks what is described by what it is not. An edit may say what is to
// stay as it is.
func (r *rules) negations(p *prompt) (marks []mark) {
	if p.edit {
		return nil
	}
	n := &r.wording.Negations
	for i := 0; i < len(p.words); i++ {
		found := r.says.at(p.words, i)
		if j := slices.IndexFunc(found, func(m match) bool { return m.of("except") }); j >= 0 {
			i = found[j].end - 1
			continue
		}
		for _, m := range found {
			if not, ok := m.after("not "); ok {
				from, to := p.span(m)
				marks = append(marks, at(from, to, "negation", Warning, n.Why, n.Nots[not]))
				i = m.end - 1
				break
			}
			if m.of("negation") && !p.numbers(m) {
				mk, end := r.negation(p, m)
				if end > 0 {
					marks = append(marks, mk)
					i = end - 1
				}
				break
			}
		}
	}
	return marks
}

// numbers reports whether a word is short for number: No. 5.
func (p *prompt) numbers(m match) bool {
	rest := p.text[p.words[m.end-1].to:]
	return strings.HasPrefix(rest, ".") && len(strings.TrimSpace(rest[1:])) > 0 && isDigit(strings.TrimSpace(rest[1:])[0])
}

// longestNegation bounds the words of what is negated.
const longestNegation = 7

// negation reads what a negation is about: up to a comma, a verb or a preposition,
// with what "or" and "and" add. Nothing: end is 0.
func (r *rules) negation(p *prompt, m match) (mk mark, end int) {
	n := &r.wording.Negations
	end, mild := m.end, true
	var says, unknown []string
	for i := m.end; i < min(len(p.words), m.end+longestNegation); i++ {
		f := p.words[i].fold
		again := f == "no" || f == "or" || f == "and" || f == "any" || f == "nor" || f == "the" || f == "a" || f == "visible" || f == "other"
		if p.words[i].starts && i > m.end || slices.Contains(prepositions, f) || f == "with" || f == "of" || f == "is" || f == "are" || f == "that" || f == "to" || f == "for" {
			break
		}
		if again {
			continue
		}
		found, ok := r.un(p, i)
		if ok {
			words, _ := found.after("un ")
			if say := n.Instead[words]; !slices.Contains(says, say) {
				says = append(says, say)
			}
			mild = mild && slices.ContainsFunc(r.says.at(p.words, i), func(m match) bool { return m.of("mild") })
			i = found.end - 1
			end, unknown = found.end, nil
			continue
		}
		if len(says) > 0 {
			break // a word after a known one begins something else
		}
		unknown = append(unknown, p.text[p.words[i].from:p.words[i].to])
		end = i + 1
	}
	if end == m.end {
		return mark{}, 0
	}
	if len(unknown) > 0 && len(says) == 0 {
		mild = false
		says = []string{strings.ReplaceAll(n.Instead["other"], "{it}", strings.Join(unknown, " "))}
	}
	severity := Warning
	if mild {
		severity = Info
	}
	return at(p.words[m.i].from, p.words[end-1].to, "negation", severity, n.Why, strings.Join(says, ", ")), end
}

// un finds what a word is that is not to be there.
func (r *rules) un(p *prompt, i int) (match, bool) {
	for _, m := range r.says.at(p.words, i) {
		if words, ok := m.after("un "); ok && words != "other" {
			return m, true
		}
	}
	return match{}, false
}
