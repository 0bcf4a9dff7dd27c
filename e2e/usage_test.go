package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestErrorsAreJSONWhereJSONIsAskedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"-o", "json", "nosuch"}, 2},
		{[]string{"models", "--bogus", "-o", "json"}, 2},
		{[]string{"models", "--bogus", "--output=json"}, 2},
		{[]string{"generate", "-ojson"}, 2},
		{[]string{"generate", "x", "--size", "2k", "-o", "json", "--server", "http://127.0.0.1:1"}, 2},
		{[]string{"generate", "x", "-o", "json"}, 1}, // there is no key
		{[]string{"keys", "-o", "json"}, 2},
	} {
		stdout, stderr, code := run(t, dir, nil, c.args...)
		var said struct{ Error string }
		if err := json.Unmarshal([]byte(stdout), &said); err != nil || said.Error == "" || stderr != "" || code != c.code {
			t.Errorf("%q: exit %d, %v\nstdout: %s\nstderr: %s", c.args, code, err, stdout, stderr)
		}
	}
	if stdout, stderr, code := run(t, dir, nil, "models", "--bogus"); stdout != "" || stderr == "" || code != 2 {
		t.Errorf("in text: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// What asks nobody but the store needs no key of Google's, and makes no store to say
// that there is nothing in it.
func TestTheBooksOpenWithoutAKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	looks := [][]string{{"spend"}, {"images"}, {"keys", "list"}, {"keys", "revoke", "alice"}, {"explain", "--request", "r-1"}}
	for _, args := range looks {
		if _, stderr, code := run(t, dir, nil, args...); code != 1 || !strings.Contains(stderr, "there is no store yet (plantain.db)") {
			t.Errorf("before there is a store, %q: exit %d, %s", args, code, stderr)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("looking left %v, %v", left, err)
	}
	if _, stderr, code := run(t, dir, nil, "keys", "create", "alice"); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, args := range looks[:4] {
		if _, stderr, code := run(t, dir, nil, args...); code != 0 {
			t.Errorf("%q: exit %d, %s", args, code, stderr)
		}
	}
}

// The terminal that serves has the keys that the file names; any other has none, and
// its commands find the gateway all the same.
func TestAnotherTerminalNeedsNoKeys(t *testing.T) {
	t.Parallel()
	dir, sim := t.TempDir(), startSim(t)
	writeConfig(t, dir, sim.URL, []string{"${A_KEY}"}, `spend_alerts: {webhook: "${HOOK}", day_usd: [5]}`)
	gw := start(t, dir, []string{"A_KEY=sim-1-a", "HOOK=http://127.0.0.1:1/"}, "serve", "--listen", "127.0.0.1:0")
	gw.plantain("generate", "A red apple on a white background", "--size", "512")
	for _, command := range []string{"projects", "spend", "images", "thread show last", "keys list", "generate --dry-run apple"} {
		gw.plantain(strings.Fields(command)...)
	}
	if out, _, _ := run(t, dir, nil, "doctor"); !strings.Contains(out, "the gateway has them") || strings.Contains(out, "fault ") {
		t.Errorf("doctor says %s", out)
	}
	gw.interrupt()
	gw.plantain("spend")
	if _, stderr, code := run(t, dir, nil, "generate", "apple"); code != 1 || !strings.Contains(stderr, "the environment variable A_KEY is not set") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
