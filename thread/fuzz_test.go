package thread

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plantainhq/plantain/gemini"
)

// Whatever comes, what goes is JSON if that was, and the same if nothing was done.
func FuzzHeal(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		body, _, _ := strings.Cut(string(text), divider)
		f.Add(spelled(body))
	}
	f.Add(`{"contents":[{"role":"model","parts":[{"text":"a","thoughtSignature":null,"thoughtSignature":""}],"parts":{"text":"b"},"role":"model"}]}`)
	f.Add(`{"contents":{"role":"model","parts":[null,{"thoughtSignature":"x"},5,{"text":"data:image/png;base64,AAAA"}]}}`)
	m := remembers(f, "studio")
	f.Fuzz(func(t *testing.T, body string) {
		var s gemini.RequestScanner
		_, _ = s.Write([]byte(body))
		asked := s.Finish()
		if !asked.Valid || !json.Valid([]byte(body)) { // control characters pass our scanner
			return
		}
		if err := asked.LookInside(strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		healed, err := m.Heal("studio", &asked, strings.NewReader(body), now)
		if err != nil {
			t.Skip("it is sent as it came:", err)
		}
		flat, err := Flatten(&asked, strings.NewReader(body))
		if err != nil {
			t.Skip("it is not sent again:", err)
		}
		for _, h := range []*Healing{healed, flat} {
			got := sent(t, h, body)
			if !json.Valid([]byte(got)) {
				t.Errorf("by %s\n%s\nbecame\n%s", h.How, body, got)
			}
			if (h.How == Untouched) != (got == body) {
				t.Errorf("%q is called %q", got, h.How)
			}
		}
	})
}
