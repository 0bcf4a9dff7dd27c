package lint

import (
	"bytes"
	"strings"
	"testing"
)

// Whoever changes a rule is told where it is wrong.
func TestARuleThatIsWrongIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file     *[]byte
		old, now string
		want     string
	}{
		"a key that nobody knows":       {&kindsFile, "form: true", "from: true", `kinds.yaml: [`},
		"an aspect that nobody knows":   {&kindsFile, "{subject: 20, medium: 25", "{subject: 20, colour: 25", `logo needs "colour", which is no aspect`},
		"points that are no number":     {&kindsFile, "medium: 25", "medium: much", "kinds.yaml: ["},
		"a fill for no aspect":          {&kindsFile, "      medium: It is drawn", "      style of: It is drawn", `fills "style of"`},
		"a set that is not there":       {&filterFile, `"{minor}", "{explicit}"`, `"{minors}", "{explicit}"`, "filter.yaml: policy-minors: there is no set {minors}"},
		"a list that is not closed":     {&wordingFile, "mild: text,", "mild: [text,", "wording.yaml: ["},
		"a word list that is no list":   {&wordsFile, "hollow: light,", "hollow: {light: 1}\nhollow2: light,", "words.yaml: ["},
		"an embedded file as it should": {&wordsFile, "hollow:", "hollow:", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := [][]byte{wordsFile, kindsFile, wordingFile, filterFile}
			for i, f := range files {
				if &f[0] == &(*c.file)[0] {
					files[i] = bytes.Replace(f, []byte(c.old), []byte(c.now), 1)
				}
			}
			_, err := load(files[0], files[1], files[2], files[3])
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, want %q", err, c.want)
			}
		})
	}
}
