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

// much are words that make more of the one behind them.
const much = `very|so|really|truly|absolutely|super|ultra|hyper|extremely|insanely|such|quite|most|more|totally|completely|highly|pretty|too|incredibly|the most`

var mending = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`(?i)\b(?:(?:` + much + `)\s+)+\x00`), cut},
	{regexp.MustCompile(`\x00(?:\s*(?:,|(?i:and|or|but|` + much + `)\b)?\s*\x00)+`), cut},
	{regexp.MustCompile(`\x01\s*(?:(?:and|or)\s*)?\x00\s+(\w)`), " $1"},
	{regexp.MustCompile(`(?i)(?:\s+(?:with|and|in|of|for|a|an|the|that|which|is|are|looks?|looking|but|or|to|so|feels?|some|as|by|at|on|like|its|my|has|having|it|be|very|really|make|makes|truly)\b)*\s*\x00\s*(?:(?:and|or)\s*)?([,.;:!?]|$)`), "$1"},
	{regexp.MustCompile(`(?i)(^|[,.;!?])\s*(?:(?:a|an|the|so|very|really|truly|and|with)\s+)?\x00\s*(?:and|or|but|of)\b`), "$1"},
	{regexp.MustCompile(`(?i)\b(?:with|in|of|under|at|on|by)\s*\x00\s*(?:and\s+)?((?:with|in|of|over|under|at|on|by|behind|above|near)\b)`), "$1"},
	{regexp.MustCompile(`(?i)\b(?:a|an|the)\s*\x00\s*(an?|the)\b`), "$1"},
	{regexp.MustCompile(`(?i)\b(a)n?(\s*\x00\s*[aeiou])`), "${1}n$2"},
	{regexp.MustCompile(`(?i)\b(a)n(\s*\x00\s*[^aeiou\s])`), "$1$2"},
	{regexp.MustCompile(`\s*\x00\s*`), " "},
	{regexp.MustCompile(`\x01`), ""},
	{regexp.MustCompile(`\s+([,.;:!?])`), "$1"},
	{regexp.MustCompile(`([,;])(?:\s*[,;])+`), "$1"},
	{regexp.MustCompile(`[,;:]\s*([.!?])`), "$1"},
	{regexp.MustCompile(`([.!?])(?:\s*[.,;])+`), "$1"},
	{regexp.MustCompile(`^[\s,.;:!?]+|[\s,;:]+$`), ""},
	{regexp.MustCompile(`[ \t]{2,}`), " "},
}

// begins is what was put at the beginning of a sentence.
var begins = regexp.MustCompile(`[.!?]\s+\x00\s*[a-z]`)

// tidy mends what is left around the cuts: words that led to what is gone, commas
// without anything between, a before a vowel.
func tidy(text string) string {
	text = begins.ReplaceAllStringFunc(text, strings.ToUpper)
	for range 2 { // a cut may lead to another
		text = mending[0].find.ReplaceAllString(text, mending[0].put)
		text = mending[1].find.ReplaceAllString(text, mending[1].put)
	}
	for _, m := range mending[2:] {
		text = m.find.ReplaceAllString(text, m.put)
	}
	return text
}

// frame is how people ask for a picture before they say of what.
var frame = regexp.MustCompile(`(?i)^\s*(?:(?:hey|hi|hello|please|pls|plz|ok|okay|so|just)\b[,!]?\s*)*` +
	`(?:(?:can|could|would|will) you\s+(?:please\s+|pls\s+)?|i(?:'d| would| want| need|’d)(?: like)?(?: to (?:see|have|get))?\s+(?:you to\s+)?)?` +
	`(?:(?:please\s+|pls\s+)?(?:make|create|generate|draw|design|produce|paint|give|show|get|render|sketch|imagine|do)\s+(?:(?:me|us)\s+)?)?` +
	`(?:(?:an?\s+|the\s+|some\s+)?(?:picture|image|pic|visual|artwork|scene)s?\s+(?:for (?:my|our|the|a) [\w ]{0,24}?\s?)?(?:of|with|showing|depicting|that shows)\s+)?`)

// formed is a prompt that names its form before what it is of.
var formed = regexp.MustCompile(`(?i)^(?:\S+\s+){0,4}(?:portrait|headshot|selfie|shot|view|close-up|closeup|macro|panorama|still life|flat lay|scene)s?\b`)

// compose fills in what a prompt lacks.
func (r *rules) compose(core string, w *weight, k *kind) string {
	core = strings.Map(func(c rune) rune {
		if unicode.Is(unicode.So, c) || unicode.Is(unicode.Sk, c) || c == '\ufe0f' || c == '\u200d' {
			return -1
		}
		return c
	}, core)
	core = strings.TrimSpace(frame.ReplaceAllString(core, ""))
	core = strings.TrimFunc(core, func(c rune) bool { return strings.ContainsRune(".!?,;:-/ ", c) || unicode.IsSpace(c) })
	core = r.weave(core)
	p := r.read(core)
	form := len(r.cues.apart(p.words)) > 0
	switch {
	case len(p.words) > 0 && p.words[0].fold == "for":
		core, form = r.gift(k)+" "+core, false
	case w.own == 0 && p.has(isIdea) && k.Photographic && w.judged < gush:
		core += ", " + r.words.Ideas.Shown
	case w.subject && core != "":
		form = form && k.Form
	case k.Fills[subject] != "" && form && w.judged < gush:
		core += " " + k.Fills[subject]
	default:
		core, form = k.Subject, false
	}
	switch {
	case p.has(art, photo) || k.Opens == "" || form || formed.MatchString(core):
		core = r.article(core)
	case told.MatchString(core):
		core = strings.ReplaceAll(k.Opens, " of {it}", ": ") + lower(core)
	default:
		core = strings.ReplaceAll(k.Opens, "{it}", r.article(lower(core)))
	}
	return r.fill(core, w, k)
}

// gush is how many judgements leave nothing behind that is worth keeping, where
// nothing else is said.
const gush = 3

// gift is the subject of what is said to be for somebody.
func (r *rules) gift(k *kind) string {
	if k.Name == "person" {
		return r.kind(photo).Subject
	}
	return k.Subject
}

// told is a prompt that is a sentence, which nothing can be a photograph of.
var told = regexp.MustCompile(`^[^,.]*\b(?:is|are|has|have|was|were)\b`)

// fill adds the phrases and sentences for what is missing: first what belongs to
// the sentence of the prompt, then the others, until it is enough.
func (r *rules) fill(lead string, w *weight, k *kind) string {
	lacks := func(name string) bool {
		return slices.ContainsFunc(w.lacks, func(n need) bool { return n.any[0] == name })
	}
	goesOn := func(name string) {
		if fill := k.Fills[name]; fill != "" && lacks(name) {
			lead = join(lead, fill)
		}
	}
	goesOn("setting")
	goesOn("light")
	lead = sentence(upper(lead))
	for _, name := range []string{text, "composition", medium, detail, "material", "color"} {
		if fill := k.Fills[name]; fill != "" && (lacks(name) || name == detail && w.own < 4) {
			lead += " " + fill
		}
	}
	return lead
}

// join lets a text go on with a phrase: in the same sentence, where it is only one.
func join(lead, phrase string) string {
	switch {
	case strings.Contains(lead, ". "):
		return sentence(lead) + " " + upper(phrase)
	case strings.ContainsAny(lead, ",;:") || strings.Contains(lead, " in "):
		return lead + ", " + phrase
	default:
		return lead + " " + phrase
	}
}

// sentence ends a text with a full stop, where none is.
func sentence(text string) string {
	text = strings.TrimRight(text, " ,;:\n\t")
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") || strings.HasSuffix(text, "…") {
		return text
	}
	return text + "."
}

func upper(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 || r == utf8.RuneError {
		return text
	}
	return string(unicode.ToUpper(r)) + text[size:]
}

// lower begins a text with a small letter, unless that is a name.
func lower(text string) string {
	first, rest, _ := strings.Cut(text, " ")
	if first == "" || first[0] < 'A' || first[0] > 'Z' || strings.ToLower(first[1:]) != first[1:] {
		return text
	}
	p := known().read(first)
	if len(p.tags) == 0 || p.own(p.tags[0]) && len(known().cues.at(p.words, 0)) == 0 || rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
		return text
	}
	return strings.ToLower(first[:1]) + text[1:]
}

// article puts one before a noun that needs one: a single thing at the beginning.
func (r *rules) article(text string) string {
	p := r.read(text)
	if len(p.words) == 0 || p.words[0].from > 0 {
		return text
	}
	first := p.words[0]
	raw := text[first.from:first.to]
	if isDigit(raw[0]) || raw[0] >= 'A' && raw[0] <= 'Z' && raw[1:] != strings.ToLower(raw[1:]) || strings.HasSuffix(first.fold, "ing") || slices.Contains(determined, first.fold) || slices.Contains(prepositions, first.fold) {
		return text
	}
	head := 0
	for i := 1; i < len(p.words) && !p.words[i].starts && !leads(p.words[i].fold); i++ {
		head = i
	}
	noun := p.words[head]
	rawNoun := strings.ToLower(text[noun.from:noun.to])
	mass := slices.ContainsFunc(r.lexicon.at(p.words, head), func(m match) bool { return m.of(isMass) || m.of(isIdea) })
	if mass || rawNoun != noun.fold && strings.HasSuffix(rawNoun, "s") {
		return text
	}
	if strings.ContainsRune("aeiouAEIOU", rune(raw[0])) {
		return "an " + lower(text)
	}
	return "a " + lower(text)
}

var determined = strings.Fields("a an the this that these those my your his her its our their some any all every each another one i it he she they we you there here what how who someone somebody everyone two three four five six seven eight nine ten several many few both half dozen hundreds thousands no")
