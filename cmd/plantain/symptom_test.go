package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/symptom"
)

var lunchtime = func() symptom.Now {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	return symptom.Now{At: at, Midnight: gemini.Midnight(at), Weather: []symptom.Weather{{Model: "gemini-3.1-flash-image", Where: "gemini", Refused: 3, Attempts: 40}}}
}()

func TestEverySymptomFitsATerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, r := range symptom.Rows() {
		(&symptomCmd{}).print(&b, symptom.Ask(r.ID, lunchtime))
	}
	(&symptomCmd{}).print(&b, symptom.Ask("", lunchtime))
	(&symptomCmd{}).print(&b, symptom.Ask("qwertz uiop", lunchtime))
	(&symptomCmd{All: true}).print(&b, symptom.Ask("no image", lunchtime))
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > 80 {
			t.Errorf("more than 80 columns: %s", line)
		}
	}
}

func TestASymptomIsToldInFull(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	(&symptomCmd{}).print(&b, symptom.Ask("pro is greyed out", lunchtime))
	text := b.String()
	for at, want := range []string{
		"The model is greyed out (Gemini app)\n\n  you see   Nano Banana Pro is greyed out;", "\n  why       The app takes a model away", "\n  charged?  No. Nothing was made.\n",
		"\n  the app   It comes back in 5 to 15 minutes.", "\n  the API   ", "\n  now       It is 12:00 UTC, within the busiest hours",
		"\n            Your gateway: gemini-3.1-flash-image (gemini) is served; 3 of 40", "\n  source    5 to 15 minutes: users' guides (blog.laozhang.ai), 2026-03 (claimed,",
		"\n\nOr is it one of these?\n  app-",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("part %d, %q, is not in\n%s", at, want, text)
		}
	}
	if _, rest, _ := strings.Cut(text, "Or is it one of these?\n"); strings.Count(rest, "\n") > further {
		t.Errorf("more than %d further rows:\n%s", further, rest)
	}
}

func TestTheConversationRefines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := &world{ctx: context.Background(), stdin: strings.NewReader("429\n1\nqwertz\n28\n\n999\nspinner"), stdout: &b}
	converse(w, lunchtime)
	asked := strings.Split(b.String(), "> ")
	want := []string{
		"What do you see?",
		"429: too many requests\n\n  you see", // the best row, and two to choose from
		"429 for the rest of the day\n\n  you see",
		"Nothing fits \"qwertz\".",
		"The model is greyed out (Gemini app)\n\n  you see", // of the whole list
		"   1  The spinner never stops\n",
		"Nothing fits \"999\".", // no number of the list
		"The spinner never stops\n\n  you see",
		"\n", // the input ended
	}
	if len(asked) != len(want) {
		t.Fatalf("%d turns, want %d:\n%s", len(asked), len(want), b.String())
	}
	for i := range want {
		if !strings.HasPrefix(asked[i], want[i]) {
			t.Errorf("turn %d begins otherwise than %q:\n%s", i, want[i], asked[i])
		}
	}
}

func TestTheConversationEndsWhereItIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var b bytes.Buffer
	converse(&world{ctx: ctx, stdin: never{}, stdout: &b}, lunchtime)
	if !strings.HasSuffix(b.String(), "> \n") {
		t.Errorf("it ends with %q", b.String())
	}
}

// never is a terminal at which nobody types.
type never struct{}

func (never) Read([]byte) (int, error) { select {} }
