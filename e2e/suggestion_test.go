package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// asking is a request for a picture of a text.
func asking(text string) string {
	quoted, _ := json.Marshal(text) // a string
	return `{"contents":[{"role":"user","parts":[{"text":` + string(quoted) + `}]}]}`
}

const (
	ruin     = "abandoned buildings"
	reframed = "architectural photography of mid-century industrial structures"
)

// Google's body stays as it is: what may pass instead stands in a header, and why in
// the ledger.
func TestAFilteredPromptComesBackWithOneThatMayPass(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"safety_image", "prohibited_image", "safety_prompt", "recitation"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			sim.fault(always(fault))
			gw := startGateway(t, sim.URL, []string{"sim-3-a"})
			first := gw.generate(nb2, asking(ruin))
			suggested := first.Header.Get("Plantain-Suggestion")
			if first.StatusCode != http.StatusOK || !strings.HasPrefix(strings.ToLower(suggested), reframed) {
				t.Fatalf("got %d %v", first.StatusCode, first.Header)
			}
			if s := string(first.body); strings.Contains(s, "plantain") || strings.Contains(s, "mid-century") {
				t.Errorf("Google's body was changed: %s", s)
			}
			why := gw.plantain("explain", "--request", first.Header.Get("Plantain-Request-Id"), "-o", "json")
			if want := fmt.Sprintf("Say %q instead of %q.", reframed, ruin); !strings.Contains(strings.ReplaceAll(why, `\"`, `"`), want) {
				t.Errorf("explain does not say %s: %s", want, why)
			}
			// What it suggests is another prompt, and passes lint.
			if report := gw.lint(suggested); report.Score < 80 {
				t.Errorf("what it suggests scores %+v", report)
			}
		})
	}
}

func TestARefusalOfWhatWasFilteredSuggestsOneThatMayPass(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	sim.fault(always("safety_image"))
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	gw.generate(nb2, asking(ruin))
	refused := gw.generate(nb2, asking(ruin))
	var got filteredAnswer
	if err := json.Unmarshal(refused.body, &got); err != nil || !refused.spared() || len(got.Details) != 1 || len(got.Candidates) != 1 {
		t.Fatalf("%v: got %d %s", err, refused.StatusCode, refused.body)
	}
	suggested := got.Details[0].Metadata["suggestion"]
	if suggested == "" || refused.Header.Get("Plantain-Suggestion") != suggested || !strings.Contains(got.Candidates[0].FinishMessage, suggested) {
		t.Errorf("it suggests %q: %v %s", suggested, refused.Header, refused.body)
	}
	out, stderr, code := run(t, t.TempDir(), nil, "generate", ruin, "--server", gw.URL)
	if code != 1 || out != "" || !strings.Contains(stderr, reframed) || !strings.Contains(stderr, "A prompt that says the same and may pass: Architectural photography") {
		t.Errorf("generate ends with %d: %s%s", code, out, stderr)
	}
	if _, stderr, code := run(t, t.TempDir(), nil, "generate", ruin, "--server", gw.URL); code != 1 || !strings.Contains(stderr, "add --force; it is forgotten at") {
		t.Errorf("generate ends with %d: %s", code, stderr)
	}
}

// For what the policy forbids nothing is offered, and a header is ASCII whatever the
// prompt is. Where prompts are not to be kept, none of their words are.
func TestASuggestionOffersNothingForbiddenAndKeepsToItsBounds(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	sim.fault(always("safety_image"))
	gw := startGateway(t, sim.URL, []string{"sim-3-a"}, "retention: {prompts: false}")

	forbidden := gw.generate(nb2, asking("a deepfake of a senator taking a bribe"))
	if _, said := forbidden.Header["Plantain-Suggestion"]; said {
		t.Errorf("it offers %v", forbidden.Header)
	}
	if why := gw.plantain("explain", "--request", forbidden.Header.Get("Plantain-Request-Id")); !strings.Contains(why, "policy forbids") {
		t.Errorf("explain says %s", why)
	}

	long := gw.generate(nb2, asking("a cool café 🎉 "+strings.Repeat("with a very old piano and another ", 99)))
	s := long.Header.Get("Plantain-Suggestion")
	if s == "" || len(s) > 1000 || !strings.Contains(s, `caf\u00e9`) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("the header is %d long: %s", len(s), s)
	}

	ruined := gw.generate(nb2, asking(ruin))
	why := gw.plantain("explain", "--request", ruined.Header.Get("Plantain-Request-Id"))
	if !strings.Contains(why, "mid-century") || strings.Contains(why, ruin) {
		t.Errorf("the ledger has of the prompt: %s", why)
	}
}

// lint asks the gateway about a prompt.
func (p *process) lint(prompt string) (report linted) {
	p.t.Helper()
	a := p.ask(http.MethodGet, "/api/v1/lint?prompt="+url.QueryEscape(prompt), "")
	if err := json.Unmarshal(a.body, &report); err != nil || a.StatusCode != http.StatusOK {
		p.t.Fatalf("%d: %v", a.StatusCode, err)
	}
	return report
}

func TestTheGatewayLintsAPrompt(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	want := gw.lint("a dog")
	if want.Score >= 60 || len(want.Findings) == 0 || want.Rewritten == "" {
		t.Errorf("GET gives %+v", want)
	}
	for kind, body := range map[string]string{"application/json": `{"prompt": "a dog"}`, "text/plain": "a dog"} {
		a := gw.ask(http.MethodPost, "/api/v1/lint", body, "Content-Type", kind)
		var got linted
		if err := json.Unmarshal(a.body, &got); err != nil || got.Rewritten != want.Rewritten {
			t.Errorf("POST of %s gives %d, %v, %+v", kind, a.StatusCode, err, got)
		}
	}
	for _, body := range []string{"", `{"promt": "a dog"}`} {
		if a := gw.ask(http.MethodPost, "/api/v1/lint", body); a.StatusCode != http.StatusBadRequest {
			t.Errorf("POST of %q gives %d", body, a.StatusCode)
		}
	}
	if n := len(sim.arrivals("")); n != 0 {
		t.Errorf("%d calls reached Google", n)
	}
}

func TestAKeyMayBeWarnedOfWeakPrompts(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	warned, quiet := gw.plantain("keys", "create", "warned", "--warn-weak"), gw.plantain("keys", "create", "quiet")
	warning := func(key, text string) string {
		return gw.generate(nb2, asking(text), "x-goog-api-key", key).Header.Get("Plantain-Lint")
	}
	w := warning(warned, "a dog")
	if !strings.HasPrefix(w, "score=15 ") || !slices.Contains(strings.Split(strings.Fields(w)[1], ","), "no-light") {
		t.Errorf("a weak prompt is warned of with %q", w)
	}
	for key, text := range map[string]string{quiet: "a dog", warned: "Grey cat asleep on a blue wool blanket, window light, close-up"} {
		if w := warning(key, text); w != "" {
			t.Errorf("%q is warned of with %q", text, w)
		}
	}
	gw.plantain("keys", "set", "warned", "--rpm", "600") // what is not named stays
	if w := warning(warned, "a cat"); w == "" {
		t.Error("a change of something else took the warning away")
	}
	gw.plantain("keys", "set", "warned", "--no-warn-weak")
	if w := warning(warned, "a bird"); w != "" {
		t.Errorf("after it was switched off it warns with %q", w)
	}
}
