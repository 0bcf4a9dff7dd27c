package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func call(t *testing.T, s *Server, method, url, body string, header map[string]string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://google.test"+url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := s.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := reply{status: resp.StatusCode, header: resp.Header}
	if got.body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	json.Unmarshal(got.body, &got)
	return got
}

func TestVertexFormOfTheSame(t *testing.T) {
	t.Parallel()
	const global = "/v1beta1/projects/my-proj/locations/global/publishers/google/models/"
	s := New(Options{Limits: map[string]Limits{"vertex": {RPM: 3}}})
	token := map[string]string{"Authorization": "Bearer sim-1-a"}
	r := call(t, s, "POST", global+nb2+":generateContent", prompt("a fox"), token)
	u := r.UsageMetadata
	if r.status != 200 || r.picture() == nil || !strings.Contains(string(r.body), `"createTime"`) ||
		!strings.Contains(string(r.body), `"trafficType": "ON_DEMAND"`) || strings.Contains(string(r.body), `"index"`) ||
		u.CandidatesTokenCount != u.CandidatesTokensDetails[0].TokenCount {
		t.Errorf("%d %+v", r.status, u)
	}
	if !bytes.HasPrefix(r.body, []byte("{\n  \"candidates\": [\n    {\n      \"content\": {\n        \"role\": \"model\"")) {
		t.Errorf("role comes first: %.120s", r.body)
	}
	png := `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"512","imageOutputOptions":{"mimeType":"image/png"}}}}`
	if r := call(t, s, "POST", global+nb2+":generateContent", png, token); !bytes.HasPrefix(r.picture(), []byte("\x89PNG")) {
		t.Errorf("asked for PNG: %.300s", r.body)
	}
	// Vertex does not insist on signatures.
	if r := call(t, s, "POST", "/v1/publishers/google/models/"+nb2+":generateContent", turnBack(t, []replyPart{{InlineData: r.parts()[0].InlineData}}, "again"),
		map[string]string{"X-Goog-Api-Key": "sim-1-a"}); r.status != 200 {
		t.Errorf("express mode: %.300s", r.body)
	}
	wantError(t, call(t, s, "POST", global+nb2+":generateContent", prompt("x"), token), 429, "Resource exhausted. Please try again later.")
	wantError(t, call(t, s, "POST", global+nb2+":generateContent", prompt("x"), map[string]string{"X-Goog-Api-Key": "sim-1-a"}), 401, "API keys are not supported by this API.")
	wantError(t, call(t, s, "POST", global+nb2+":generateContent", prompt("x"), map[string]string{"Authorization": "Bearer nonsense"}), 401, "invalid authentication credentials")
	wantError(t, call(t, s, "POST", strings.Replace(global, "global", "us-central1", 1)+nb2+":generateContent", prompt("x"), token), 404, "Publisher Model `projects/my-proj/locations/us-central1/")
	s.Inject(Fault{Name: "permission", Next: 1})
	wantError(t, call(t, s, "POST", global+nb2+":generateContent", prompt("x"), token), 403,
		"Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/projects/my-proj/locations/global/publishers/google/models/"+nb2+"'")
	if r := call(t, s, "GET", "/v1beta1/publishers/google/models", "", token); !strings.Contains(string(r.body), "publishers/google/models/"+pro) {
		t.Errorf("%s", r.body)
	}
	var grant struct {
		Token string `json:"access_token"`
	}
	json.Unmarshal(call(t, s, "POST", "/token", "", nil).body, &grant)
	other := strings.Replace(global, "my-proj", "sim-2-b", 1)
	if r := call(t, s, "POST", other+pro+":generateContent", prompt("x"), map[string]string{"Authorization": "Bearer " + grant.Token}); r.status != 200 {
		t.Errorf("with a token: %.300s", r.body)
	}
	if last := s.Requests(); last[len(last)-1].Project != "b" {
		t.Errorf("project %q", last[len(last)-1].Project)
	}
}

func TestFileIsUploadedUsedAndGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		key := map[string]string{"X-Goog-Api-Key": "sim-1-a"}
		with := func(more ...string) map[string]string {
			h := map[string]string{"X-Goog-Api-Key": "sim-1-a"}
			for i := 0; i < len(more); i += 2 {
				h[more[i]] = more[i+1]
			}
			return h
		}
		data := string(recipe{model: findModel(nb2), size: "512", ratio: "16:9", w: 688, h: 384, prompt: "x"}.make().data)
		r := call(t, s, "POST", "/upload/v1beta/files", `{"file":{"displayName":"base"}}`, with("X-Goog-Upload-Protocol", "resumable",
			"X-Goog-Upload-Command", "start", "X-Goog-Upload-Header-Content-Type", "image/jpeg"))
		to, ok := strings.CutPrefix(r.header.Get("X-Goog-Upload-Url"), "http://google.test")
		if r.status != 200 || !ok || r.header.Get("X-Goog-Upload-Status") != "active" {
			t.Fatalf("%d %v", r.status, r.header)
		}
		r = call(t, s, "POST", to, data[:1000], with("X-Goog-Upload-Offset", "0", "X-Goog-Upload-Command", "upload"))
		if r.header.Get("X-Goog-Upload-Status") != "active" {
			t.Fatalf("%d %v", r.status, r.header)
		}
		r = call(t, s, "POST", to, data[1000:], with("X-Goog-Upload-Offset", "1000", "X-Goog-Upload-Command", "upload, finalize"))
		var made struct{ File file }
		json.Unmarshal(r.body, &made)
		f := made.File
		if r.header.Get("X-Goog-Upload-Status") != "final" || f.State != "ACTIVE" || f.Display != "base" || f.MIME != "image/jpeg" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		body := `{"contents":[{"parts":[{"fileData":{"mimeType":"image/jpeg","fileUri":"` + f.URI + `"}},{"text":"make it blue"}]}]}`
		if r := generate(t, s, "sim-1-a", nb2, body); r.status != 200 || s.Requests()[len(s.Requests())-1].Ratio != "16:9" {
			t.Errorf("%.300s", r.body)
		}
		wantError(t, generate(t, s, "sim-1-b", nb2, body), 403, "You do not have permission to access the File")
		for _, path := range []string{"/download/v1beta/", "/v1beta/"} {
			if r := call(t, s, "GET", path+f.Name+":download?alt=media", "", key); string(r.body) != data {
				t.Errorf("%s: %d, %d bytes", path, r.status, len(r.body))
			}
		}
		time.Sleep(48 * time.Hour)
		wantError(t, call(t, s, "GET", "/v1beta/"+f.Name, "", key), 403, "it may not exist")
	})
}

func TestPictureByURIComesBackAsAFile(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	r := generate(t, s, "sim-1-a", nb2, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"responseFormat":{"image":{"delivery":"URI"}}}}`)
	var got struct {
		Candidates []struct {
			Content struct {
				Parts []json.RawMessage
			}
		}
	}
	json.Unmarshal(r.body, &got)
	parts, _ := json.Marshal(got.Candidates[0].Content.Parts)
	if !bytes.Contains(parts, []byte("fileUri")) {
		t.Fatalf("%.300s", r.body)
	}
	next := `{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":` + string(parts) + `},{"role":"user","parts":[{"text":"blue"}]}]}`
	if r := generate(t, s, "sim-1-a", nb2, next); r.status != 200 {
		t.Errorf("next turn: %.300s", r.body)
	}
}

func TestStatusPageSaysWhatItIsTold(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	open := func() int {
		var list []incident
		if err := json.Unmarshal(send(t, s, "", "/incidents.json", "").body, &list); err != nil || len(list) == 0 {
			t.Fatal(err)
		}
		n := 0
		for _, i := range list {
			if i.End.IsZero() {
				n++
			}
		}
		return n
	}
	for state, want := range map[string]int{"red": 1, "green": 0} {
		send(t, s, "", "/sim/status", `{"status":"`+state+`"}`)
		if got := open(); got != want {
			t.Errorf("%s: %d open incidents", state, got)
		}
	}
	send(t, s, "", "/sim/status", `{"status":"unreachable"}`)
	if _, err := try(t.Context(), s, "", "/incidents.json", ""); err == nil {
		t.Error("unreachable answers")
	}
	if r := send(t, s, "", "/sim/status", `{"status":"mauve"}`); r.status != 400 {
		t.Errorf("%d", r.status)
	}
}

func TestEveryScenarioLoads(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("scenarios/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := LoadScenario(f)
		f.Close()
		if err != nil || len(list) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{`[{"fault":"nonsense"}]`, `[{"fault":"capacity","when":"1s"}]`, `[{"fault":"capacity","at":"soon"}]`, `[`} {
		if _, err := LoadScenario(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: loaded", bad)
		}
	}
}

func TestScenarioBeginsAnewAfterReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list, err := LoadScenario(strings.NewReader(`[{"fault":"capacity","at":"1m","next":1}]`))
		if err != nil {
			t.Fatal(err)
		}
		s := New(Options{Scenario: list})
		for range 2 {
			for _, want := range []int{200, 503, 200} {
				if r := generate(t, s, "sim-1-a", nb2, prompt("x")); r.status != want {
					t.Errorf("%d, want %d", r.status, want)
				}
				time.Sleep(time.Minute)
			}
			send(t, s, "", "/sim/reset", "{}")
			if got := s.Requests(); len(got) != 0 {
				t.Errorf("remembers %v", got)
			}
		}
	})
}
