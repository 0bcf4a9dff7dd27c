package e2e

import (
	"strings"
	"testing"
)

// What a hand slips on costs nothing, ends with the right code, and is told in words
// that lead on.
func TestSlipsAreToldInWordsThatLeadOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"generate", 2, `there is no prompt; write plantain generate "what to make"`},
		{"generate apple", 1, "no API key: set GEMINI_API_KEY"},
		{"generate apple --sise 4K", 2, `did you mean "--size"? (plantain generate --help tells more)`},
		{"generate -i none.jpg apple", 2, "--image: none.jpg does not exist"},
		{"generate apple --size 1024x1024", 2, "write 1K\n"},
		{"generate apple --server 127.0.0.1:1", 1, "no answer from a gateway at http://127.0.0.1:1"},
		{"genrate apple", 2, `did you mean "generate"? (plantain --help shows the commands)`},
		{"help generate", 0, ""},
		{"--version", 0, ""},
		{"keys", 2, "(plantain keys --help tells more)"},
		{"keys create ann --expires soon", 2, "write it like 12h, 30d or 1d12h\n"},
		{"spend --last 7x", 2, `--last: "7x" is no span of time`},
		{"images get last", 1, "there is no store yet"},
		{"lint -f none.txt", 2, "plantain: none.txt does not exist\n"},
		{"--config none.yaml serve", 1, "plantain: none.yaml does not exist\n"},
	} {
		_, stderr, code := run(t, dir, nil, strings.Fields(c.line)...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit %d: %s", c.line, code, stderr)
		}
	}
}
