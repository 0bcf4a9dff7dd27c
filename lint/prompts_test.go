package lint

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
)

// A labelled prompt is a line of testdata/prompts.yaml.
type labelled struct {
	Kind, Is, Prompt string
	Rules            []string
}

func prompts(t testing.TB) []labelled {
	t.Helper()
	text, err := os.ReadFile("testdata/prompts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []labelled
	if err := yaml.UnmarshalWithOptions(text, &all, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return all
}

// disagrees says how a report differs from the label; empty: it doesn't.
func (l labelled) disagrees(r Report) string {
	is := "strong"
	switch {
	case r.Forbidden():
		is = "forbidden"
	case r.Weak():
		is = "weak"
	}
	if is != l.Is {
		return fmt.Sprintf("is %s: %v", is, r.rules(Error, Warning, Info))
	}
	for _, rule := range l.Rules {
		if !slices.Contains(r.rules(Error, Warning, Info), rule) {
			return fmt.Sprintf("lacks %s: %v", rule, r.rules(Error, Warning, Info))
		}
	}
	return ""
}

// agreement is how many of the labels must be met.
const agreement = 0.95

func TestPromptsAreJudgedAsLabelled(t *testing.T) {
	t.Parallel()
	all, kinds, right := prompts(t), map[string]bool{}, 0
	for _, l := range all {
		kinds[l.Kind] = true
		if said := l.disagrees(Lint(l.Prompt)); said != "" {
			t.Logf("%s %s %q %s", l.Kind, l.Is, l.Prompt, said)
			continue
		}
		right++
	}
	t.Logf("%d of %d are as labelled, in %d kinds", right, len(all), len(kinds))
	if float64(right) < agreement*float64(len(all)) || len(all) < 150 || len(kinds) < 12 {
		t.Error("too few are as labelled")
	}
}

func TestRewrittenPromptsAreClean(t *testing.T) {
	t.Parallel()
	for _, l := range prompts(t) {
		r := Lint(l.Prompt)
		if l.Is == "forbidden" {
			continue
		}
		again := Lint(r.Rewritten)
		if r.Rewritten == "" || again.Weak() || again.Rewritten != r.Rewritten {
			t.Errorf("%q\n is rewritten as %q,\n in which there is %v\n and then as %q", l.Prompt, r.Rewritten, again.rules(Error, Warning, Info), again.Rewritten)
		}
	}
}
