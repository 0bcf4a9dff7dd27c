package main

import (
	"strings"
	"testing"
)

func TestTheTextOfAListFillsTheLine(t *testing.T) {
	t.Parallel()
	apple := "A red apple on a white table, in the light of a morning"
	for columns, want := range map[int]string{
		120: apple,
		80:  apple,
		50:  "A red apple on a white table, in the l…",
		35:  "A red apple on a white…",
		20:  "A red apple on a white table, in the li…", // no line: the rest goes on the next
	} {
		rows := fitted([][]string{{"image", "prompt"}, {"i-1234567", apple}, {"i-2", "Épée"}}, columns)
		if rows[1][1] != want || rows[2][1] != "Épée" {
			t.Errorf("%d columns: %q and %q, want %q", columns, rows[1][1], rows[2][1], want)
		}
		var b strings.Builder
		table(&b, rows)
		if got := breadth(b.String()); got > max(columns, 51) {
			t.Errorf("%d columns take %d", columns, got)
		}
	}
}

// What a client writes is shown to others, whose terminals it must not steer.
func TestAPromptIsOneLineThatSteersNoTerminal(t *testing.T) {
	t.Parallel()
	if got, want := promptOf("A red\n\t\x1b[2Japple\a\u009b31m, 🍎\r\n"), "A red [2Japple 31m, 🍎"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
