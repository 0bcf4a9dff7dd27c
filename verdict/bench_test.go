package verdict_test

import (
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/verdict"
)

var judgedVerdict plantain.Verdict

// BenchmarkAnswer judges an answer of 25 MB beside scanning it alone: what judging
// adds is the difference.
func BenchmarkAnswer(b *testing.B) {
	answer := []byte(`{"candidates":[{"content":{"role":"model","parts":[{"inlineData":{"mimeType":"image/jpeg","data":"` +
		strings.Repeat("iVBORw0K", 25<<20/8) + `"}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1120},"modelVersion":"gemini-3-pro-image"}`)
	s := gemini.NewScanner("application/json")
	scan := func() gemini.Body {
		s.Reset("application/json")
		for rest := answer; len(rest) > 0; {
			n := min(32<<10, len(rest))
			_, _ = s.Write(rest[:n])
			rest = rest[n:]
		}
		return s.Finish()
	}
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(int64(len(answer)))
		for b.Loop() {
			scan()
		}
	})
	b.Run("scan and judge", func(b *testing.B) {
		b.SetBytes(int64(len(answer)))
		for b.Loop() {
			judgedVerdict = verdict.Judge(gemini.Facts{Stage: plantain.Done, Status: 200, Body: scan()})
		}
	})
}

// BenchmarkError judges captured errors, all of them in turn and those that take
// longest: their facts alone, and with the scan before.
func BenchmarkError(b *testing.B) {
	var cases []judged
	for _, c := range judgedCases(b) {
		if c.Status >= 400 {
			cases = append(cases, c)
		}
	}
	b.Run("judge", func(b *testing.B) {
		facts := make([]gemini.Facts, len(cases))
		for i, c := range cases {
			facts[i] = c.facts()
		}
		for i := 0; b.Loop(); i++ {
			judgedVerdict = verdict.Judge(facts[i%len(facts)])
		}
	})
	b.Run("scan and judge", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			judgedVerdict = verdict.Judge(cases[i%len(cases)].facts())
		}
	})
	for _, name := range []string{"tpm-paid-one-million-recorded", "data-url-prefix-nested-three-deep", "invalid-location-html-page", "grpc-day-with-dimensions"} {
		for _, c := range cases {
			if c.ID == name {
				b.Run("judge "+name, func(b *testing.B) {
					f := c.facts()
					for b.Loop() {
						judgedVerdict = verdict.Judge(f)
					}
				})
				b.Run("scan and judge "+name, func(b *testing.B) {
					for b.Loop() {
						judgedVerdict = verdict.Judge(c.facts())
					}
				})
			}
		}
	}
}
