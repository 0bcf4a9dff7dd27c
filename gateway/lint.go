package gateway

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/plantainhq/plantain/lint"
)

// lint serves /api/v1/lint: the prompt is ?prompt= of a GET; of a POST it is "prompt" of a
// body of JSON, or else the body.
func (g *Gateway) lint(w http.ResponseWriter, r *http.Request) {
	prompt, err := promptOf(w, r)
	if err == nil && strings.TrimSpace(prompt) == "" {
		err = errors.New(`there is no prompt: GET with ?prompt=, or POST {"prompt": "…"}`)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, lint.Lint(prompt))
}

func promptOf(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Method != http.MethodPost {
		return r.URL.Query().Get("prompt"), nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		var asked struct{ Prompt string }
		if err := readJSON(w, r, lint.MaxPrompt, &asked); err != nil {
			return "", fmt.Errorf(`the body is not {"prompt": "…"}: %w`, err)
		}
		return asked.Prompt, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, lint.MaxPrompt))
	if err != nil {
		return "", fmt.Errorf("the prompt could not be read, or is larger than a prompt may be: %w", err)
	}
	return string(body), nil
}

// remark is what Plantain-Lint says of a prompt; empty: it needs no work.
func remark(prompt string) string {
	if strings.TrimSpace(prompt) == "" {
		return "" // a picture alone, or a turn of the model's
	}
	report := lint.Lint(prompt)
	return report.Brief()
}
