package symptom

import (
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

func TestTheMomentIsTold(t *testing.T) {
	t.Parallel()
	everything := Row{Live: []Fact{Midnight, Peak, Sky}}
	for name, c := range map[string]struct {
		at      string
		weather []Weather
		want    []string
	}{
		"in winter, busy": {"2026-11-24T12:20:30Z", nil, []string{
			"Google's day ends at midnight Pacific time, in 19 h 40 min (08:00 UTC).",
			"It is 12:20 UTC, within the busiest hours that users report, 10:00 to 14:00 UTC; they end in 1 h 40 min.",
		}},
		"in summer, quiet": {"2026-07-01T06:30:00Z", nil, []string{
			"Google's day ends at midnight Pacific time, in 30 min (07:00 UTC).",
			"It is 06:30 UTC, outside the busiest hours that users report, 10:00 to 14:00 UTC; they begin in 3 h 30 min.",
		}},
		"on the short day": {"2026-03-08T08:00:00Z", nil, []string{"in 23 h 00 min (07:00 UTC)", "outside"}},
		"on the long day":  {"2026-11-01T07:00:00Z", nil, []string{"in 25 h 00 min (08:00 UTC)", "outside"}},
		"with weather": {"2026-11-24T15:00:00Z", []Weather{
			{Model: "pro", Where: "gemini", Why: plantain.Capacity, Since: time.Date(2026, 11, 24, 14, 52, 0, 0, time.UTC), Refused: 7, Attempts: 12},
			{Model: "nb2", Where: "gemini", Refused: 1, Attempts: 12}, {Model: "lite", Where: "vertex at global", Attempts: 3}, {Model: "old"},
			{Model: "down", Where: "gemini", Why: plantain.ServerError, Since: time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC), Refused: 5, Attempts: 5},
		}, []string{
			"midnight", "outside",
			"Your gateway: pro (gemini) has been overloaded for 8 min; 7 of 12 attempts of the last ten minutes were refused.",
			"Your gateway: nb2 (gemini) is served; 1 of 12 attempts of the last ten minutes were refused.",
			"Your gateway: lite (vertex at global) was served every time, 3 of 3, in the last ten minutes.",
			"Your gateway: old was not asked in the last ten minutes.",
			"Your gateway: down (gemini) has been failing for 2 h 00 min; 5 of 5 attempts of the last ten minutes were refused.",
		}},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		got := Now{At: at, Midnight: gemini.Midnight(at), Weather: c.weather}.Says(everything)
		if len(got) != len(c.want) {
			t.Fatalf("%s: %q", name, got)
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: %q, want %q", name, got[i], want)
			}
		}
	}
	if got := (Now{}).Says(everything); len(got) != 0 {
		t.Errorf("of no moment it is said %q", got)
	}
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	if got := (Now{At: at, Midnight: gemini.Midnight(at)}).Says(Row{}); len(got) != 0 {
		t.Errorf("to a row that does not care it is said %q", got)
	}
}

func TestWhereNothingFitsTheWholeTableIsGiven(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"", "asdf qwer"} {
		a := Ask(words, Now{})
		if len(a.Fits) != 0 || len(a.Rows) != len(Rows()) {
			t.Errorf("%q: %d fit, %d rows", words, len(a.Fits), len(a.Rows))
		}
	}
	if a := Ask("greyed out", Now{}); len(a.Fits) == 0 || a.Rows != nil {
		t.Errorf("where something fits, the table is given too: %+v", a)
	}
}
