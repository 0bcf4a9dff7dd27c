package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/symptom"
)

type symptomCmd struct {
	Words []string `arg:"" optional:"" help:"What you see, in your own words, an error code, or the name of a row."`
	All   bool     `short:"a" help:"Show the titles of all that fits; without words, of the whole table."`
	atFlag
}

func (symptomCmd) Help() string {
	return `It says why you see it, whether you paid, and what to do, for users of the API and of the Gemini app; and what the hour adds: how long until midnight Pacific, whether these are the busiest hours, how a running gateway finds the models served.

Other forms of a word, small typing errors, codes and names such as IMAGE_SAFETY are understood. Where nothing fits it shows all there is. Without words, on a terminal, it asks.

It asks nobody but your own gateway. For an answer or an error that you have, plantain explain is more exact.

  plantain symptom the spinner never stops
  plantain symptom 429
  plantain symptom pro is greyed out
  plantain symptom "I can't create that image"
  plantain symptom app-stuck              (the name of a row)
  plantain symptom no image -o json`
}

func (s *symptomCmd) Run(w *world) error {
	now, err := s.now(w)
	if err != nil {
		return err
	}
	words := strings.Join(s.Words, " ")
	switch {
	case w.output == "json":
		w.json(symptom.Ask(words, now))
	case words == "" && !s.All && w.interactive():
		converse(w, now)
	default:
		s.print(w.stdout, symptom.Ask(words, now))
	}
	return nil
}

// now is the present, with the weather of a running gateway. One that nobody named
// is asked for what it is worth: without it the table is as good.
func (s *symptomCmd) now(w *world) (symptom.Now, error) {
	at := time.Now().Truncate(time.Second)
	now := symptom.Now{At: at, Midnight: gemini.Midnight(at)}
	c, err := w.loadKeyless()
	if err != nil && w.config != "" {
		return now, err // else none is needed to look at the table
	}
	gateway := w.gateway(s.Server, c)
	if gateway == nil {
		return now, nil
	}
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Second)
	defer cancel()
	var told symptom.Answer
	err = gateway.get(ctx, "/api/v1/symptoms?q="+url.QueryEscape("spinner"), &told)
	now.Weather = told.Now.Weather
	if s.Server == "" {
		err = nil
	}
	return now, err
}

// interactive reports whether a person sits at both ends.
func (w *world) interactive() bool {
	in, inIsFile := w.stdin.(*os.File)
	out, outIsFile := w.stdout.(*os.File)
	return inIsFile && outIsFile && isTerminal(in) && isTerminal(out)
}

// further is how many rows are named beside the best one.
const further = 2

func (s *symptomCmd) print(to io.Writer, a symptom.Answer) {
	if len(a.Fits) == 0 {
		if a.Asked != "" {
			wrap(to, "", fmt.Sprintf("Nothing fits %q. This is what there is:", a.Asked))
		}
		printTitles(to, a.Rows, nil)
		fmt.Fprintln(to, "\nplantain symptom NAME shows one; plantain explain judges an answer you have.")
		return
	}
	printRow(to, a.Fits[0])
	rest := a.Fits[1:]
	if !s.All {
		rest = rest[:min(further, len(rest))]
	}
	if len(rest) > 0 {
		fmt.Fprintln(to, "\nOr is it one of these?")
		printTitles(to, rest, nil)
	}
}

// printRow shows a row in full, what to do first for whom it is about.
func printRow(to io.Writer, m symptom.Match) {
	item := func(name, text string) { hang(to, fmt.Sprintf("  %-9s ", name), strings.Repeat(" ", 12), text) }
	hang(to, "", "", m.Title)
	fmt.Fprintln(to)
	item("you see", strings.Join(m.See[:min(3, len(m.See))], "; "))
	item("why", m.Cause)
	item("charged?", strings.ToUpper(m.Charged.Answer[:1])+m.Charged.Answer[1:]+". "+m.Charged.Why)
	if m.Where[0] == symptom.App {
		item("the app", m.App)
		item("the API", m.API)
	} else {
		item("the API", m.API)
		item("the app", m.App)
	}
	for i, says := range m.Says {
		item([]string{"now", ""}[min(i, 1)], says)
	}
	for i, source := range m.Sources {
		item([]string{"source", ""}[min(i, 1)], sourced(source))
	}
}

func sourced(s symptom.Source) string {
	text := fmt.Sprintf("%s: %s, %s", s.Of, s.From, s.Date)
	if s.Claimed {
		text += " (claimed, not confirmed by Google)"
	}
	return text
}

// printTitles lists rows by name, or by number where they can be chosen.
func printTitles(to io.Writer, rows []symptom.Match, numbers func(i int) string) {
	var lines [][]string
	for i, m := range rows {
		name := m.ID
		if numbers != nil {
			name = numbers(i)
		}
		lines = append(lines, []string{"  " + name, m.Title})
	}
	table(to, lines)
}

// converse asks what is seen, and refines the answer, until the input ends.
func converse(w *world, now symptom.Now) {
	fmt.Fprintln(w.stdout, "What do you see? Say it in your own words; Enter alone lists all, Ctrl-D ends.")
	var choices []symptom.Match
	for line := range w.lines() {
		if n, err := strconv.Atoi(line); err == nil && n >= 1 && n <= len(choices) {
			printRow(w.stdout, choices[n-1])
			fmt.Fprintln(w.stdout, "\nAnother number, other words, or Ctrl-D.")
			continue
		}
		a := symptom.Ask(line, now)
		choices = a.Rows
		switch {
		case len(a.Fits) > 0:
			printRow(w.stdout, a.Fits[0])
			choices = a.Fits[1:min(1+further, len(a.Fits))]
			if len(choices) == 0 {
				fmt.Fprintln(w.stdout, "\nNot it? Say it in other words; Ctrl-D ends.")
				continue
			}
			fmt.Fprintln(w.stdout, "\nOr is it one of these?")
		case line != "":
			wrap(w.stdout, "", fmt.Sprintf("Nothing fits %q. This is what there is:", line))
		}
		printTitles(w.stdout, choices, func(i int) string { return fmt.Sprintf("%2d", i+1) })
		fmt.Fprintln(w.stdout, "A number shows one of them, other words look again.")
	}
	fmt.Fprintln(w.stdout)
}

// lines asks for a line at a time, until the input or the context ends.
func (w *world) lines() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		read := make(chan string)
		go func() { // ends with the input, which a terminal keeps open: it may outlive the question
			defer close(read)
			for in := bufio.NewScanner(w.stdin); in.Scan(); {
				read <- strings.TrimSpace(in.Text())
			}
		}()
		for {
			fmt.Fprint(w.stdout, "> ")
			select {
			case line, more := <-read:
				if !more || !yield(line) {
					return
				}
			case <-w.ctx.Done():
				return
			}
		}
	}
}
