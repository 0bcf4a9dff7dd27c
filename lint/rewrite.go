package lint

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cut marks a place where words were taken out or put in, until [tidy] has mended
// what is around it.
const cut = "\x00"

// kept follows a mood that stays.
const kept = "\x01"

// rewrite gives the prompt with every mark seen to and what is missing filled in.
func (r *rules) rewrite(p *prompt, w *weight, marks []mark) string {
	if w.idle {
		return r.kinds.Edit.Instead
	}
	core := p.text
	if len(marks) > 0 {
		core = tidy(r.drop(apply(p.text, marks)))
		after := r.read(core)
		after.kind, after.edit = p.kind, p.edit
		was := w
		w = r.weigh(after)
		w.weak, w.judged = w.weak || was.weak, was.judged
	}
	if first, _ := utf8.DecodeRuneInString(p.text); unicode.IsUpper(first) && !w.weak {
		core = upper(core)
	}
	if w.weak {
		core = r.compose(core, w, p.kind)
	}
	for _, t := range r.filter.Filters {
		if t.States != "" && slices.ContainsFunc(marks, func(m mark) bool { return m.Rule == t.Rule }) {
			core = sentence(core) + " " + t.States
		}
	}
	return core
}

// apply puts what the marks say in their places; of those that overlap, the first.
func apply(text string, marks []mark) string {
	marks = slices.Clone(marks)
	slices.SortStableFunc(marks, func(a, b mark) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	var out strings.Builder
	end := 0
	for _, m := range marks {
		if m.Start < end {
			continue
		}
		out.WriteString(text[end:m.Start] + cut + m.put)
		end = m.End
	}
	out.WriteString(text[end:])
	return strings.ReplaceAll(out.String(), "\u0000\u0000", cut)
}

// clause is what stands between commas, with the comma.
var clause = regexp.MustCompile(`[^,;.!?]*[,;.!?]*`)

// drop leaves out clauses of which a cut left nothing that can be seen.
func (r *rules) drop(text string) string {
	clauses := clause.FindAllString(text, -1)
	kept := slices.DeleteFunc(slices.Clone(clauses), func(c string) bool {
		if !strings.Contains(c, cut) {
			return false
		}
		p := r.read(strings.ReplaceAll(c, cut, " "))
		return !slices.ContainsFunc(p.tags, func(m match) bool { return !m.of(isEmpty) && !m.of(isHollow) })
	})
	if len(kept) == 0 {
		return text
	}
	return strings.Join(kept, "")
}
