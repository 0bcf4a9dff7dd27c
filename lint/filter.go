package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// guarded gives what may be refused in a prompt: everything that the files name but
// for what is harmless.
func (r *rules) guarded(words []word) []match {
	found := r.guard.all(words)
	harmless := make([]bool, len(words))
	for _, m := range found {
		if m.of(isHarmless) {
			for i := m.i; i < m.end; i++ {
				harmless[i] = true
			}
		}
	}
	return slices.DeleteFunc(found, func(m match) bool { return !slices.Contains(harmless[m.i:m.end], false) })
}

// forbidden gives what the policy forbids, also in what is to be written.
func (r *rules) forbidden(p *prompt) (found []Finding) {
	guarded := r.guarded(p.all)
	for i, rule := range r.filter.Policy {
		if hasGroup(guarded, "unless "+rule.Rule) {
			continue
		}
		if m, ok := breaks(p, guarded, i, rule); ok {
			from, to := p.all[m.i].from, p.all[m.end-1].to
			found = append(found, Finding{rule.Rule, Error, from, to, rule.Why, ""})
		}
	}
	return found
}

func hasGroup(found []match, group string) bool {
	return slices.ContainsFunc(found, func(m match) bool { return m.of(group) })
}

// breaks gives where a prompt breaks a rule of the policy.
func breaks(p *prompt, guarded []match, i int, rule policy) (match, bool) {
	if j := slices.IndexFunc(guarded, func(m match) bool { return m.of(rule.Rule) }); j >= 0 {
		return guarded[j], true
	}
	for j, all := range rule.All {
		last := match{}
		met := 0
		for k := range all {
			group := fmt.Sprint("policy ", i, j, k)
			if at := slices.IndexFunc(guarded, func(m match) bool { return m.of(group) }); at >= 0 {
				last = guarded[at]
				met++
			}
		}
		if met == len(all) {
			return last, true
		}
	}
	if len(rule.Ages) > 0 && hasGroup(guarded, "age "+rule.Rule) {
		return minor(p.all)
	}
	return match{}, false
}

// minor finds an age below 18: 14-year-old, age 15, 16yo.
func minor(words []word) (match, bool) {
	for i, w := range words {
		digits := strings.TrimRight(w.fold, "abcdefghijklmnopqrstuvwxyz")
		unit := w.fold[len(digits):]
		young := isNumber(digits) && (len(digits) == 1 || len(digits) == 2 && digits < "18")
		if !young {
			continue
		}
		if unit == "yo" || unit == "" && (next(words, i, "year") || next(words, i, "yo") || next(words, i, "yr") || before(words, i, "age") || before(words, i, "aged")) {
			return match{i: i, end: i + 1}, true
		}
	}
	return match{}, false
}

func next(words []word, i int, fold string) bool {
	return i+1 < len(words) && words[i+1].fold == fold
}

func before(words []word, i int, fold string) bool { return i > 0 && words[i-1].fold == fold }

// filtered marks what is harmless and is refused all the same.
func (r *rules) filtered(p *prompt) (marks []mark) {
	guarded := r.guarded(p.words)
	for i, t := range r.filter.Filters {
		if r.passes(p, t, guarded) {
			continue
		}
		end := 0
		for _, m := range guarded {
			place, ok := m.after(fmt.Sprint("say ", i, " "))
			if !ok || m.i < end {
				continue
			}
			j, _ := strconv.Atoi(place) // written by learnGuard
			from, to := p.span(m)
			marks = append(marks, at(from, to, t.Rule, Warning, t.Why, t.Say[j].instead(p, m)))
			end = m.end
		}
	}
	return marks
}

// passes reports whether a prompt has what makes a trap harmless.
func (r *rules) passes(p *prompt, t trap, guarded []match) bool {
	if hasGroup(guarded, "unless "+t.Rule) {
		return true
	}
	return slices.ContainsFunc(t.Unless, func(name string) bool {
		group, isGroup := strings.CutPrefix(name, "$")
		return isGroup && (p.has(group) || group == "lens" && p.optics())
	})
}

// instead gives the words that say the same.
func (s *saying) instead(p *prompt, m match) string {
	from, to := p.span(m)
	it := p.text[from:to]
	if s.Cut != "" {
		it = strings.TrimSpace(strings.TrimPrefix(strings.ToLower(it), s.Cut))
	}
	say := s.Instead
	if s.First != "" && first(p, m) {
		say = s.First
	}
	return strings.ReplaceAll(say, "{it}", it)
}

// first reports whether nothing but an article stands before a match.
func first(p *prompt, m match) bool {
	return m.i == 0 || m.i == 1 && slices.Contains([]string{"a", "an", "the"}, p.words[0].fold)
}
