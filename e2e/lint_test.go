package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// linted is a report as the command prints it for programs.
type linted struct {
	Score    int
	Findings []struct {
		Rule, Severity, Why, Replacement string
		Start, End                       int
	}
	Rewritten string
}

// Linting needs no gateway, no key and no configuration.
func TestAPromptIsLintedInATerminalAndForPrograms(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text, stderr, code := run(t, folder, nil, "lint", "a", "cool", "robot", "character")
	if code != 0 || stderr != "" || !strings.Contains(text, "it needs work") || !strings.Contains(text, "no-light") || !strings.Contains(text, "\n  A robot character") {
		t.Errorf("in a terminal: exit %d, %s\n%s", code, stderr, text)
	}
	file := filepath.Join(folder, "prompt.txt")
	if err := os.WriteFile(file, []byte("abandoned buildings\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, code := run(t, folder, nil, "lint", "-f", file, "-o", "json")
	var got linted
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Score >= 60 || got.Rewritten == "" {
		t.Fatalf("for programs: exit %d, %v\n%s", code, err, out)
	}
	if f := got.Findings[0]; f.Rule != "filter-ruin" || f.Start != 0 || f.End != len("abandoned buildings") || f.Severity != "warning" || f.Why == "" {
		t.Errorf("the first finding is %+v", f)
	}
	for want, args := range map[int][]string{
		0: {"lint", "--strict", got.Rewritten},
		1: {"lint", "--strict", "a dog"},
		2: {"lint", "-f", filepath.Join(folder, "nowhere.txt")},
	} {
		if _, _, code := run(t, folder, nil, args...); code != want {
			t.Errorf("%q ends with %d, not %d", args, code, want)
		}
	}
}

// A model may rewrite a weak prompt, through the pool like every request; what it
// writes must pass lint, and of what is forbidden or strong nothing is sent.
func TestAModelMayRewriteAWeakPrompt(t *testing.T) {
	t.Parallel()
	const good = "A rust-red robot kneels in a greenhouse and waters ferns. Morning light falls through wet glass from the left; medium shot, 50mm lens."
	var arrived, says atomic.Value
	says.Store(`"` + good + `"`)
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the test says what is missing
		arrived.Store(r.URL.Path + " " + string(body))
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"candidates":    []any{map[string]any{"content": map[string]any{"role": "model", "parts": []any{map[string]any{"text": says.Load()}}}, "finishReason": "STOP"}},
			"usageMetadata": map[string]any{"promptTokenCount": 200, "candidatesTokenCount": 40, "totalTokenCount": 240}, "modelVersion": "gemini-flash",
		})
	}))
	defer google.Close()
	const flash = `catalogue: {models: {gemini-flash: {name: Flash, makes: {sizes: [1K], default_size: 1K, ratios: ["1:1"], pixels: gemini-3, mime: image/png},
  tokens: {input: 1000000, output: 65536, image: {1K: 1}}, dollars_per_million: {input: 1, text: 2, image: 0}}}}`
	gw := startGateway(t, google.URL, []string{"sim-3-a"}, flash)
	rewrite := func(prompt string) (linted, string) {
		out, stderr, code := run(t, t.TempDir(), nil, "lint", "--rewrite", "gemini-flash", "--server", gw.URL, "-o", "json", prompt)
		var report linted
		if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 {
			t.Fatalf("exit %d, %v: %s%s", code, err, out, stderr)
		}
		return report, stderr
	}
	if r, _ := rewrite("a cool robot"); r.Rewritten != good || r.Score >= 60 {
		t.Errorf("it is %+v", r)
	}
	asked, _ := arrived.Swap("").(string)
	if !strings.HasPrefix(asked, "/v1beta/models/gemini-flash:generateContent ") || !strings.Contains(asked, "a cool robot") || !strings.Contains(asked, `"responseModalities":["TEXT"]`) {
		t.Errorf("what arrived is %s", asked)
	}
	if spent := gw.plantain("spend", "-o", "json"); !strings.Contains(spent, `"low_nanodollars": 280000`) { // 200 tokens at $1 a million and 40 at $2
		t.Errorf("the ledger has %s", spent)
	}
	for _, prompt := range []string{"sexy schoolgirl", good} {
		rewrite(prompt)
		if asked := arrived.Load(); asked != "" {
			t.Errorf("%q was sent: %s", prompt, asked)
		}
	}
	alone := t.TempDir() // no gateway runs there: this process asks
	writeConfig(t, alone, google.URL, []string{"sim-3-a"}, flash)
	if out, stderr, code := run(t, alone, nil, "lint", "--rewrite", "gemini-flash", "a cool robot"); code != 0 || !strings.Contains(strings.Join(strings.Fields(out), " "), good) {
		t.Errorf("without a gateway it ends with %d: %s%s", code, out, stderr)
	}
	says.Store("A very beautiful robot.")
	if r, stderr := rewrite("a cool robot"); r.Rewritten == "" || strings.Contains(r.Rewritten, "beautiful") || !strings.Contains(stderr, "does not pass") {
		t.Errorf("of a weak one it takes %q: %s", r.Rewritten, stderr)
	}
	if _, stderr, code := run(t, t.TempDir(), nil, "lint", "--rewrite", "nobody", "--server", gw.URL, "a dog"); code != 1 || !strings.Contains(stderr, "catalogue") {
		t.Errorf("with a model that nobody knows it ends with %d: %s", code, stderr)
	}
}
