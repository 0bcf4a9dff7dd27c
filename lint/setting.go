package lint

import (
	"slices"
	"strconv"
	"strings"
)

// settings marks words that are settings of the request.
func (r *rules) settings(p *prompt) (marks []mark) {
	for i := 0; i < len(p.words); i++ {
		for _, s := range r.wording.Settings {
			m, says := r.setting(p, i, s)
			if says == "" {
				continue
			}
			from, to := p.span(m)
			for strings.HasSuffix(p.text[:from], "-") { // --ar
				from--
			}
			mk := at(from, to, s.Rule, Info, s.Why, says)
			mk.put = ""
			marks = append(marks, mk)
			i = m.end - 1
			break
		}
	}
	return marks
}

// setting reads one at a word, with what stands around it, and gives what it is in
// imageConfig.
func (r *rules) setting(p *prompt, i int, s setting) (m match, says string) {
	for _, m := range r.says.at(p.words, i) {
		if size, ok := m.after("size "); ok && len(s.Sizes) > 0 {
			return r.widen(p, m, s), `imageConfig.imageSize: "` + size + `"`
		}
		if ratio, ok := m.after("ratio "); ok && len(s.Ratios) > 0 {
			return r.widen(p, m, s), `imageConfig.aspectRatio: "` + ratio + `"`
		}
	}
	if i+1 >= len(p.words) || !isNumber(p.words[i].fold) || !isNumber(p.words[i+1].fold) || len(s.Ratios) == 0 {
		return match{}, ""
	}
	from, to := p.words[i].from, p.words[i+1].to
	ratio := strings.Join(strings.Fields(p.text[from:to]), "")
	m = match{i: i, end: i + 2}
	wide := r.widen(p, m, s)
	if !slices.Contains(s.Known, ratio) && (wide.i == m.i && wide.end == m.end || !strings.Contains(ratio, ":")) {
		return match{}, ""
	}
	return wide, `imageConfig.aspectRatio: "` + ratio + `"`
}

// widen takes the words in that belong to a setting: 4K resolution, in 16:9, aspect
// ratio 3:2.
func (r *rules) widen(p *prompt, m match, s setting) match {
	for m.end < len(p.words) && !p.words[m.end].starts {
		i := slices.IndexFunc(r.says.at(p.words, m.end), func(m match) bool { return m.of("after " + s.Rule) })
		if i < 0 {
			break
		}
		m.end = r.says.at(p.words, m.end)[i].end
	}
	for m.i > 0 && !p.words[m.i].starts {
		f := p.words[m.i-1].fold
		if f != "in" && f != "at" && f != "of" && !slices.ContainsFunc(r.says.at(p.words, m.i-1), func(m match) bool { return m.of("before " + s.Rule) }) {
			break
		}
		m.i--
	}
	return m
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
