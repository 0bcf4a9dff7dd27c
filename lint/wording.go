package lint

import (
	"slices"
	"strconv"
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

// nearby is how many words before a verb what bears text may stand.
const nearby = 5

// unquoted marks text to render that is not in quotes.
func (r *rules) unquoted(p *prompt) (marks []mark) {
	bearer := -1
	for i := 0; i < len(p.all); i++ {
		if p.all[i].quoted {
			continue
		}
		for _, m := range r.says.at(p.all, i) {
			if m.of("text bearer") {
				bearer = m.end
			}
			strong := m.of("text strong") && !(p.edit && p.all[i].fold == "the") // make the text blue
			if !strong && !(m.of("text weak") && bearer >= 0 && i-bearer < nearby) {
				continue
			}
			from, to := r.rendered(p, m.end)
			if to <= from {
				continue
			}
			first, last := p.all[from].from, p.all[to-1].to
			marks = append(marks, at(first, last, "unquoted-text", Warning, r.wording.Text.Why, strconv.Quote(p.text[first:last])))
			i = to - 1
			break
		}
	}
	return marks
}

// rendered gives the words that are to be read in the picture: those with capitals,
// else up to a comma or a preposition.
func (r *rules) rendered(p *prompt, from int) (int, int) {
	if from >= len(p.all) || p.all[from].quoted || slices.ContainsFunc(r.says.at(p.all, from), func(m match) bool { return m.of("text none") }) {
		return from, from
	}
	if p.all[from].starts && !strings.HasSuffix(strings.TrimSpace(p.text[:p.all[from].from]), ":") {
		return from, from
	}
	to, capital := from, isCapital(p, from) && (from+1 == len(p.all) || isCapital(p, from+1) || p.all[from+1].starts)
	for i := from; i < len(p.all) && i < from+8; i++ {
		if p.all[i].quoted || i > from && p.all[i].starts {
			break
		}
		ends := slices.ContainsFunc(r.says.at(p.all, i), func(m match) bool { return m.of("text ends") })
		if capital && isCapital(p, i) || !capital && !ends {
			to = i + 1
			continue
		}
		if !capital || ends && !(i+1 < len(p.all) && isCapital(p, i+1)) {
			break
		}
		if !ends {
			break
		}
	}
	return from, to
}

func isCapital(p *prompt, i int) bool {
	w := p.text[p.all[i].from:p.all[i].to]
	return w[0] >= 'A' && w[0] <= 'Z' || isDigit(w[0])
}

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

// spelling marks slips of the keyboard.
func (r *rules) spelling(p *prompt) (marks []mark) {
	for _, w := range p.typos {
		right := r.words.Typos[strings.ToLower(p.text[w.from:w.to])]
		if right != "" {
			marks = append(marks, at(w.from, w.to, "spelling", Info, "It is read as "+strconv.Quote(right)+".", right))
		}
	}
	return marks
}

// apartOf gives the phrases of groups with one of these prefixes, one after the
// other, the longest at each place.
func (ps phrases) apartOf(words []word, prefixes ...string) (found []match) {
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
