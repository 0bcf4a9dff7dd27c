package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/capture"
	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/store"
	"github.com/plantainhq/plantain/verdict"
)

type explainCmd struct {
	File    string `arg:"" optional:"" help:"What was kept of the answer, in any form; - or nothing: standard input."`
	Status  int    `placeholder:"N" help:"The HTTP status, where the capture lacks it."`
	Request string `placeholder:"ID" help:"A request of this gateway's own ledger (header Plantain-Request-Id), or last."`
	Dir     string `type:"existingdir" placeholder:"LOGS" help:"A folder of an application's logs: what was lost, and what was paid for in vain."`
	Cases   string `type:"existingfile" placeholder:"FILE.jsonl" help:"A file of captured responses, one a line, with id, http_status, content_type, headers and body: one verdict a line."`
	At      string `placeholder:"TIME" help:"When it was, for what the hour adds: now, 14:30, 14:30Z, 2026-11-24T14:30:00Z. Default: what the capture says, else now."`
	atFlag
}

func (explainCmd) Help() string {
	return `It says what happened, whether it was charged and how one knows, what to do now, and when to try again. It asks nobody and sends nothing.

It reads an HTTP message or what curl -i and curl -v print, a body of JSON, events or HTML, a HAR file of the browser, the text that the SDKs for Python, JavaScript and Go print (also inside other programs' errors), a log, and lines of a batch's results.

  plantain explain answer.json --status 429
  curl -si https://… | plantain explain
  python make.py 2>&1 | plantain explain
  pbpaste | plantain explain -            (what is on the clipboard of a Mac)
  plantain explain --request r-0f3…       (header Plantain-Request-Id)
  plantain explain --request last         (the newest of which anything was sent)
  plantain explain --dir ./logs
  plantain explain --cases failures.jsonl -o json`
}

// errTooLarge refuses what is no capture of an exchange.
var errTooLarge = errors.New("more than 256 MB are no capture of one exchange; for logs use --dir FOLDER")

const maxCapture = 256 << 20

func (e *explainCmd) Run(w *world) error {
	if err := e.check(); err != nil {
		return fmt.Errorf("%w\n%w", errUsage, err)
	}
	rules, catalogue, err := w.beliefs()
	if err != nil {
		return err
	}
	at, err := parseAt(e.At, time.Now())
	if err != nil {
		return fmt.Errorf("%w\n%w", errUsage, err)
	}
	switch {
	case e.Request != "":
		return e.request(w, at)
	case e.Dir != "":
		return sumLogs(w, e.Dir, rules, catalogue, at)
	case e.Cases != "":
		return explainCases(w, e.Cases, rules, at)
	}
	text, err := e.read(w)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(text)) == 0 && e.Status == 0 {
		return fmt.Errorf("%w\nthere is nothing to explain: the capture is empty; --status N says what an answer without a body had", errUsage)
	}
	found := capture.Read(text)
	for i := range found {
		if found[i].Facts.Status == 0 {
			found[i].Facts.Status = e.Status
		}
	}
	return printExplained(w, found, rules, catalogue, at)
}

func (e *explainCmd) check() error {
	sources := 0
	for _, s := range []string{e.File, e.Request, e.Dir, e.Cases} {
		if s != "" {
			sources++
		}
	}
	switch {
	case sources > 1:
		return errors.New("give one of a FILE, --request, --dir and --cases")
	case e.Status != 0 && (e.Status < 100 || e.Status > 599):
		return fmt.Errorf("--status %d is no HTTP status; they go from 100 to 599", e.Status)
	case e.Status != 0 && sources == 1 && e.File == "":
		return errors.New("--status goes with a FILE or standard input only")
	default:
		return nil
	}
}

// beliefs are what the configuration says of verdicts and prices. Explaining needs
// no configuration; one that was named must be right.
func (w *world) beliefs() (verdict.Rules, *gemini.Catalogue, error) {
	c, err := w.loadKeyless()
	switch {
	case err == nil:
		return verdict.Rules{Filtered: c.Billing.Filtered}, c.Catalogue, nil
	case w.config != "":
		return verdict.Rules{}, nil, err
	default:
		return verdict.Rules{}, gemini.DefaultCatalogue(), nil
	}
}

func (e *explainCmd) read(w *world) ([]byte, error) {
	from := w.stdin
	if e.File == "" || e.File == "-" {
		if f, isFile := w.stdin.(*os.File); isFile && term.IsTerminal(int(f.Fd())) {
			if e.File == "" {
				return nil, fmt.Errorf("%w\ngive a FILE, or pipe into it; plantain explain - reads what you paste, until Ctrl-D", errUsage)
			}
			fmt.Fprintln(w.stderr, "Paste what you got, then Ctrl-D on a line of its own.")
		}
	} else {
		f, err := os.Open(e.File)
		if err != nil {
			return nil, fmt.Errorf("%w\n%w; a text is piped: echo TEXT | plantain explain", errUsage, err)
		}
		defer func() { _ = f.Close() }() // nothing was written
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxCapture+1))
	if err != nil {
		return nil, fmt.Errorf("read the capture: %w", err)
	}
	if len(text) > maxCapture {
		return nil, errTooLarge
	}
	return text, nil
}

// hourOf is the instant that an explanation speaks from: the one that was named,
// that of the capture, the present.
func hourOf(named, captured time.Time) capture.Hour {
	at := named
	if at.IsZero() {
		if at = captured; at.IsZero() {
			at = time.Now()
		}
		at = at.Local()
	}
	return capture.Hour{At: at, Midnight: gemini.Midnight(at), Asked: !named.IsZero()}
}

// parseAt reads the time of --at: without a zone it is that of this machine,
// without a date it is of today. Zero: none was named.
func parseAt(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if s == "now" {
		return now, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(form, s, now.Location()); err == nil {
			return t, nil
		}
	}
	for form, zone := range map[string]*time.Location{"15:04": now.Location(), "15:04:05": now.Location(), "15:04Z": time.UTC} {
		if t, err := time.Parse(form, s); err == nil {
			day := now.In(zone)
			return time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone), nil
		}
	}
	return time.Time{}, fmt.Errorf("--at %q is no time; write now, 14:30, 14:30Z or 2026-11-24T14:30:00Z", s)
}

// shown is how many exchanges of one capture are explained one by one.
const shown = 3

func printExplained(w *world, found []capture.Exchange, rules verdict.Rules, catalogue *gemini.Catalogue, at time.Time) error {
	if w.output == "json" && len(found) == 1 {
		w.json(capture.Explain(found[0], rules, hourOf(at, found[0].At)))
		return nil
	}
	var sum capture.Sum
	for i, x := range found {
		e := capture.Explain(x, rules, hourOf(at, x.At))
		switch {
		case w.output == "json":
			if err := writeLine(w.stdout, e); err != nil {
				return err
			}
		case len(found) > shown:
			cost, priced := price(catalogue, x, e)
			sum.Add(x, e, cost, priced)
		default:
			if i > 0 {
				fmt.Fprintln(w.stdout)
			}
			printExplanation(w.stdout, e)
		}
	}
	if sum.Exchanges > 0 {
		printSum(w.stdout, &sum, 0)
		fmt.Fprintln(w.stdout, "-o json explains each of them.")
	}
	return nil
}

func printExplanation(to io.Writer, e capture.Explanation) {
	for _, s := range e.Sections() {
		first, rest := "", ""
		if s.Name != "" {
			first, rest = fmt.Sprintf("%-11s ", s.Name+":"), strings.Repeat(" ", 12)
		}
		hang(to, first, rest, s.Text)
	}
}

// writeLine prints a value as one line of JSON.
func writeLine(to io.Writer, v any) error {
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// explainCases prints one verdict a line, and how many are as their labels say.
func explainCases(w *world, path string, rules verdict.Rules, at time.Time) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w\n%w", errUsage, err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	hour := capture.Hour{}
	if !at.IsZero() {
		hour = hourOf(at, at)
	}
	out := bufio.NewWriter(w.stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	labelled, right := 0, 0
	err = capture.Cases(file, rules, hour, func(c capture.Case, e capture.Explanation) error {
		if agrees, told := c.Agrees(e); told {
			labelled++
			if agrees {
				right++
			} else if w.output != "json" {
				fmt.Fprint(out, "otherwise labelled: ")
			}
		}
		if w.output == "json" {
			return writeLine(out, e)
		}
		_, err := fmt.Fprintln(out, e.Line())
		return err
	})
	if err == nil && labelled > 0 && w.output != "json" {
		fmt.Fprintf(out, "%d of %d as labelled\n", right, labelled)
	}
	return err
}

// request explains what the ledger has of a request.
func (e *explainCmd) request(w *world, at time.Time) error {
	attempts, err := e.attempts(w)
	if err != nil {
		return err
	}
	for i, a := range attempts {
		x := gateway.Explain(a, hourOf(at, a.Opened.Add(time.Duration(a.Took*float64(time.Second)))))
		if w.output == "json" {
			if err := writeLine(w.stdout, x); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(w.stdout)
		}
		printExplanation(w.stdout, x)
	}
	return nil
}

func (e *explainCmd) attempts(w *world) ([]gateway.Attempt, error) {
	var got struct{ Attempts []gateway.Attempt }
	err := w.withStore(e.Server, openExisting, func(at *remote, s *store.Store) (err error) {
		if at != nil {
			return at.get(w.ctx, "/api/v1/requests/"+url.PathEscape(e.Request), &got)
		}
		id := plantain.RequestID(e.Request)
		got.Attempts, err = attempts(w.ctx, s, "", id)
		if err == nil && len(got.Attempts) == 0 {
			err = errors.New(gateway.NoRequest(id))
		}
		return err
	})
	return got.Attempts, err
}
