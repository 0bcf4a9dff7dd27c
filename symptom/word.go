package symptom

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/hbollon/go-edlib"
	"github.com/kljensen/snowball/english"
)

// A term is a word as it is compared: in small letters, without its ending, and as
// the first of those that say the same.
type term struct {
	stem  string
	typed string  // what it was made of, corrected
	sure  float64 // 1, or less where a typing error was put right
}

// guessed is how far a word counts that was put right.
const guessed = 0.7

var (
	hump     = regexp.MustCompile(`([a-z])([A-Z])`)
	wordLike = regexp.MustCompile(`[a-z0-9]+`)
	quotes   = strings.NewReplacer("'", "", "’", "", "‘", "")
)

// split gives the words of a text: finishReason is two, can't is cant, 503s 503.
func split(text string) []string {
	text = hump.ReplaceAllString(quotes.Replace(text), "$1 $2")
	words := wordLike.FindAllString(strings.ToLower(text), -1)
	for i, w := range words {
		if w[0] <= '9' {
			words[i] = strings.TrimSuffix(w, "s")
		}
	}
	return words
}

// A language is what is known of words, beside the rows.
type language struct {
	ignored map[string]bool   // words
	phrases map[string]string // stems with a space between, to the stem they are read as
	longest int               // words of a phrase
	words   map[string]bool   // all that were ever seen, for typing errors
}

func newLanguage(same [][]string, ignored []string) *language {
	l := &language{ignored: map[string]bool{}, phrases: map[string]string{}, words: map[string]bool{}}
	for _, w := range ignored {
		for _, w := range split(w) {
			l.ignored[w] = true
			l.words[w] = true
		}
	}
	l.say(same, func(words int) bool { return words == 1 })
	l.say(same, func(words int) bool { return words > 1 }) // of words that say the same already
	return l
}

// say learns what says the same, of phrases with so many words.
func (l *language) say(same [][]string, so func(words int) bool) {
	for _, group := range same {
		l.learn(group[0])
		first := english.Stem(split(group[0])[0], true)
		for _, phrase := range group {
			l.learn(phrase)
			if words := split(phrase); so(len(words)) {
				for i, w := range words {
					words[i] = l.stem(w)
				}
				l.phrases[strings.Join(words, " ")] = first
				l.longest = max(l.longest, len(words))
			}
		}
	}
}

// stem gives what a word is compared by.
func (l *language) stem(word string) string {
	s := english.Stem(word, true)
	return cmp.Or(l.phrases[s], s)
}

func (l *language) learn(text string) {
	for _, w := range split(text) {
		l.words[w] = true
	}
}

// terms reads a text.
func (l *language) terms(text string) (terms []term) {
	var read []term
	for _, w := range split(text) {
		read = append(read, l.correct(w))
	}
	for len(read) > 0 {
		n, t := l.phrase(read)
		if !l.ignored[t.typed] && !l.ignored[t.stem] {
			terms = append(terms, t)
		}
		read = read[n:]
	}
	return terms
}

// phrase reads the longest phrase at the beginning: how many words, and as what.
func (l *language) phrase(read []term) (int, term) {
	for n := min(l.longest, len(read)); n > 0; n-- {
		t := read[0]
		var stems, typed []string
		for _, r := range read[:n] {
			stems, typed = append(stems, r.stem), append(typed, r.typed)
			t.sure = min(t.sure, r.sure)
		}
		if as, ok := l.phrases[strings.Join(stems, " ")]; ok {
			t.stem, t.typed = as, strings.Join(typed, " ")
			return n, t
		}
	}
	return 1, read[0]
}

// correct takes a word that was never seen for the nearest one that was: one
// letter wrong, left out, too many or swapped in a word of four, two in one of
// nine. The first letter is mostly right.
func (l *language) correct(word string) term {
	right := term{l.stem(word), word, 1}
	if l.words[word] || len(word) < 4 || word[0] <= '9' {
		return right
	}
	most := 1 + len(word)/9
	best := ""
	for known := range l.words {
		if known[0] != word[0] || len(known)-len(word) > most || len(word)-len(known) > most {
			continue
		}
		if l.stem(known) == right.stem {
			return right // however short: pays is no error for pass
		}
		if len(known) < 4 {
			continue
		}
		d := edlib.OSADamerauLevenshteinDistance(word, known)
		if d < most || d == most && (best == "" || known < best) {
			best, most = known, d
		}
	}
	if best == "" {
		return right
	}
	return term{l.stem(best), best, guessed}
}
