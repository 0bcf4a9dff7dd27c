package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genai"
)

// An explained is what `plantain explain -o json` prints.
type explained struct {
	ID          string
	Class       string
	Retry       string
	Wait        *float64 `json:"wait_seconds"`
	Limit       *string
	Charged     any
	Explanation string
	Fix         string
	Hour        string
}

// explain runs the command on a text, without any configuration.
func explain(t *testing.T, text string, args ...string) explained {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"explain", "-", "-o", "json"}, args...)...)
	dir := t.TempDir()
	cmd.Dir, cmd.Env = dir, environment(dir, nil)
	cmd.Stdin = strings.NewReader(text)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("plantain explain: %v\n%s%s", err, out, errs.String())
	}
	var e explained
	if err := json.Unmarshal(out, &e); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return e
}

// refusals are faults of the simulator that an SDK gives as an error.
var refusals = map[string]string{
	"key_invalid": "key_invalid", "key_leaked": "key_invalid", "permission": "permission", "service_disabled": "permission",
	"region": "region", "quota_unknown": "quota_unknown", "rate_minute": "rate_minute", "rate_day": "rate_day",
	"rate_day_short": "rate_day", "quota_zero": "quota_zero", "spending_cap": "billing", "spend_limit": "billing",
	"prepaid": "billing", "capacity": "capacity", "deadline_503": "capacity", "server_error": "server_error",
	"timeout_504": "timeout", "cancelled_499": "timeout", "html_502": "server_error", "vertex_429": "capacity",
	"bad_request": "bad_request", "model_not_found": "model_not_found", "thought_signature": "thought_signature",
}

// The error text of Google's SDKs, as they print it, is explained like the answer
// behind it; also where the answer came through the gateway, whose own words are
// in it then.
func TestExplainUnderstandsTheErrorsOfTheSDKs(t *testing.T) {
	t.Parallel()
	for fault, class := range refusals {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			sim.fault(always(fault))
			gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "retry: {attempts: 1, base: 10ms, cap: 10ms}", "queue: {max_wait: 100ms}")
			for name, text := range map[string]string{
				"Go":                             goError(t, sim.URL, "sim-1-a"),
				"Go through the gateway":         goError(t, gw.URL, "anything"),
				"JavaScript":                     jsError(t, sim.URL, "sim-1-a"),
				"JavaScript through the gateway": jsError(t, gw.URL, "anything"),
			} {
				e := explain(t, text)
				if e.Class != class || e.Charged != false || e.Explanation == "" || e.Fix == "" {
					t.Errorf("%s: %s, charged %v, want %s, not charged\n%s", name, e.Class, e.Charged, class, text)
				}
			}
		})
	}
}

func goError(t *testing.T, url, key string) string {
	t.Helper()
	c, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: key, Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: url},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Models.GenerateContent(t.Context(), "gemini-3.1-flash-image", genai.Text("A red apple"), nil)
	if err == nil {
		t.Fatal("no error")
	}
	return "2026/11/24 10:00:00 generate: " + err.Error()
}

// jsError is what node prints of an error that nobody catches.
func jsError(t *testing.T, url, key string) string {
	t.Helper()
	cmd := exec.Command("node", "--input-type=module", "-e", `import { GoogleGenAI } from "@google/genai";
await new GoogleGenAI({ apiKey: process.env.KEY }).models.generateContent({ model: "gemini-3.1-flash-image", contents: "A red apple" });`)
	cmd.Dir = "js"
	cmd.Env = slices.Concat(os.Environ(), trusting, []string{"GOOGLE_GEMINI_BASE_URL=" + url, "KEY=" + key})
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err == nil {
		t.Fatal("no error")
	}
	return errs.String()
}

// From the command line: what was kept is explained without a key, a configuration
// or a gateway.
func TestExplainReadsWhatPeopleKeep(t *testing.T) {
	t.Parallel()
	const overload = `{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}`
	for name, c := range map[string]struct {
		text  string
		args  []string
		class string
	}{
		"body":      {overload, nil, "capacity"},
		"status":    {"", []string{"--status", "503"}, "capacity"},
		"curl -i":   {"HTTP/2 503 \ncontent-type: application/json\n\n" + overload, nil, "capacity"},
		"log line":  {"2026-11-24 10:00:00 ERROR gemini: " + overload, nil, "capacity"},
		"page":      {"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", []string{"--status", "404"}, "model_not_found"},
		"two lines": {"Error 503, Message: The model is overloaded., Status: UNAVAILABLE, Details: []\nexit status 1\n", nil, "capacity"},
	} {
		if e := explain(t, c.text, c.args...); e.Class != c.class {
			t.Errorf("%s: %s, want %s", name, e.Class, c.class)
		}
	}
	if e := explain(t, overload, "--at", "2026-11-24T12:10:00Z"); !strings.Contains(e.Hour, "busiest") || !strings.Contains(e.Hour, "midnight Pacific") {
		t.Errorf("the hour: %q", e.Hour)
	}
	dir := t.TempDir()
	for _, args := range [][]string{{"--at", "noon"}, {"--status", "99"}, {"missing.json"}, {"--dir", "missing"}, {"x", "--request", "y"}} {
		if _, errs, code := run(t, dir, nil, append([]string{"explain"}, args...)...); code != 2 || errs == "" {
			t.Errorf("explain %v: exit %d\n%s", args, code, errs)
		}
	}
}

// Cases give one verdict a line, in their order, with their ids.
func TestExplainCasesGivesOneVerdictALine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := `{"id":"b","http_status":429,"content_type":"application/json","headers":{},"body":"{\"error\":{\"code\":429,\"message\":\"Resource has been exhausted (e.g. check quota).\",\"status\":\"RESOURCE_EXHAUSTED\"}}"}

{"id":"a","http_status":200,"body":"{\"candidates\":[{\"finishReason\":\"NO_IMAGE\"}]}"}
`
	if err := os.WriteFile(filepath.Join(dir, "cases.jsonl"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := run(t, dir, nil, "explain", "--cases", "cases.jsonl", "-o", "json")
	if code != 0 {
		t.Fatal(errs)
	}
	var got []string
	for line := range strings.Lines(out) {
		var e explained
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		got = append(got, fmt.Sprint(e.ID, " ", e.Class, " ", e.Charged))
	}
	if s := strings.Join(got, ", "); s != "b quota_unknown false, a no_image unknown" {
		t.Error(s)
	}
}

// A request of our own ledger is explained, through the gateway and beside it.
func TestExplainARequestOfTheLedger(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	sim.fault(map[string]any{"fault": "capacity", "next": 1})
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "retry: {base: 10ms, cap: 10ms}")
	id := gw.generate("gemini-3.1-flash-image", `{"contents":[{"parts":[{"text":"A red apple"}]}]}`).Header.Get("Plantain-Request-Id")
	want := "capacity false\nsuccess true\n"
	verdicts := func(out string) (s string) {
		for line := range strings.Lines(out) {
			var e explained
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Explanation == "" || e.Fix == "" {
				t.Fatalf("%v: %s", err, line)
			}
			s += fmt.Sprintf("%s %v\n", e.Class, e.Charged)
		}
		return s
	}
	out, errs, code := run(t, gw.dir, nil, "explain", "--request", id, "-o", "json")
	if got := verdicts(out); code != 0 || got != want {
		t.Errorf("through the gateway: exit %d, %s%s", code, got, errs)
	}
	var said struct{ Verdicts []explained }
	if err := json.Unmarshal(gw.ask(http.MethodPost, "/api/v1/explain?request="+id, "").body, &said); err != nil || len(said.Verdicts) != 2 || said.Verdicts[0].Class != "capacity" {
		t.Errorf("by the API: %v, %+v", err, said)
	}
	gw.interrupt()
	out, errs, code = run(t, gw.dir, nil, "explain", "--request", id, "-o", "json")
	if got := verdicts(out); code != 0 || got != want {
		t.Errorf("from the store: exit %d, %s%s", code, got, errs)
	}
	if _, errs, code := run(t, gw.dir, nil, "explain", "--request", "r-none"); code != 1 || !strings.Contains(errs, "no request has the id") {
		t.Errorf("an id that is none: exit %d, %s", code, errs)
	}
}

// "last" is the newest request of whoever asks: of a client its own, of an admin and
// on this machine any.
func TestExplainTheLastRequest(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	if _, errs, code := run(t, gw.dir, nil, "explain", "--request", "last"); code != 1 || !strings.Contains(errs, "no request is in the ledger yet") {
		t.Errorf("before the first: exit %d, %s", code, errs)
	}
	alice, bob, carol := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "bob"), gw.plantain("keys", "create", "carol")
	boss := gw.plantain("keys", "create", "boss", "--admin")
	gw.generate(flash, prompt, "x-goog-api-key", alice)
	hers := gw.generate(flash, prompt, "x-goog-api-key", alice).Header.Get("Plantain-Request-Id")
	his := gw.generate(flash, prompt, "x-goog-api-key", bob).Header.Get("Plantain-Request-Id")
	last := func(key string) (id string) {
		var got struct{ ID string }
		if err := json.Unmarshal(gw.ask(http.MethodGet, "/api/v1/requests/last", "", "x-goog-api-key", key).body, &got); err != nil {
			t.Fatal(err)
		}
		return got.ID
	}
	for key, want := range map[string]string{alice: hers, bob: his, boss: his, carol: ""} {
		if got := last(key); got != want {
			t.Errorf("the last is %q, want %q", got, want)
		}
	}
	for _, how := range []string{"running", "stopped"} {
		if how == "stopped" {
			gw.interrupt()
		}
		want := gw.plantain("explain", "--request", his)
		if got := gw.plantain("explain", "--request", "last"); got != want || !strings.Contains(got, "success") {
			t.Errorf("%s: %s, want %s", how, got, want)
		}
	}
}

// The API explains what it is sent.
func TestExplainByTheAPI(t *testing.T) {
	t.Parallel()
	gw := startGateway(t, "http://127.0.0.1:1", []string{"sim-1-a"}, "billing: {filtered: free}")
	post := func(query, body string) (int, []explained) {
		a := gw.ask(http.MethodPost, "/api/v1/explain"+query, body, "Content-Type", "text/plain")
		var said struct{ Verdicts []explained }
		_ = json.Unmarshal(a.body, &said)
		return a.StatusCode, said.Verdicts
	}
	status, got := post("?at=2026-11-24T12:00:00Z", "google.genai.errors.ServerError: 503 UNAVAILABLE. {'error': {'code': 503, 'message': 'The model is overloaded.', 'status': 'UNAVAILABLE'}}")
	if status != 200 || len(got) != 1 || got[0].Class != "capacity" || !strings.Contains(got[0].Hour, "busiest") {
		t.Errorf("%d %+v", status, got)
	}
	if status, got := post("?status=504", ""); status != 200 || len(got) != 1 || got[0].Class != "timeout" {
		t.Errorf("a status alone: %d %+v", status, got)
	}
	// The setting of this gateway decides where Google says nothing.
	if _, got := post("", `{"candidates":[{"finishReason":"IMAGE_SAFETY"}]}`); len(got) != 1 || got[0].Charged != false {
		t.Errorf("filtered: %+v", got)
	}
	for _, query := range []string{"", "?status=7", "?at=noon"} {
		if status, _ := post(query, ""); status != 400 {
			t.Errorf("%q: %d", query, status)
		}
	}
	if status, _ := post("?request=r-none", ""); status != 404 {
		t.Errorf("a request that is none: %d", status)
	}
}

// A body that was saved as it came is judged whatever its file is called, and so is
// one that is a line of a log.
func TestExplainFindsBareBodiesAmongLogs(t *testing.T) {
	t.Parallel()
	const line = `{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}`
	const lines = "{\n  \"error\": {\n    \"code\": 500,\n    \"message\": \"An internal error has occurred.\",\n    \"status\": \"INTERNAL\"\n  }\n}\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"body.json": {line, 1}, "body.txt": {line, 1}, "body": {line + "\n", 1}, "pretty.log": {lines, 1}, "list.txt": {"[" + lines + "]\n", 1},
		"three.log": {line + "\n" + line + "\n2026-11-24 09:00:00 INFO all well\n" + line + "\n", 3},
		"other.log": {`{"level":"error","error":{"code":503,"message":"the printer is out of paper"}}` + "\n" + `{"level":"info","message":"all well"}` + "\n", 0},
		"other.txt": {`{"error":{"code":503,"message":"the printer is out of paper"}}`, 0}, "names.txt": {`{"name":"a configuration"}`, 0},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := run(t, dir, nil, "explain", "--dir", ".", "-o", "json")
		var sum struct{ Exchanges, Lost int }
		if err := json.Unmarshal([]byte(out), &sum); err != nil || code != 0 {
			t.Fatalf("%s: %v: %s%s", name, err, out, errs)
		}
		if sum.Exchanges != c.want || sum.Lost != c.want {
			t.Errorf("%s: %+v, want %d", name, sum, c.want)
		}
	}
}

// A folder of logs is summed up: what was lost, and what it cost.
func TestExplainSumsUpLogs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := `2026-11-24 09:00:00 ERROR google.genai.errors.ClientError: 429 RESOURCE_EXHAUSTED. {'error': {'code': 429, 'message': 'Resource has been exhausted (e.g. check quota).', 'status': 'RESOURCE_EXHAUSTED'}}
2026-11-24 09:01:00 WARNING no image: {"candidates":[{"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":9,"thoughtsTokenCount":3000},"modelVersion":"gemini-3-pro-image"}
2026-11-24 09:02:00 INFO all well
`
	if err := os.MkdirAll(filepath.Join(dir, "logs", "old"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"logs/app.log", "logs/old/app.log.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "logs", "core"), []byte("\x00\x01gemini 429"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := run(t, dir, nil, "explain", "--dir", "logs", "-o", "json")
	var sum struct {
		Files, Exchanges, Lost int
		Vain                   struct{ Low, High int64 } `json:"paid_in_vain"`
		Rows                   []struct {
			Class string
			Count int
		}
	}
	if err := json.Unmarshal([]byte(out), &sum); err != nil || code != 0 {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	if sum.Files != 2 || sum.Exchanges != 4 || sum.Lost != 4 || len(sum.Rows) != 2 || sum.Rows[0].Class != "truncated" || sum.Rows[0].Count != 2 {
		t.Errorf("%+v", sum)
	}
	out, _, _ = run(t, dir, nil, "explain", "--dir", "logs")
	if !strings.Contains(out, "4 answers in 2 files") || !strings.Contains(out, "paid for in vain: $0.072036") {
		t.Error(out)
	}
}
