package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/plantainhq/plantain/lint"
)

type lintCmd struct {
	Prompt []string `arg:"" optional:"" help:"The prompt. Several words are one prompt."`
	File   string   `short:"f" type:"path" placeholder:"FILE" help:"Read the prompt from a file; - is standard input."`
	Strict bool     `help:"Exit with 1 where a prompt needs work, as a build wants it."`

	Rewrite string `placeholder:"MODEL" help:"Have this model of the catalogue rewrite a weak prompt, through the pool; it is billed."`
	Server  string `placeholder:"URL" help:"The gateway that is asked for --rewrite. Default: the one that has the store, else this process asks Google."`
}

func (lintCmd) Help() string {
	return `It says what a prompt leaves to chance, what a model will misread, what trips the filter although it is harmless, and what the policy forbids; and it offers the prompt rewritten. It asks nobody and sends nothing, unless --rewrite has a model write instead: one of the catalogue, asked for text alone. What it writes is taken if it passes lint itself.

What is missing depends on the kind of picture: a photograph wants light and framing, a logo colours and shapes. An edit ("make the background blue") is asked for none of it. A prompt with a warning scores below 60, one without 80 or more.

  plantain lint "a cool robot character"
  plantain lint -f prompt.txt -o json
  pbpaste | plantain lint -f -
  plantain lint --strict -f prompt.txt    (exit code 1 where it needs work)
  plantain lint --rewrite gemini-flash "a cool robot character"`
}

func (l *lintCmd) Run(w *world) error {
	prompt, err := l.read(w)
	if err != nil {
		return err
	}
	report := lint.Lint(prompt)
	if l.Rewrite != "" {
		if err := l.rewrite(w, prompt, &report); err != nil {
			return err
		}
	}
	if w.output == "json" {
		w.json(report)
	} else {
		printLint(w.stdout, prompt, report)
	}
	if l.Strict && report.Weak() {
		return errTold
	}
	return nil
}

func (l *lintCmd) read(w *world) (string, error) {
	prompt := strings.Join(l.Prompt, " ")
	switch {
	case prompt != "" && l.File != "":
		return "", fmt.Errorf("%w\ngive a prompt or -f FILE, not both", errUsage)
	case l.File != "":
		text, err := l.fromFile(w)
		if err != nil {
			return "", err
		}
		prompt = text
	}
	if strings.TrimSpace(prompt) == "" {
		return "", fmt.Errorf(`%w`+"\n"+`there is no prompt; write plantain lint "a dog", or -f FILE`, errUsage)
	}
	return prompt, nil
}

func (l *lintCmd) fromFile(w *world) (string, error) {
	from := w.stdin
	if l.File != "-" {
		f, err := os.Open(l.File)
		if err != nil {
			return "", fmt.Errorf("%w\n%w", errUsage, err)
		}
		defer func() { _ = f.Close() }() // nothing was written
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, lint.MaxPrompt+1))
	if err != nil {
		return "", fmt.Errorf("read the prompt: %w", err)
	}
	if len(text) > lint.MaxPrompt {
		return "", errors.New("more than 1 MB is no prompt")
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// printLint shows a report: what stands in the prompt first, what is missing in one
// line, and the prompt as it could be.
func printLint(to io.Writer, prompt string, r lint.Report) {
	switch {
	case r.Forbidden():
		fmt.Fprintf(to, "%d of 100: the policy forbids it\n", r.Score)
	case r.Weak():
		fmt.Fprintf(to, "%d of 100: it needs work (read as: %s)\n", r.Score, r.Kind)
	default:
		fmt.Fprintf(to, "%d of 100: nothing needs work (read as: %s)\n", r.Score, r.Kind)
	}
	var also []string
	for _, f := range r.Findings {
		if missing, ok := strings.CutPrefix(f.Rule, "no-"); ok && f.Severity == lint.Info {
			also = append(also, missing)
			continue
		}
		printFinding(to, prompt, f)
	}
	if len(also) > 0 {
		fmt.Fprintf(to, "\n  It could also say something of: %s\n", strings.Join(also, ", "))
	}
	if r.Rewritten == "" || r.Rewritten == prompt {
		return
	}
	fmt.Fprint(to, "\nRewritten")
	if r.Weak() {
		fmt.Fprint(to, "; what you did not say is a suggestion, change it as you like")
	}
	fmt.Fprint(to, ":\n\n")
	hang(to, "  ", "  ", r.Rewritten)
}

// longestQuoted is how much of a span is shown.
const longestQuoted = 60

func printFinding(to io.Writer, prompt string, f lint.Finding) {
	said := prompt[f.Start:f.End]
	head := fmt.Sprintf("\n  %-7s %s", f.Severity, f.Rule)
	if said != "" && said != prompt {
		head += ": " + cut(oneLine(said), longestQuoted)
	}
	fmt.Fprintln(to, head)
	hang(to, "          ", "          ", f.Why)
	switch {
	case f.Replacement == "" || said == prompt: // the whole prompt is rewritten below
	case said == "":
		hang(to, "          such as: ", "                   ", f.Replacement)
	default:
		hang(to, "          instead: ", "                   ", f.Replacement)
	}
}
