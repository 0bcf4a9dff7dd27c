package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPictureComesBackAsGoogleSendsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model, mime string
		signed      bool
	}{{nb2, "image/jpeg", true}, {pro, "image/jpeg", true}, {original, "image/png", false}, {"nano-banana-pro-preview", "image/jpeg", true}} {
		s := New(Options{})
		r := generate(t, s, "sim-1-a", c.model, prompt("a red kite"))
		if r.status != 200 || r.Candidates[0].FinishReason != "STOP" {
			t.Fatalf("%s: %d %s", c.model, r.status, r.body[:min(300, len(r.body))])
		}
		if !bytes.HasPrefix(r.body, []byte("{\n  \"candidates\": [\n    {\n      \"content\": {\n        \"parts\": [\n")) {
			t.Errorf("%s: begins %q", c.model, r.body[:100])
		}
		for _, p := range r.parts() {
			if (p.ThoughtSignature != "") != c.signed {
				t.Errorf("%s: signature of %d characters", c.model, len(p.ThoughtSignature))
			}
			if d := p.InlineData; d != nil && d.MimeType != c.mime {
				t.Errorf("%s: %s", c.model, d.MimeType)
			}
		}
		cfg, _, err := image.DecodeConfig(bytes.NewReader(r.picture()))
		if err != nil || cfg.Width != 1024 || cfg.Height != 1024 {
			t.Errorf("%s: %v %v", c.model, cfg, err)
		}
		u := r.UsageMetadata
		if u.TotalTokenCount != u.PromptTokenCount+u.CandidatesTokenCount+u.ThoughtsTokenCount ||
			u.CandidatesTokenCount <= u.CandidatesTokensDetails[0].TokenCount || u.ServiceTier != "standard" {
			t.Errorf("%s: usage %+v", c.model, u)
		}
		if r.ModelVersion != findModel(c.model).id || r.ResponseID == "" || r.header.Get("X-Gemini-Service-Tier") != "standard" {
			t.Errorf("%s: served %s %s %v", c.model, r.ModelVersion, r.ResponseID, r.header)
		}
	}
}

func TestRequestIsReadAsProtobufJSON(t *testing.T) {
	t.Parallel()
	png := base64.URLEncoding.EncodeToString(recipe{model: findModel(original), size: "1K", ratio: "16:9", w: 1344, h: 768, prompt: "x"}.make().data)
	for _, c := range []struct{ name, body, size, ratio string }{
		{"camel", `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"aspectRatio":"16:9","imageSize":"512"}}}`, "512", "16:9"},
		{"snake", `{"contents":[{"parts":[{"text":"x"}]}],"generation_config":{"image_config":{"aspect_ratio":"4:5","image_size":"1K"}}}`, "1K", "4:5"},
		{"format", `{"contents":{"parts":{"text":"x"}},"generationConfig":{"responseFormat":{"image":{"aspectRatio":"3:2","imageSize":"512"}}}}`, "512", "3:2"},
		{"enums", `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"responseFormat":{"image":{"aspectRatio":"ASPECT_RATIO_TWENTY_ONE_BY_NINE","imageSize":"IMAGE_SIZE_FIVE_TWELVE"}}}}`, "512", "21:9"},
		{"ratio of the input", `{"contents":[{"parts":[{"text":"x"},{"inline_data":{"mime_type":"image/png","data":"` + strings.TrimRight(png, "=") + `"}}]}]}`, "1K", "16:9"},
	} {
		s := New(Options{})
		r := generate(t, s, "sim-1-a", nb2, c.body)
		if r.status != 200 {
			t.Errorf("%s: %d %s", c.name, r.status, r.body)
			continue
		}
		if got := s.Requests()[0]; got.Size != c.size || got.Ratio != c.ratio || got.Images != 1 {
			t.Errorf("%s: %+v", c.name, got)
		}
		w, h := findModel(nb2).pixels(c.size, c.ratio)
		if cfg, _, _ := image.DecodeConfig(bytes.NewReader(r.picture())); cfg.Width != w || cfg.Height != h {
			t.Errorf("%s: %dx%d, want %dx%d", c.name, cfg.Width, cfg.Height, w, h)
		}
	}
}

func TestFaultyRequestsAreRefusedInGooglesWords(t *testing.T) {
	t.Parallel()
	s := New(Options{Limits: map[string]Limits{"1": {RPM: -1, IPM: -1}}})
	for _, c := range []struct {
		key, model, body string
		code             int
		message          string
	}{
		{"sim-1-a", nb2, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"x":1}}`, 400,
			`Invalid JSON payload received. Unknown name "x" at 'generation_config': Cannot find field.`},
		{"sim-1-a", nb2, `{"contents":[{"parts":[{"txt":"x"}]}]}`, 400, `Unknown name "txt" at 'contents[0].parts[0]': Cannot find field.`},
		{"sim-1-a", nb2, `{"contents":[`, 400, "Invalid JSON payload received."},
		{"sim-1-a", nb2, `{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"data:image/png;base64"}}]}]}`, 400,
			`Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for "data:image/png;base64"`},
		{"sim-1-a", nb2, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"2k"}}}`, 400, "Request contains an invalid argument."},
		{"sim-1-a", pro, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"512"}}}`, 400, "Request contains an invalid argument."},
		{"sim-1-a", pro, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"aspectRatio":"8:1"}}}`, 400, "Aspect ratio is not enabled for this model"},
		{"sim-1-a", nb2, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"candidateCount":2}}`, 400, "candidate"},
		{"sim-1-a", "gemini-9", prompt("x"), 404, "models/gemini-9 is not found for API version v1beta, or is not supported for generateContent. " +
			"Call ModelService.ListModels to see the list of available models and their supported methods."},
		{"AIzaSyWrong", nb2, prompt("x"), 400, "API key not valid. Please pass a valid API key."},
		{"sim-9-a", nb2, prompt("x"), 400, "API key not valid. Please pass a valid API key."},
		{"", nb2, prompt("x"), 403, "Method doesn't allow unregistered callers"},
	} {
		wantError(t, generate(t, s, c.key, c.model, c.body), c.code, c.message)
	}
	r := generate(t, s, "nonsense", nb2, prompt("x"))
	if d := r.Error.Details; len(d) != 2 || d[0]["reason"] != "API_KEY_INVALID" || d[1]["locale"] != "en-US" {
		t.Errorf("details %v", d)
	}
	if b := s.Bill(); b.Total != 0 {
		t.Errorf("bill %d for refusals", b.Total)
	}
}

// turnBack is the request of a second turn: the first prompt, the model's parts, a new prompt.
func turnBack(t *testing.T, parts []replyPart, text string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"contents": []any{
		map[string]any{"role": "user", "parts": []any{map[string]any{"text": "a fox"}}},
		map[string]any{"role": "model", "parts": parts},
		map[string]any{"role": "user", "parts": []any{map[string]any{"text": text}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMissingSignatureIsRefusedInGooglesWords(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	first := generate(t, s, "sim-3-a", pro, prompt("a fox")).parts()
	if len(first) != 2 {
		t.Fatalf("%d parts, want text and picture", len(first))
	}
	change := func(f func(p []replyPart)) string {
		parts := append([]replyPart{}, first...)
		f(parts)
		return turnBack(t, parts, "make it blue")
	}
	urlSafe := strings.NewReplacer("+", "-", "/", "_")
	for _, c := range []struct {
		name    string
		body    string
		code    int
		message string
	}{
		{"verbatim", change(func([]replyPart) {}), 200, ""},
		{"snake", strings.ReplaceAll(change(func([]replyPart) {}), "thoughtSignature", "thought_signature"), 200, ""},
		{"url-safe", change(func(p []replyPart) { p[1].ThoughtSignature = urlSafe.Replace(p[1].ThoughtSignature) }), 200, ""},
		{"dummy", change(func(p []replyPart) {
			p[0].ThoughtSignature, p[1].ThoughtSignature = dummySignatures[0], dummySignatures[1]
		}), 200, ""},
		{"picture", change(func(p []replyPart) { p[1].ThoughtSignature = "" }), 400,
			"Image part is missing a thought_signature in content position 2, part position 2. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures#model-behavior for more details."},
		{"text", change(func(p []replyPart) { p[0].ThoughtSignature = "" }), 400, "Text part is missing a thought_signature in content position 2, part position 1."},
		{"swapped", change(func(p []replyPart) { p[1].ThoughtSignature = p[0].ThoughtSignature }), 400, "Corrupted thought signature."},
		{"cut", change(func(p []replyPart) { p[1].ThoughtSignature = p[1].ThoughtSignature[:4000] }), 400, "Corrupted thought signature."},
		{"flipped", change(func(p []replyPart) {
			b := []byte(p[1].ThoughtSignature)
			b[len(b)-1] ^= 1
			p[1].ThoughtSignature = string(b)
		}), 400, "Corrupted thought signature."},
	} {
		r := generate(t, s, "sim-3-a", pro, c.body)
		if c.code == 200 {
			if r.status != 200 {
				t.Errorf("%s: %s", c.name, r.body[:min(300, len(r.body))])
			}
			continue
		}
		wantError(t, r, c.code, c.message)
	}
	wantError(t, generate(t, s, "sim-3-a", pro, strings.Replace(turnBack(t, first, "x"), `"parts":[`, `"parts":[{"thought_signature":"c2ln"},`, 1)), 400,
		"* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data' must have one initialized field\n")
	wantError(t, generate(t, s, "sim-3-a", pro, turnBack(t, []replyPart{{Text: "words of my own"}}, "x")), 400,
		"Text part is missing a thought_signature in content position 2, part position 1.")
	strict := New(Options{Signatures: "real"})
	if r := generate(t, strict, "sim-3-a", pro, change(func([]replyPart) {})); r.status != 200 {
		t.Errorf("real: %.300s", r.body)
	}
	wantError(t, generate(t, strict, "sim-3-a", pro, change(func(p []replyPart) { p[1].ThoughtSignature = dummySignatures[1] })), 400, "Corrupted thought signature.")
	off := New(Options{Signatures: "off"})
	if r := generate(t, off, "sim-1-a", pro, change(func(p []replyPart) { p[1].ThoughtSignature = "" })); r.status != 200 {
		t.Errorf("signatures off: %s", r.body[:200])
	}
}

func TestTwoKeysOfOneProjectShareItsQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Limits: map[string]Limits{"1": {RPM: 2, IPM: -1}}})
		body := `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"512"}}}`
		for _, key := range []string{"sim-1-a", "sim-1-a.two"} {
			if r := generate(t, s, key, nb2, body); r.status != 200 {
				t.Fatalf("%s: %d", key, r.status)
			}
			time.Sleep(10 * time.Second)
		}
		r := generate(t, s, "sim-1-a.three", nb2, body)
		wantError(t, r, 429, "\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_requests_per_model, limit: 2, model: gemini-3.1-flash-image\nPlease retry in 40s.")
		if d := r.Error.Details; len(d) != 3 || d[2]["retryDelay"] != "40s" {
			t.Errorf("details %v", d)
		}
		if r.header.Get("Retry-After") != "" {
			t.Error("Google sends no Retry-After")
		}
		if r := generate(t, s, "sim-1-b", nb2, body); r.status != 200 {
			t.Errorf("another project: %d", r.status)
		}
		if r := generate(t, s, "sim-1-a", "gemini-3.1-flash-lite-image", prompt("x")); r.status != 200 {
			t.Errorf("another model: %d", r.status)
		}
		time.Sleep(40 * time.Second)
		if r := generate(t, s, "sim-1-a", nb2, body); r.status != 200 {
			t.Errorf("after the wait: %d %s", r.status, r.body)
		}
		for _, e := range s.Requests() {
			if e.Counted != (e.Status == 200) {
				t.Errorf("request %d: status %d counted %v", e.ID, e.Status, e.Counted)
			}
		}
	})
}

func TestFixedMinuteBeginsAnew(t *testing.T) {
	t.Parallel()
	q := quota{fixed: true}
	q.reset()
	p, l := project{"a", "1"}, Limits{RPM: 1}
	at := time.Date(2026, 11, 24, 10, 0, 59, 0, time.UTC)
	if r := q.admit(at, p, nb2, l, 1, 1); r != nil {
		t.Fatal(r)
	}
	if r := q.admit(at, p, nb2, l, 1, 1); r == nil || !strings.Contains(r.message, "retry in 1s.") {
		t.Errorf("same minute: %v", r)
	}
	if r := q.admit(at.Add(time.Second), p, nb2, l, 1, 1); r != nil {
		t.Errorf("next minute: %v", r)
	}
}

func TestDayEndsAtMidnightPacificInBothDST(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now  string
		left time.Duration
	}{
		{"2026-07-01T06:30:00Z", 30 * time.Minute},              // summer: midnight is 07:00 UTC
		{"2026-12-01T07:30:00Z", 30 * time.Minute},              // winter: midnight is 08:00 UTC
		{"2026-03-08T08:00:00Z", 23 * time.Hour},                // the day that loses an hour
		{"2026-11-01T07:00:00Z", 25 * time.Hour},                // the day that gains one
		{"2026-11-24T08:00:00Z", 24 * time.Hour},                // just begun
		{"2026-11-24T07:59:59.5Z", 500 * time.Millisecond},      // almost over
		{"2026-11-01T09:30:00Z", 22*time.Hour + 30*time.Minute}, // the hour that comes twice
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		if got := untilMidnight(now); got != c.left {
			t.Errorf("%s: %s, want %s", c.now, got, c.left)
		}
		q := quota{}
		q.reset()
		p, l := project{"a", "1"}, Limits{RPD: 1}
		if r := q.admit(now, p, nb2, l, 1, 1); r != nil {
			t.Fatal(r)
		}
		if r := q.admit(now.Add(c.left-1), p, nb2, l, 1, 1); r == nil {
			t.Errorf("%s: room a moment before midnight", c.now)
		}
		if r := q.admit(now.Add(c.left), p, nb2, l, 1, 1); r != nil {
			t.Errorf("%s: no room at midnight: %v", c.now, r)
		}
	}
}

func TestFreeProjectIsRefusedWithLimitZero(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	r := generate(t, s, "sim-free-a", nb2, prompt("x"))
	wantError(t, r, 429, "limit: 0")
	if strings.Contains(string(r.body), "quotaValue") || strings.Count(string(r.body), "quotaId") != 3 {
		t.Errorf("%s", r.body)
	}
}

func TestBillAddsUpToTheUsageShown(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	var want int64
	for _, name := range []string{nb2, pro, original, "gemini-3.1-flash-lite-image"} {
		m := findModel(name)
		u := generate(t, s, "sim-1-a", name, prompt("a red kite over the sea")).UsageMetadata
		image := u.CandidatesTokensDetails[0].TokenCount
		want += u.PromptTokenCount*m.inPrice + image*m.imagePrice + (u.CandidatesTokenCount-image+u.ThoughtsTokenCount)*m.textPrice
	}
	b := s.Bill()
	var sum int64
	for _, c := range b.Projects["a"].Requests {
		sum += c.Amount
	}
	if b.Total != want || b.Projects["a"].Total != want || sum != want {
		t.Errorf("bill %d, project %d, requests %d, want %d", b.Total, b.Projects["a"].Total, sum, want)
	}
}

func TestModelsAreListedInPages(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	var names []string
	token := ""
	for range 10 {
		var page struct {
			Models        []entry
			NextPageToken string
		}
		r := send(t, s, "sim-1-a", "/v1/models?pageSize=3&pageToken="+token, "")
		json.Unmarshal(r.body, &page)
		for _, m := range page.Models {
			names = append(names, m.Name)
		}
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	if len(names) != len(listed()) {
		t.Errorf("%v", names)
	}
	if r := send(t, s, "sim-1-a", "/v1beta/models/"+pro, ""); !strings.Contains(string(r.body), `"thinking": true`) {
		t.Errorf("%s", r.body)
	}
	if r := send(t, s, "sim-1-a", "/v1beta/models/"+nb2+":countTokens", prompt("12345678")); !strings.Contains(string(r.body), `"totalTokens": 2`) {
		t.Errorf("%s", r.body)
	}
}

func TestARetiredModelIsGoneForEveryMethod(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	send(t, s, "", "/sim/faults", `{"fault":"retired","model":"`+pro+`","project":"a"}`)
	if r := send(t, s, "sim-1-a", "/v1beta/models", ""); strings.Contains(string(r.body), pro) || !strings.Contains(string(r.body), nb2) {
		t.Errorf("listed: %s", r.body)
	}
	for path, body := range map[string]string{"": "", ":countTokens": prompt("x"), ":generateContent": prompt("x")} {
		if r := send(t, s, "sim-1-a", "/v1beta/models/"+pro+path, body); r.status != 404 {
			t.Errorf("%s: %d", path, r.status)
		}
		if r := send(t, s, "sim-1-b", "/v1beta/models/"+pro+path, body); r.status != 200 {
			t.Errorf("%s for another project: %d", path, r.status)
		}
	}
}

// Clients measure their own clock by it.
func TestDateIsThatOfGooglesClock(t *testing.T) {
	t.Parallel()
	ahead := time.Now().Add(3 * time.Hour)
	s := New(Options{Now: func() time.Time { return ahead }})
	r := send(t, s, "sim-1-a", "/v1beta/models", "")
	if got, err := http.ParseTime(r.header.Get("Date")); err != nil || ahead.Sub(got) > time.Second {
		t.Errorf("%v: %v", r.header, err)
	}
}

func TestEditShowsThePictureItWasGiven(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	first := generate(t, s, "sim-1-a", nb2, prompt("a fox"))
	second := generate(t, s, "sim-1-a", nb2, turnBack(t, first.parts(), "make it blue"))
	fresh := generate(t, s, "sim-1-a", nb2, prompt("make it blue"))
	if a, b := distance(t, first, second), distance(t, fresh, second); a >= b || a == 0 {
		t.Errorf("the edit is %d from its base and %d from a fresh picture", a, b)
	}
}

// distance is the mean difference of two pictures' edges: an edit may change every colour, not the composition.
func distance(t *testing.T, a, b reply) int {
	t.Helper()
	x, _, err1 := image.Decode(bytes.NewReader(a.picture()))
	y, _, err2 := image.Decode(bytes.NewReader(b.picture()))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	sum := 0
	for i := 100; i < 900; i += 50 {
		for j := 100; j < 900; j += 50 {
			sum += abs(slope(x, i, j) - slope(y, i, j))
		}
	}
	return sum / 256
}

func slope(m image.Image, x, y int) int {
	a, _, _, _ := m.At(x, y).RGBA()
	b, _, _, _ := m.At(x+25, y+25).RGBA()
	return int(a>>8) - int(b>>8)
}

func abs(n int) int { return max(n, -n) }

func BenchmarkFourK(b *testing.B) {
	s := New(Options{Limits: map[string]Limits{"1": {RPM: -1, IPM: -1, RPD: -1, TPM: -1, Spend: -1}}})
	body := `{"contents":[{"parts":[{"text":"a red kite over the sea"}]}],"generationConfig":{"imageConfig":{"imageSize":"4K"}}}`
	n := int64(0)
	for b.Loop() {
		req, _ := http.NewRequest("POST", "http://google.test/v1beta/models/"+nb2+":generateContent", strings.NewReader(body))
		req.Header.Set("X-Goog-Api-Key", "sim-1-a")
		resp, err := s.Transport().RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		n, _ = io.Copy(io.Discard, resp.Body)
	}
	b.ReportMetric(float64(n), "answer-bytes")
}
