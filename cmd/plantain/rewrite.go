package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/plantainhq/plantain/lint"
)

// instruction is what a model is asked for in the place of lint's own rewriting.
const instruction = `Rewrite the prompt below for an image model, as a photographer or an art director would brief it: two to four sentences of plain prose. Keep everything that it asks for. Where it does not say so, choose plausible light, framing, surroundings and medium. Leave out praise, sizes and aspect ratios; say what is there and not what is missing; put text that is to stand in the picture in double quotes. Answer with the prompt alone.`

// spoken is what is read of an answer of generateContent.
type spoken struct {
	Candidates []struct {
		Content struct {
			Parts []struct {
				Text    string
				Thought bool
			}
		}
	}
}

// rewrite has a model rewrite a prompt in the place of lint. What does not pass lint
// itself is not taken, and told.
func (l *lintCmd) rewrite(w *world, prompt string, report *lint.Report) error {
	if report.Forbidden() || !report.Weak() {
		return nil
	}
	text, err := l.ask(w, prompt, report)
	if err != nil {
		return err
	}
	theirs := lint.Lint(text)
	if text == "" || theirs.Weak() {
		why := theirs.Brief()
		if text == "" {
			why = "no text"
		}
		fmt.Fprintf(w.stderr, "plantain: what %s wrote does not pass (%s); this is lint's own\n", l.Rewrite, why)
		return nil
	}
	report.Rewritten = text
	return nil
}

// ask asks the model, through a running gateway or, without one, the pool of this
// process.
func (l *lintCmd) ask(w *world, prompt string, report *lint.Report) (string, error) {
	text := instruction + "\n\nWhat it lacks: " + report.Brief() + "\n\nThe prompt:\n" + prompt
	body, err := json.Marshal(map[string]any{
		"contents":         []any{map[string]any{"role": "user", "parts": []any{map[string]string{"text": text}}}},
		"generationConfig": map[string]any{"responseModalities": []string{"TEXT"}},
	})
	if err != nil {
		return "", err
	}
	path := "/v1beta/models/" + url.PathEscape(l.Rewrite) + ":generateContent"
	var got spoken
	err = w.withHouse(l.Server, func(at *remote, h *house) error {
		if at != nil {
			return at.send(w.ctx, http.MethodPost, path, "application/json", bytes.NewReader(body), &got)
		}
		r, err := http.NewRequestWithContext(w.ctx, http.MethodPost, here+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		a, err := exchange(h.relay, r)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			return a.refusal()
		}
		return json.Unmarshal(a.body, &got)
	})
	return got.text(), err
}

// text is what was said, without quotes or a fence around it.
func (s *spoken) text() string {
	if len(s.Candidates) == 0 {
		return ""
	}
	var b strings.Builder
	for _, p := range s.Candidates[0].Content.Parts {
		if !p.Thought {
			b.WriteString(p.Text)
		}
	}
	text := strings.TrimSpace(strings.Trim(strings.TrimSpace(b.String()), "`"))
	if inner, ok := strings.CutPrefix(text, `"`); ok && strings.Count(text, `"`) == 2 && strings.HasSuffix(inner, `"`) {
		text = strings.TrimSuffix(inner, `"`)
	}
	return text
}
