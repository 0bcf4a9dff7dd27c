package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// message gives an error's text without the mark of [errUsage], and a file that is
// not there in plain words, as it was called.
func message(err error) string {
	text := strings.TrimPrefix(err.Error(), errUsage.Error()+"\n")
	var missing *fs.PathError
	if errors.As(err, &missing) && errors.Is(missing, fs.ErrNotExist) {
		text = strings.Replace(text, missing.Error(), near(missing.Path)+" does not exist", 1)
	}
	return text
}

// near is a path from this folder, where it is in it.
func near(path string) string {
	folder, err := os.Getwd()
	if err != nil {
		return path
	}
	if inside, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(inside) {
		return inside
	}
	return path
}

// complain prints an error: in lines that fit a terminal, as it is to a pipe.
func (w *world) complain(text string) {
	text = "plantain: " + text
	if !w.tty {
		fmt.Fprintln(w.stderr, text)
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		hang(w.stderr, "", "  ", line)
	}
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

// list prints rows under a head as a table. On a terminal where that does not fit,
// each row begins with its first column, and the rest follows with the words of the
// head.
func list(to io.Writer, rows [][]string) {
	var b strings.Builder
	table(&b, rows)
	if f, isFile := to.(*os.File); !isFile || !isTerminal(f) || breadth(b.String()) <= width(to) {
		fmt.Fprint(to, b.String())
		return
	}
	for _, row := range rows[1:] {
		fmt.Fprintln(to, row[0])
		var rest []string
		for i, value := range row[1:] {
			if value != "" {
				rest = append(rest, rows[0][i+1]+" "+value)
			}
		}
		hang(to, "  ", "  ", strings.Join(rest, ", "))
	}
}

// fitted cuts the last column of rows, a text, to what the others leave of a line; to
// 40 characters where that is too little, as in a pipe, which has no width.
func fitted(rows [][]string, columns int) [][]string {
	const worth, otherwise = 20, 40
	last := len(rows[0]) - 1
	others := make([][]string, len(rows))
	for i, r := range rows {
		others[i] = r[:last]
	}
	var b strings.Builder
	table(&b, others)
	room := columns - breadth(b.String()) - len("  ")
	if room < worth {
		room = otherwise
	}
	for i, r := range rows {
		rows[i] = append(slices.Clone(r[:last]), cut(r[last], room))
	}
	return rows
}

// breadth is how many columns a text takes.
func breadth(text string) (columns int) {
	for line := range strings.SplitSeq(text, "\n") {
		columns = max(columns, utf8.RuneCountInString(line))
	}
	return columns
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

// oneLine gives a text on one line, without what would steer a terminal.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

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
