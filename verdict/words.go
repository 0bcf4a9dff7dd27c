package verdict

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
)

// words gives what happened and what to do, for a person.
func words(n finding) (said, fix string) {
	w, ok := causeWords[n.cause]
	if !ok {
		w = classWords[n.class]
	}
	return n.fill(w.said), n.fill(w.fix)
}

// fill puts the details in the place of their names in braces. A detail that is
// not known leaves nothing behind.
func (n *finding) fill(text string) string {
	if strings.IndexByte(text, '{') < 0 {
		return text
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(n.detail(name))
		text = after
	}
}

func (n *finding) detail(name string) string {
	switch name {
	case "limit":
		return n.limitWord()
	case "value":
		if n.disclosed {
			return " of " + thousands(n.value)
		}
	case "model":
		return between(" for ", clean(n.model, 60), "")
	case "wait":
		return human(n.wait())
	case "stated":
		if n.wait() > 0 {
			return " The answer states a wait of " + human(n.stated) + "."
		}
		if n.stated > 0 {
			return " The wait of " + human(n.stated) + " that the answer states is not to be believed."
		}
	case "after":
		if d := n.wait(); d > 0 {
			return "Wait " + human(d)
		}
		return "Wait a little, longer each time"
	case "minute":
		if d := n.wait(); d > 0 {
			return "Wait " + human(d)
		}
		return "Wait up to a minute"
	case "code":
		if n.code > 0 {
			return " (" + strconv.Itoa(n.code) + ")"
		}
	case "seen":
		return n.seen
	case "why":
		return between(" (", clean(n.seen, 80), ")")
	default:
		if n.from != nil {
			return n.from.detail(name)
		}
	}
	return ""
}

func (n *finding) limitWord() string {
	switch {
	case n.limit == "" && n.class == plantain.RateMinute:
		return "per-minute "
	case n.limit == "" && n.class == plantain.RateDay:
		return "daily "
	default:
		return limitWords[n.limit]
	}
}

// detail is one that stands in the error that decided.
func (l *layer) detail(name string) string {
	switch name {
	case "field":
		return between(" at ", l.field(), "")
	case "unknown":
		return quoted(l.Message, ": ", "Unknown name \"", "\"")
	case "lost":
		return l.lost()
	case "version":
		return quoted(l.Message, " in ", "API version ", ",")
	case "method":
		return quoted(l.Message, " that does ", "is not supported for ", ".")
	case "turn":
		if at := quoted(l.Message, "", "content position ", "."); at != "" {
			return between(" (content position ", at, ")")
		}
		return between(" (position ", quoted(l.Message, "", " , position ", "."), ")")
	case "right":
		return between(" ", clean(l.Metadata["permission"], 80), "")
	case "service":
		return between(" ", clean(l.Metadata["service"], 80), "")
	case "location":
		return between(" ", clean(l.Metadata["quota_location"], 80), "")
	case "quote":
		return between(`: "`, l.said(), `"`)
	}
	return ""
}

// said is Google's message, fit to stand between quotes.
func (l *layer) said() string {
	return strings.ReplaceAll(strings.TrimRight(clean(l.Message, 160), " ."), `"`, "'")
}

// lost names the model that was not found, or else what Google says of it.
func (l *layer) lost() string {
	for _, marks := range [][2]string{{"models/", " "}, {"models/", "`"}, {"Model '", "'"}} {
		if name := quoted(l.Message, "", marks[0], marks[1]); name != "" && !strings.ContainsAny(name, "`'") {
			return " " + name
		}
	}
	return between(` of that name: "`, l.said(), `"`)
}

// field names the field of the request that Google found wrong.
func (l *layer) field() string {
	if len(l.Fields) > 0 && l.Fields[0].Field != "" {
		return clean(l.Fields[0].Field, 100)
	}
	return quoted(l.Message, "", " at '", "'")
}

// quoted gives what stands in a message between two marks, behind a lead of ours.
func quoted(message, lead, from, to string) string {
	_, rest, ok := strings.Cut(message[:min(len(message), scanned)], from)
	if !ok {
		return ""
	}
	word, _, _ := strings.Cut(rest, to)
	return between(lead, clean(word, 100), "")
}

// between puts a clean text between two of ours; nothing if there is none.
func between(lead, text, tail string) string {
	if text == "" {
		return ""
	}
	return lead + text + tail
}

// clean makes a text from a body fit to be shown: one line, cut, and nothing at
// all where a credential may be in it.
func clean(s string, most int) string {
	cut := len(s) > most
	if cut {
		s = s[:most]
	}
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if secretive(s) {
		return ""
	}
	if cut {
		s += "…"
	}
	return s
}

// secretMarks stand before or in credentials.
var secretMarks = newMatcher([]phrase{
	{text: "api_key"}, {text: "api key"}, {text: "apikey"}, {text: "key="}, {text: "key:"}, {text: "bearer"}, {text: "token:"}, {text: "token="},
	{text: "aiza"}, {text: "ya29."}, {text: "aq."}, {text: "sk-"}, {text: "secret"}, {text: "authorization"}, {text: "password"},
})

// secretive reports a text in which a credential may stand: a word that goes
// with one, or a long word of mixed letters and digits.
func secretive(s string) bool {
	if secretMarks.first(lower(s)) != nil {
		return true
	}
	run, digits, capitals := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			run, digits = run+1, digits+1
		case c >= 'A' && c <= 'Z':
			run, capitals = run+1, capitals+1
		case c >= 'a' && c <= 'z', c == '-', c == '_':
			run++
		default:
			run, digits, capitals = 0, 0, 0
		}
		if run >= 24 && digits > 0 && capitals > 1 {
			return true
		}
	}
	return false
}

// human gives a wait as a person says it, rounded up: "49 s", "2 h 5 min".
func human(d time.Duration) string {
	s := int64(math.Ceil(d.Seconds()))
	switch {
	case s < 120:
		return strconv.FormatInt(s, 10) + " s"
	case s < 3600:
		return strconv.FormatInt((s+59)/60, 10) + " min"
	default:
		m := (s + 59) / 60
		return strconv.FormatInt(m/60, 10) + " h " + strconv.FormatInt(m%60, 10) + " min"
	}
}

// thousands gives a count as a person reads it: "1,000,000".
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func size(bytes int64) string { return thousands(bytes) + " bytes" }

// tokens gives a count of tokens: "1 token", "1,120 tokens".
func tokens(n int64) string {
	if n == 1 {
		return "1 token"
	}
	return thousands(n) + " tokens"
}
