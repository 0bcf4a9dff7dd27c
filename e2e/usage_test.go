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
