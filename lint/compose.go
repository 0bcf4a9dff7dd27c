package lint

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
