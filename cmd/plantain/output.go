package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// message gives an error's text without the mark of [errUsage].
func message(err error) string {
	return strings.TrimPrefix(err.Error(), errUsage.Error()+"\n")
}

// json prints a value as indented JSON.
func (w *world) json(v any) {
	enc := json.NewEncoder(w.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		fmt.Fprintln(w.stderr, "plantain:", err)
	}
}

// table prints rows in aligned columns.
func table(to io.Writer, rows [][]string) {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, strings.TrimRight(strings.Join(r, "\t"), "\t"))
	}
	_ = t.Flush()
}

// inWords gives an instant as people speak of it from now: the clock for today,
// the day beside it otherwise.
func inWords(at, now time.Time) string {
	at = at.Local()
	if at.Format(time.DateOnly) == now.Local().Format(time.DateOnly) {
		return at.Format("15:04:05")
	}
	return at.Format("2 Jan 15:04:05")
}

// span gives a duration without digits nobody reads.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// oneLine gives a text on one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return text
}

// wrap prints a text in lines that fit the terminal, as far as its words allow.
func wrap(to io.Writer, indent, text string) { hang(to, indent, indent+"  ", text) }

// hang is wrap where the first line begins otherwise than the rest.
func hang(to io.Writer, first, rest, text string) {
	fmt.Fprint(to, fill(width(to), first, rest, text))
}

// width is how many columns a terminal has; 80 where it is none or does not say.
func width(to io.Writer) int {
	if f, isFile := to.(*os.File); isFile {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return 80
}

// fill breaks a text into lines of at most so many columns, as far as its words
// allow.
func fill(columns int, first, rest, text string) string {
	var b strings.Builder
	line, empty := first, true
	for word := range strings.FieldsSeq(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			b.WriteString(line + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return b.String() + line + "\n"
}
