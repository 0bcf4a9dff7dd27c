package symptom

import "testing"

// Whatever people paste, a row is found by words of theirs, the best one first, or
// none is.
func FuzzFind(f *testing.F) {
	for _, words := range []string{"429", "the spinner never stops", "I can’t create that image", "кошка 503s", "finishReason: IMAGE_SAFETY\x00\xff", "''''s 0s s"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		found := Find(words)
		for i, m := range found {
			if m.ID == words {
				return // by its name, whatever the words of it say
			}
			if len(m.By) == 0 {
				t.Errorf("%q leads to %s by nothing", words, m.ID)
			}
			if i > 0 && m.Score > found[i-1].Score {
				t.Errorf("%q: %s is better than the row before it", words, m.ID)
			}
		}
	})
}
