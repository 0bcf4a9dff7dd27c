package verdict

import (
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A phrase that an earlier one hides, or that is not in lower case, never decides.
func TestEveryPhraseDecides(t *testing.T) {
	t.Parallel()
	for i, p := range phrases.phrases {
		if p.text != strings.ToLower(p.text) {
			t.Errorf("%q is not in lower case", p.text)
		}
		for _, earlier := range phrases.phrases[:i] {
			if strings.Contains(p.text, earlier.text) {
				t.Errorf("%q is hidden by %q", p.text, earlier.text)
			}
		}
		if got := phrases.first("so: " + p.text + "."); got == nil || got.text != p.text {
			t.Errorf("%q is not found", p.text)
		}
	}
}

func TestEveryCauseAndClassHasWordsAndAdvice(t *testing.T) {
	t.Parallel()
	var all []finding
	for _, p := range phrases.phrases {
		all = append(all, finding{class: p.class, cause: p.cause})
	}
	for _, p := range weakPhrases.phrases {
		all = append(all, finding{class: p.class, cause: p.cause})
	}
	for _, table := range []map[string]finding{reasons, codeTexts, gatewayCodes, ends} {
		for _, n := range table {
			all = append(all, n)
		}
	}
	for _, s := range statuses {
		all = append(all, finding{class: s.class, cause: s.cause})
	}
	for _, n := range all {
		if _, ok := causeWords[n.cause]; n.cause != "" && !ok {
			t.Errorf("cause %q has no words", n.cause)
		}
		if _, ok := classWords[n.class]; !ok {
			t.Errorf("class %v has no words", n.class)
		}
		if _, ok := usual[n.class]; !ok {
			t.Errorf("class %v has no advice", n.class)
		}
	}
	for c := range classWords {
		if _, ok := usual[c]; !ok {
			t.Errorf("class %v has no advice", c)
		}
	}
}

func TestDelayIsReadOutOfAMessage(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"please retry in 48.939935699s.":             "48.939935699s",
		"please retry in 1h52m56s.":                  "1h52m56s",
		"your quota will reset after 135h10m5s.":     "135h10m5s",
		"reset after 576.244211ms":                   "576.244211ms",
		"try again in 20 seconds":                    "20s",
		"retry after 2 minutes":                      "2m0s",
		"please retry in a while":                    "0s",
		"please retry in 9e99s":                      "0s",
		"retry in 99999999h":                         "0s",
		"please retry in -5s":                        "0s",
		"retry in some time, please retry after 3s.": "3s",
		"": "0s",
	} {
		d, ok := delayIn(message)
		if d.String() != want || ok != (want != "0s") {
			t.Errorf("%q: %v, %v; want %s", message, d, ok, want)
		}
	}
}

func TestDetailsAreSaidAsAPersonSaysThem(t *testing.T) {
	t.Parallel()
	n := finding{class: plantain.RateMinute, limit: plantain.LimitTPM, value: 1000000, disclosed: true, model: "m", stated: 48939935699}
	got := n.fill("{limit}limit{value}{model}, {wait}, {nothing}!")
	if want := "input-tokens-per-minute limit of 1,000,000 for m, 49 s, !"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

var sink plantain.Verdict

// BenchmarkJudge judges what stands first in a busy gateway's day: the longest
// captured kinds of error, and a success. The baseline only lower-cases the
// message and looks for one phrase that is not there.
func BenchmarkJudge(b *testing.B) {
	message := "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To monitor your current usage, head to: https://ai.dev/rate-limit. \n" +
		strings.Repeat("* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 10, model: gemini-3-pro-image\n", 3) + "Please retry in 48.939935699s."
	limit := gemini.Violation{Metric: "generativelanguage.googleapis.com/generate_content_free_tier_requests", ID: "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", Model: "gemini-3-pro-image"}
	quota := gemini.ErrorFacts{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: message, Violations: []gemini.Violation{limit, limit, limit}}
	unknown := gemini.ErrorFacts{Code: 400, Status: "INVALID_ARGUMENT", Message: strings.Repeat("Something is wrong with the request that no one has seen. ", 5)}
	for _, bench := range []struct {
		name   string
		status int
		body   gemini.Body
	}{
		{"quota", 429, gemini.Body{Form: gemini.FormJSON, Complete: true, Errors: []gemini.ErrorFacts{quota}}},
		{"no phrase fits", 400, gemini.Body{Form: gemini.FormJSON, Complete: true, Errors: []gemini.ErrorFacts{unknown}}},
		{"nested three deep", 400, gemini.Body{Form: gemini.FormJSON, Complete: true, Errors: []gemini.ErrorFacts{quota, unknown, unknown}}},
		{"page of 16 KB", 404, gemini.Body{Form: gemini.FormText, Text: strings.Repeat("<p>nothing to be seen</p>", 16<<10/25)}},
		{"success", 200, gemini.Body{Form: gemini.FormJSON, Complete: true, Candidates: 1, FinishReason: "STOP", Parts: []gemini.Part{{Kind: gemini.KindImage}}}},
	} {
		f := gemini.Facts{Stage: plantain.Done, Status: bench.status, Body: bench.body}
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = Judge(f)
			}
		})
	}
	b.Run("baseline", func(b *testing.B) {
		b.ReportAllocs()
		found := false
		for b.Loop() {
			found = found || strings.Contains(strings.ToLower(message), "overloaded")
		}
	})
}
