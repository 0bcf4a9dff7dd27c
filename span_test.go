package plantain

import (
	"testing"
	"time"
)

func TestASpanIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"12h": 12 * time.Hour, "30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "0": 0, "0s": 0, "0d": 0, "1h30m": 90 * time.Minute,
		"-1h": -1, "-1d": -1, "": -1, "d": -1, "5": -1, "1.5d": -1, "1d-2h": -1, "99999d2562047h": -1, "3 d": -1,
	} {
		got, err := ParseSpan(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}
