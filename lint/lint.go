package lint

import (
	"cmp"
	"slices"
)

// A Severity says what a finding asks for.
type Severity string

// Severities.
const (
	Info    Severity = "info"    // good to know; the prompt may stay as it is
	Warning Severity = "warning" // the prompt needs work
	Error   Severity = "error"   // the policy forbids it
)

// A Finding is one thing about a prompt.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Start and End are offsets into the prompt in bytes of UTF-8, as Google's own
	// segments are (prompt[Start:End] in Go; encode first elsewhere), on borders of
	// characters. What is missing has an empty span at the end.
	Start int    `json:"start"`
	End   int    `json:"end"`
	Why   string `json:"why"`
	// Replacement goes where the span is; empty: the span is to be left out, or there
	// is nothing to offer, which a [Report] without Rewritten says. Of a size-word or
	// ratio-word it is the setting of imageConfig to use in its place.
	Replacement string `json:"replacement"`
}

// A Report is what is to be said of a prompt, in the form that `plantain lint -o
// json` and /api/v1/lint give.
type Report struct {
	// Score is from 0 to 100. A prompt with a warning stays below 60, one without has
	// 80 and more, what is forbidden has 0.
	Score    int       `json:"score"`
	Findings []Finding `json:"findings"` // by their place; empty, never nil
	// Rewritten is the prompt with every finding seen to, and what is missing filled
	// by choices that are plausible for the kind of picture; it has no warning itself.
	// Without findings it is the prompt. Empty: nothing is offered.
	Rewritten string `json:"rewritten"`

	Kind string `json:"-"` // of picture, as it was understood: a name of kinds.yaml, or edit
}

// Weak reports whether the prompt needs work: it has a warning or an error.
func (r *Report) Weak() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity != Info })
}

// Forbidden reports whether the policy forbids what is asked for.
func (r *Report) Forbidden() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Error })
}

// rules gives the rules of some severities that a prompt broke, each once, by severity.
// Without any it is nil.
func (r *Report) rules(of ...Severity) (rules []string) {
	for _, severity := range of {
		for _, f := range r.Findings {
			if f.Severity == severity && !slices.Contains(rules, f.Rule) {
				rules = append(rules, f.Rule)
			}
		}
	}
	return rules
}

// MaxPrompt is how many bytes of a prompt are worth reading: more than any model does.
// [Lint] itself has no bound.
const MaxPrompt = 1 << 20

// tries bounds how often a rewritten prompt is itself rewritten, until nothing is
// found in it.
const tries = 5

// Lint reads a prompt. It may be called from many goroutines.
func Lint(text string) Report {
	r := known()
	report, next := r.lint(text)
	if report.Forbidden() {
		return report
	}
	report.Rewritten = r.settle(text, next, report)
	for i, f := range report.Findings {
		if f.Rule == "vague" && f.Start == 0 && f.End == len(text) {
			report.Findings[i].Replacement = report.Rewritten // all of it is to be said anew
		}
	}
	return report
}

// settle rewrites what was rewritten, until it is clean and stays as it is. Empty: it
// does not get there, since it is hardly language.
func (r *rules) settle(text, next string, report Report) string {
	for range tries {
		if next == text {
			if report.Weak() {
				return ""
			}
			return next
		}
		text = next
		report, next = r.lint(text)
	}
	return ""
}

// lint reads a prompt and rewrites it once.
func (r *rules) lint(text string) (Report, string) {
	p := r.read(text)
	if found := r.forbidden(p); len(found) > 0 {
		return Report{Findings: found, Kind: p.kind.Name}, ""
	}
	marks := slices.Concat(r.filtered(p), r.negations(p), r.unquoted(p), r.contradictions(p), r.settings(p), r.spelling(p))
	w := r.weigh(p)
	faults := 0
	for _, m := range marks {
		if m.Severity == Warning {
			faults++
		}
	}
	if w.weak {
		marks = append(marks, r.hollow(p)...)
	}
	report := Report{Score: w.score(faults), Findings: []Finding{}, Kind: p.kind.Name}
	for _, m := range marks {
		report.Findings = append(report.Findings, m.Finding)
	}
	if w.weak {
		for _, f := range r.missing(p, w) {
			// Text that only lacks its quotes is there.
			if f.Rule != "no-text" || !slices.ContainsFunc(marks, func(m mark) bool { return m.Rule == "unquoted-text" }) {
				report.Findings = append(report.Findings, f)
			}
		}
	}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	return report, r.rewrite(p, w, marks)
}

// A mark is a finding at a place, and what a rewritten prompt has there.
type mark struct {
	Finding
	put string
}

func at(from, to int, rule string, severity Severity, why, replacement string) mark {
	return mark{Finding{rule, severity, from, to, why, replacement}, replacement}
}
