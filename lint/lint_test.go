package lint

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestThePairsOfTheArticle(t *testing.T) {
	t.Parallel()
	for _, pair := range []struct {
		weak, strong string
		rules        []string // of the weak one
		hints        []string // of the strong one, no more than info
	}{
		{
			weak:   "A beautiful sunset with vivid colors over the ocean",
			rules:  []string{"subjective", "no-composition", "vague"},
			strong: "Golden-hour sunset over the Pacific Ocean, orange and purple clouds reflected on calm water, wide-angle perspective, photorealistic, 4K resolution",
			hints:  []string{"size-word"},
		}, {
			weak:   "A cool robot character",
			rules:  []string{"subjective", "no-setting", "no-light", "no-composition", "vague"},
			strong: "A chrome humanoid robot in a clean warehouse environment, brushed metal texture, ambient light from overhead fluorescents, centered composition, white background",
		},
	} {
		weak, strong := Lint(pair.weak), Lint(pair.strong)
		if weak.Score >= 50 || !weak.Weak() {
			t.Errorf("%q scores %d, with %v", pair.weak, weak.Score, weak.rules(Error, Warning, Info))
		}
		for _, rule := range pair.rules {
			if !slices.Contains(weak.rules(Error, Warning, Info), rule) {
				t.Errorf("%q lacks the finding %s: %v", pair.weak, rule, weak.rules(Error, Warning, Info))
			}
		}
		if strong.Score < 80 || strong.Weak() || !slices.Equal(strong.rules(Error, Warning, Info), pair.hints) {
			t.Errorf("%q scores %d, with %v", pair.strong, strong.Score, strong.rules(Error, Warning, Info))
		}
	}
}

func TestAbandonedBuildingsAreReframedAsArchitecture(t *testing.T) {
	t.Parallel()
	r := Lint("abandoned buildings")
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Rule == "filter-ruin" })
	if i < 0 || r.Findings[i].Replacement != "architectural photography of mid-century industrial structures" {
		t.Errorf("findings: %+v", r.Findings)
	}
	if !strings.HasPrefix(r.Rewritten, "Architectural photography of mid-century industrial structures") {
		t.Errorf("rewritten: %s", r.Rewritten)
	}
}

// What a prompt says is said the same when it is rewritten, in English.
func TestARewrittenPromptKeepsItsMeaning(t *testing.T) {
	t.Parallel()
	for prompt, want := range map[string]string{
		"a poster with the text Summer Sale 50% off": `A poster with the text "Summer Sale 50% off" with`,
		"a sign that says 20% off today":             `A sign that says "20% off today"`,
		"a dog on a lawn, no collar, no owner":       "a dog on a lawn, with a bare neck, kept clear of any owner",
		"a cute fox character":                       "A cute fox character in an open, empty place",
		"a full moon over a lake":                    "The colours run from warm tones in the light to cool blue",
		"shooting star over mountains":               "shooting star over mountains. The view",
	} {
		if r := Lint(prompt); !strings.Contains(r.Rewritten, want) || slices.Contains(r.rules(Error, Warning, Info), "no-text") {
			t.Errorf("%q is rewritten as %q, with %v", prompt, r.Rewritten, r.rules(Error, Warning, Info))
		}
	}
}

func TestLengthDecidesNothing(t *testing.T) {
	t.Parallel()
	short := Lint("Grey cat asleep on a blue wool blanket, window light, close-up")
	if short.Weak() || short.Score < 80 {
		t.Errorf("the short one scores %d, with %v", short.Score, short.rules(Error, Warning, Info))
	}
	long := Lint(strings.Repeat("An absolutely stunning, breathtaking and truly incredible picture, so beautiful and magical that words can hardly describe it, ", 5) + "a real masterpiece of the highest quality")
	if !long.Weak() || long.Score > 30 {
		t.Errorf("the long one scores %d, with %v", long.Score, long.rules(Error, Warning, Info))
	}
}

func TestAnEditIsNotAskedForLightAndLens(t *testing.T) {
	t.Parallel()
	for _, edit := range []string{"make the background blue", "Remove the bin", "now in winter", "don't change anything but the sky"} {
		if r := Lint(edit); r.Kind != "edit" || len(r.Findings) > 0 || r.Rewritten != edit {
			t.Errorf("%q is read as %s: %v, and rewritten as %q", edit, r.Kind, r.rules(Error, Warning, Info), r.Rewritten)
		}
	}
}

// What Google's policy forbids gets a reason and no way around it.
func TestNothingIsOfferedForWhatIsForbidden(t *testing.T) {
	t.Parallel()
	for _, l := range prompts(t) {
		if l.Is != "forbidden" {
			continue
		}
		r := Lint(l.Prompt)
		if r.Rewritten != "" || r.Score != 0 {
			t.Errorf("%q scores %d and is rewritten as %q", l.Prompt, r.Score, r.Rewritten)
		}
		for _, f := range r.Findings {
			if f.Severity != Error || f.Replacement != "" || !strings.Contains(f.Why, "policy forbids") {
				t.Errorf("%q: %+v", l.Prompt, f)
			}
		}
	}
}

func TestASizeIsASettingOfTheRequest(t *testing.T) {
	t.Parallel()
	r := Lint("Grey cat asleep on a blue wool blanket, window light, close-up, 4K resolution, --ar 16:9")
	want := []Finding{
		{Rule: "size-word", Severity: Info, Replacement: `imageConfig.imageSize: "4K"`},
		{Rule: "ratio-word", Severity: Info, Replacement: `imageConfig.aspectRatio: "16:9"`},
	}
	for i, f := range r.Findings {
		if i >= len(want) || f.Rule != want[i].Rule || f.Severity != want[i].Severity || f.Replacement != want[i].Replacement {
			t.Errorf("finding %+v", f)
		}
	}
	if r.Rewritten != "Grey cat asleep on a blue wool blanket, window light, close-up" {
		t.Errorf("rewritten: %s", r.Rewritten)
	}
}

// sound reports what no report may break, whatever the prompt.
func sound(t rapid.TB, prompt string) {
	t.Helper()
	r := Lint(prompt)
	for _, f := range r.Findings {
		if f.Start < 0 || f.Start > f.End || f.End > len(prompt) {
			t.Fatalf("%q: the span of %+v is outside", prompt, f)
		}
		if utf8.ValidString(prompt) && !(utf8.ValidString(prompt[:f.Start]) && utf8.ValidString(prompt[f.Start:f.End])) {
			t.Fatalf("%q: the span of %+v cuts a character", prompt, f)
		}
	}
	if r.Score < 0 || r.Score > 100 || r.Weak() != (r.Score < enough) || r.Findings == nil {
		t.Fatalf("%q scores %d, with %v", prompt, r.Score, r.rules(Error, Warning, Info))
	}
	again := Lint(prompt)
	if again.Score != r.Score || again.Rewritten != r.Rewritten || !slices.Equal(again.Findings, r.Findings) {
		t.Fatalf("%q is read twice and not alike:\n%+v\n%+v", prompt, r, again)
	}
	next := Lint(r.Rewritten)
	if r.Rewritten != "" && (next.Weak() || next.Rewritten != r.Rewritten) {
		t.Fatalf("%q\n is rewritten as %q,\n in which there is %v\n and then as %q", prompt, r.Rewritten, next.rules(Error, Warning, Info), next.Rewritten)
	}
}

func TestAnyPromptGetsASoundReport(t *testing.T) {
	t.Parallel()
	var pieces []string
	for _, l := range prompts(t) {
		pieces = append(pieces, strings.Fields(l.Prompt)...)
	}
	pieces = append(pieces, "no", "without", "not", "\"", "'", ",", ".", "\n", "4K", "16:9", "👩‍🚀", "é", "\xff", "--", "a", "and")
	rapid.Check(t, func(t *rapid.T) {
		sound(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, "words"), " "))
	})
}

func FuzzLint(f *testing.F) {
	for _, l := range prompts(f) {
		f.Add(l.Prompt)
	}
	f.Fuzz(func(t *testing.T, prompt string) { sound(t, prompt) })
}

func BenchmarkLint(b *testing.B) {
	all := prompts(b)
	slices.SortFunc(all, func(a, b labelled) int { return len(b.Prompt) - len(a.Prompt) })
	b.Run("each", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			Lint(all[i%len(all)].Prompt)
		}
	})
	b.Run("longest", func(b *testing.B) {
		for b.Loop() {
			Lint(all[0].Prompt)
		}
	})
}
