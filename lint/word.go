package lint

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A word of a prompt, and where it stands.
type word struct {
	from, to int    // bytes
	fold     string // as it is compared; see fold
	starts   bool   // punctuation, a quote or nothing stands before it
	quoted   bool   // it is text to render
}

// A quote is text in quotation marks.
type quote struct{ from, to int } // bytes, the marks included

// closing has the mark that ends what each mark begins.
var closing = map[rune]rune{'"': '"', '“': '”', '„': '“', '«': '»', '‹': '›', '‘': '’', '\'': '\'', '`': '`', '「': '」'}

// split gives the words of a text, and what stands in quotes.
func split(text string) (words []word, quotes []quote) {
	starts, end := true, 0 // of the quote that is open
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case isLetter(r):
			w := word{from: i, to: wordEnd(text, i), starts: starts, quoted: i < end}
			w.fold, starts = fold(text[w.from:w.to]), false
			words = append(words, w)
			i = w.to
			continue
		case i >= end && opens(text, i, r):
			if n := quoteEnd(text, i+size, closing[r]); n > 0 {
				end = n
				quotes = append(quotes, quote{i, end})
			}
			starts = true
		case i == end-size, isBreak(text, i, r):
			starts = true
		}
		i += size
	}
	return words, quotes
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

func isApostrophe(r rune) bool { return r == '\'' || r == '’' }

// wordEnd gives the end of the word that begins at i: an apostrophe between letters
// belongs to it.
func wordEnd(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if next, _ := utf8.DecodeRuneInString(text[i+size:]); !isLetter(r) && !(isApostrophe(r) && unicode.IsLetter(next)) {
			break
		}
		i += size
	}
	return i
}

// opens reports whether a mark begins a quote: an apostrophe does only before a
// letter and behind none.
func opens(text string, i int, r rune) bool {
	if _, isQuote := closing[r]; !isQuote {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	return !isApostrophe(r) && r != '‘' || !isLetter(before)
}

// longestQuote bounds what is taken for text to render: past it a mark stands
// alone, as one for inches does.
const longestQuote = 400

// quoteEnd finds behind the mark that ends a quote; 0: it never ends.
func quoteEnd(text string, from int, mark rune) int {
	for i, r := range text[from:min(len(text), from+longestQuote)] {
		if r == '\n' {
			return 0
		}
		if r != mark || i == 0 {
			continue
		}
		end := from + i + utf8.RuneLen(mark)
		if next, _ := utf8.DecodeRuneInString(text[end:]); !isApostrophe(mark) || !isLetter(next) {
			return end
		}
	}
	return 0
}

// isBreak reports whether a phrase ends at a rune. A dot, a comma or a colon
// between digits is part of a number.
func isBreak(text string, i int, r rune) bool {
	if r == '.' || r == ',' || r == ':' {
		return i+1 >= len(text) || i == 0 || !isDigit(text[i-1]) || !isDigit(text[i+1])
	}
	return strings.ContainsRune(";!?()[]{}\n\r|•–—\"“”«»…", r)
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

var spelling = strings.NewReplacer("colour", "color", "grey", "gray", "centre", "center", "centring", "centering", "armour", "armor", "jewellery", "jewelry",
	"aluminium", "aluminum", "mould", "mold", "harbour", "harbor", "favour", "favor", "theatre", "theater", "aeroplane", "airplane", "catalogue", "catalog", "’", "'")

// fold gives what a word is compared by: small letters, American spelling, without
// 's and the ending of a plural.
func fold(w string) string {
	w = strings.TrimSuffix(spelling.Replace(strings.ToLower(w)), "'s")
	n := len(w)
	switch {
	case n < 4 || w[n-1] != 's' || strings.HasSuffix(w, "ss") || strings.HasSuffix(w, "us") || strings.HasSuffix(w, "is"):
		return w
	case n > 4 && strings.HasSuffix(w, "ies"):
		return w[:n-3] + "y"
	case strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"), strings.HasSuffix(w, "sses"):
		return w[:n-2]
	default:
		return w[:n-1]
	}
}
