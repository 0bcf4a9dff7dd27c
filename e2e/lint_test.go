package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
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
