package relay

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Suggestion is what to say in the place of a prompt that was filtered. The zero
// value is that nothing is known.
type Suggestion struct {
	// Why says what of the prompt is likely refused and what to say instead, in
	// sentences. It stands in the ledger.
	Why string
	// Prompt is the prompt rewritten, to be told and not kept; empty: none is offered.
	Prompt string
}

// suggest finds what to say in the place of a request that was filtered.
func (t *Transport) suggest(a *ask) Suggestion {
	if t.Suggest == nil || a.asked.Prompt == "" {
		return Suggestion{}
	}
	a.suggested = t.Suggest(a.asked.Prompt)
	return a.suggested
}

// and gives a text with a further sentence, where there is one.
func and(text, sentence string) string {
	if text == "" || sentence == "" {
		return text + sentence
	}
	return strings.TrimSuffix(text, ".") + ". " + sentence
}

// longestHeader bounds what of a text goes into a header: proxies cut or refuse
// headers of several KB.
const longestHeader = 1000

// headerText gives a text as a header can carry it: what is not printable ASCII as
// JSON writes it, \u00e9, and no more than so many bytes.
func headerText(text string) string {
	var b strings.Builder
	for _, r := range text {
		piece := string(r)
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			piece = " "
		case r == utf8.RuneError || r < ' ' || r > '~':
			quoted := strconv.QuoteToASCII(piece)
			piece = quoted[1 : len(quoted)-1]
		}
		if b.Len()+len(piece) > longestHeader-len("...") {
			return strings.TrimSpace(b.String()) + "..."
		}
		b.WriteString(piece)
	}
	return strings.TrimSpace(b.String())
}
