package lint

import (
	"slices"
	"strconv"
	"strings"
)

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
			if strings.HasPrefix(p.text[last:], "%") {
				last++
			}
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
		if capital && (isCapital(p, i) || p.off(i)) || !capital && !ends {
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

// off reports the end of a discount: 50% off.
func (p *prompt) off(i int) bool {
	return p.all[i].fold == "off" && i > 0 && isDigit(p.text[p.all[i-1].from])
}

func isCapital(p *prompt, i int) bool {
	w := p.text[p.all[i].from:p.all[i].to]
	return w[0] >= 'A' && w[0] <= 'Z' || isDigit(w[0])
}
