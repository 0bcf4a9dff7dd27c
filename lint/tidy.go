package lint

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// much are words that make more of the one behind them.
const much = `very|so|really|truly|absolutely|super|ultra|hyper|extremely|insanely|such|quite|most|more|totally|completely|highly|pretty|too|incredibly|the most`

var muchWords = set(much)

// leftOver are words that lead to the next one, and are left over where that is cut and
// its clause ends.
var leftOver = set("with|and|in|of|for|a|an|the|that|which|is|are|look|looks|looking|but|or|to|so|feel|feels|some|as|by|at|on|like|its|my|has|having|it|be|very|really|make|makes|truly")

func set(words string) map[string]bool {
	all := map[string]bool{}
	for w := range strings.SplitSeq(words, "|") {
		all[w] = true
	}
	return all
}

// ended is what stands behind a cut where its clause ends.
var ended = regexp.MustCompile(`^\s*(?:(?:and|or)\s*)?([,.;:!?]|$)`)

// twice is a cut behind a cut.
var twice = regexp.MustCompile(`\x00(?:\s*(?:,|(?i:and|or|but|` + much + `)\b)?\s*\x00)+`)

// A mend puts something in the place of what it finds.
type mend struct {
	find *regexp.Regexp
	put  string
	// behind is what stands behind a cut where there is something to find, which is
	// sooner seen than found; nil: it may be anywhere.
	behind *regexp.Regexp
}

func (m mend) in(text string) string {
	if m.behind != nil && !slices.ContainsFunc(strings.Split(text, cut)[1:], m.behind.MatchString) {
		return text
	}
	return m.find.ReplaceAllString(text, m.put)
}

var mending = []mend{
	{regexp.MustCompile(`\x01\s*(?:(?:and|or)\s*)?\x00\s+(\w)`), " $1", nil},
	{regexp.MustCompile(`(?i)(^|[,.;!?])\s*(?:(?:a|an|the|so|very|really|truly|and|with)\s+)?\x00\s*(?:and|or|but|of)\b`), "$1",
		regexp.MustCompile(`(?i)^\s*(?:and|or|but|of)\b`)},
	{regexp.MustCompile(`(?i)\b(?:with|in|of|under|at|on|by)\s*\x00\s*(?:and\s+)?((?:with|in|of|over|under|at|on|by|behind|above|near)\b)`), "$1",
		regexp.MustCompile(`(?i)^\s*(?:and\s+)?(?:with|in|of|over|under|at|on|by|behind|above|near)\b`)},
	{regexp.MustCompile(`(?i)\b(?:a|an|the)\s*\x00\s*(an?|the)\b`), "$1", regexp.MustCompile(`(?i)^\s*(?:an?|the)\b`)},
	{regexp.MustCompile(`(?i)\b(a)n?(\s*\x00\s*[aeiou])`), "${1}n$2", regexp.MustCompile(`(?i)^\s*[aeiou]`)},
	{regexp.MustCompile(`(?i)\b(a)n(\s*\x00\s*[^aeiou\s])`), "$1$2", nil},
	{regexp.MustCompile(`\s*\x00\s*`), " ", nil},
	{regexp.MustCompile(`\x01`), "", nil},
	{regexp.MustCompile(`\s+([,.;:!?])`), "$1", nil},
	{regexp.MustCompile(`([,;])(?:\s*[,;])+`), "$1", nil},
	{regexp.MustCompile(`[,;:]\s*([.!?])`), "$1", nil},
	{regexp.MustCompile(`([.!?])(?:\s*[.,;])+`), "$1", nil},
	{regexp.MustCompile(`^[\s,.;:!?]+|[\s,;:]+$`), "", nil},
	{regexp.MustCompile(`[ \t]{2,}`), " ", nil},
}

// begins is what was put at the beginning of a sentence.
var begins = regexp.MustCompile(`[.!?]\s+\x00\s*[a-z]`)

// tidy mends what is left around the cuts: words that led to what is gone, commas
// without anything between, a before a vowel. What occurs at nearly every cut is done
// without a search through all of the text.
func tidy(text string) string {
	text = begins.ReplaceAllStringFunc(text, strings.ToUpper)
	for range 2 { // a cut may lead to another
		text = twice.ReplaceAllString(withoutMuch(text), cut)
	}
	text = withoutLeads(mending[0].in(text))
	for _, m := range mending[1:] {
		text = m.in(text)
	}
	return text
}

// withoutMuch takes away what made more of something that is cut.
func withoutMuch(text string) string {
	parts := strings.Split(text, cut)
	for i, left := range parts[:len(parts)-1] {
		for {
			before, word := lastWord(left)
			if word == "" || !muchWords[strings.ToLower(word)] || strings.HasSuffix(left, word) {
				break
			}
			if the, article := lastWord(before); word == "most" && article == "the" {
				before = the
			}
			left = before
		}
		parts[i] = left
	}
	return strings.Join(parts, cut)
}

// withoutLeads takes away what led to something that is cut at the end of a clause, and
// the cut with it.
func withoutLeads(text string) string {
	parts := strings.Split(text, cut)
	var out strings.Builder
	left := parts[0]
	for i, right := range parts[1:] {
		m := ended.FindStringSubmatchIndex(right)
		if m == nil || m[2] == m[3] && i < len(parts)-2 {
			out.WriteString(left + cut)
			left = right
			continue
		}
		for {
			before, word := lastWord(left)
			if !leftOver[strings.ToLower(word)] || strings.TrimRight(before, space) == before {
				break
			}
			left = before
		}
		out.WriteString(strings.TrimRight(left, space))
		left = right[m[2]:]
	}
	return out.String() + left
}

const space = " \t\n\f\r"

// lastWord parts a text before its last word, whatever space is behind that; empty: it
// ends otherwise.
func lastWord(text string) (before, word string) {
	text = strings.TrimRight(text, space)
	from := strings.LastIndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) + 1
	return text[:from], text[from:]
}
