package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/genai"
)

// plantain runs a command beside a gateway and gives what it printed.
func (p *process) plantain(args ...string) string {
	p.t.Helper()
	stdout, stderr, code := run(p.t, p.dir, nil, args...)
	if code != 0 {
		p.t.Fatalf("plantain %s: exit %d: %s", strings.Join(args, " "), code, stderr)
	}
	return strings.TrimSpace(stdout)
}

func TestKeysLiveAsLongAsTheyShould(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	status := func(key string) int {
		return gw.generate("gemini-3.1-flash-image", prompt, "x-goog-api-key", key).StatusCode
	}
	if status("anything") != 200 {
		t.Fatal("without keys it is not open")
	}
	alice := gw.plantain("keys", "create", "alice", "--expires", "1d")
	if status(alice) != 200 || status("anything") != 400 || status("") != 403 {
		t.Error("from the first key on, only a key should open the door")
	}
	next := gw.plantain("keys", "rotate", "alice")
	if status(alice) != 400 || status(next) != 200 {
		t.Error("the rotated key lives, or the new one does not")
	}
	third := gw.plantain("keys", "rotate", "alice", "--grace", "1h")
	if status(next) != 200 || status(third) != 200 {
		t.Error("in the grace of a rotation both should live")
	}
	gw.plantain("keys", "revoke", "alice")
	if status(next) != 400 || status(third) != 400 || status("") != 403 {
		t.Error("a revoked key lives, or the door stands open again")
	}
	var list struct {
		Keys []struct{ Name, State, Key string }
	}
	if err := json.Unmarshal([]byte(gw.plantain("keys", "list", "-o", "json")), &list); err != nil || len(list.Keys) != 3 {
		t.Fatalf("%v: %+v", err, list)
	}
	for _, k := range list.Keys {
		if k.State != "revoked" || k.Key != "" {
			t.Errorf("listed as %+v", k)
		}
	}
	if n := len(sim.arrivals(":generateContent")); n != 5 {
		t.Errorf("%d calls reached Google, want 5", n)
	}
}

func TestAKeyIsTakenFromWhereverSDKsPutIt(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	alice := gw.plantain("keys", "create", "alice")
	for name, c := range map[string]struct {
		query  string
		header []string
	}{
		"Google's header": {"", []string{"x-goog-api-key", alice}},
		"the address":     {"?key=" + alice, nil},
		"a bearer token":  {"", []string{"Authorization", "Bearer " + alice}},
	} {
		if a := gw.ask(http.MethodPost, "/v1beta/models/gemini-3.1-flash-image:generateContent"+c.query, prompt, c.header...); a.StatusCode != 200 {
			t.Errorf("%s got %d", name, a.StatusCode)
		}
	}
	var list struct {
		Keys []struct {
			Used time.Time `json:"last_used"`
		}
	}
	if err := json.Unmarshal([]byte(gw.plantain("keys", "list", "-o", "json")), &list); err != nil || len(list.Keys) != 1 || list.Keys[0].Used.IsZero() {
		t.Errorf("%v: %+v", err, list)
	}
}

func TestABadKeyIsToldInGooglesWordsAndOurs(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	gw.plantain("keys", "create", "alice")
	for key, want := range map[string]struct {
		status int
		says   string
	}{
		"":      {403, "Method doesn't allow unregistered callers"},
		"wrong": {400, "API key not valid"},
	} {
		a := gw.generate("gemini-3.1-flash-image", prompt, "x-goog-api-key", key)
		if a.StatusCode != want.status || !bytes.Contains(a.body, []byte(want.says)) {
			t.Errorf("key %q got %d: %s", key, a.StatusCode, a.body)
		}
		if d := a.detail(t); !strings.Contains(d["explanation"], "Plantain turned this away, not Google") || !strings.Contains(d["next"], "plantain keys create") {
			t.Errorf("key %q is told %v", key, d)
		}
		if why := explain(t, string(a.body)); why.Retry != "after-fix" || !strings.Contains(why.Fix, "plantain keys create") {
			t.Errorf("key %q is explained as %+v", key, why)
		}
	}
	if n := len(sim.arrivals(":generateContent")); n != 0 {
		t.Errorf("%d calls reached Google", n)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := gw.ask(http.MethodGet, path, ""); a.StatusCode != 200 {
			t.Errorf("%s got %d", path, a.StatusCode)
		}
	}
}

// Keys can be made before the gateway runs, and must be before it listens elsewhere.
func TestWithAKeyItListensElsewhere(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	stdout, stderr, code := run(t, dir, nil, "keys", "create", "alice")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	gw := start(t, dir, nil, "serve", "--listen", "0.0.0.0:0")
	r, err := http.NewRequest(http.MethodGet, gw.URL+"/v1beta/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "images.example"
	r.Header.Set("x-goog-api-key", strings.TrimSpace(stdout))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("under another name it answers %d", res.StatusCode)
	}
	if list := gw.plantain("keys", "list"); !strings.Contains(list, "alice") {
		t.Errorf("the commands do not find it: %s", list)
	}
}

func TestTheOwnersRoutesAreForAdmins(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	alice, boss := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "boss", "--admin")
	for _, path := range []string{"/api/v1/projects", "/api/v1/requests", "/api/v1/keys", "/metrics"} {
		for key, want := range map[string]int{"": 403, "wrong": 400, alice: 403, boss: 200} {
			if a := gw.ask(http.MethodGet, path, "", "Authorization", "Bearer "+key); a.StatusCode != want {
				t.Errorf("%s got %d, want %d", path, a.StatusCode, want)
			}
		}
	}
	next := gw.plantain("keys", "rotate", "boss", "-o", "json")
	if !strings.Contains(next, `"admin": true`) {
		t.Errorf("the rotated key of an admin is %s", next)
	}
}

func TestGoSDKWithAVirtualKey(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	key := gw.plantain("keys", "create", "bob")
	for _, c := range []struct {
		key string
		ok  bool
	}{{key, true}, {"wrong", false}} {
		client, err := genai.NewClient(t.Context(), &genai.ClientConfig{APIKey: c.key, Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: gw.URL}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Models.GenerateContent(t.Context(), "gemini-3.1-flash-image", genai.Text("A red apple"), nil)
		if (err == nil) != c.ok {
			t.Errorf("got %v", err)
		}
	}
}

func TestOneClientCannotSeeAnothersRequest(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	alice, bob, boss := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "bob"), gw.plantain("keys", "create", "boss", "--admin")
	id := gw.generate("gemini-3.1-flash-image", prompt, "x-goog-api-key", alice).Header.Get("Plantain-Request-Id")
	for key, want := range map[string]int{alice: 200, bob: 404, boss: 200} {
		if a := gw.ask(http.MethodGet, "/api/v1/requests/"+id, "", "Authorization", "Bearer "+key); a.StatusCode != want {
			t.Errorf("got %d, want %d", a.StatusCode, want)
		}
	}
}

func TestNoVirtualKeyIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0", "--log-level", "debug")
	key := gw.plantain("keys", "create", "alice", "--admin")
	var seen bytes.Buffer
	for i, f := range []string{"", "capacity", "safety_image", "drop", "bad_request"} {
		if f != "" {
			sim.fault(next(f, 1))
		}
		header := [][2]string{{"x-goog-api-key", key}, {"Authorization", "Bearer " + key}}[i%2]
		a := gw.generate("gemini-3.1-flash-image", prompt, header[0], header[1])
		_ = a.Header.Write(&seen)
		seen.Write(a.body)
	}
	for _, path := range []string{"/api/v1/projects", "/api/v1/requests", "/api/v1/keys", "/metrics", "/v1beta/models", "/v1beta/nothing"} {
		a := gw.ask(http.MethodGet, path+"?key="+key, "")
		_ = a.Header.Write(&seen)
		seen.Write(a.body)
	}
	gw.interrupt()
	seen.WriteString(gw.output())
	var arrived []any
	sim.get("/sim/requests", &arrived)
	text, err := json.Marshal(arrived)
	if err != nil {
		t.Fatal(err)
	}
	seen.Write(text)
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		seen.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(seen.Bytes(), []byte(key[8:])); i >= 0 {
		t.Errorf("the key is in: …%s…", seen.Bytes()[max(0, i-200):min(seen.Len(), i+60)])
	}
}

func TestTheOperatorsKeyStandsInTheLockFileOnly(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0", "--log-level", "debug")
	lock := filepath.Join(dir, "plantain.db.lock")
	text, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	var holder struct{ Operator string }
	if err := json.Unmarshal(text, &holder); err != nil || len(holder.Operator) < 32 {
		t.Fatalf("%v: no key in the lock file", err)
	}
	if at, err := os.Stat(lock); err != nil || at.Mode().Perm() != 0o600 {
		t.Errorf("%v: others may read the lock file: %s", err, at.Mode())
	}
	var seen bytes.Buffer
	gw.plantain("keys", "create", "alice")
	seen.WriteString(gw.plantain("keys", "list") + gw.plantain("projects") + gw.metrics(holder.Operator))
	_, stderr, code := run(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	if code != 1 {
		t.Error("two gateways have one store")
	}
	seen.WriteString(stderr)
	gw.interrupt()
	seen.WriteString(gw.output())
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		seen.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(seen.Bytes(), []byte(holder.Operator)) {
		t.Error("the operator's key is in an output, a log or a file that stays")
	}
}
