package sim

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const nb2, pro, original = "gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-2.5-flash-image"

// reply is an answer as a client decodes it.
type reply struct {
	status int
	header http.Header
	body   []byte

	Candidates []struct {
		Content struct {
			Role  string
			Parts []replyPart
		}
		FinishReason, FinishMessage string
	}
	PromptFeedback struct{ BlockReason string }
	UsageMetadata  struct {
		PromptTokenCount, CandidatesTokenCount, TotalTokenCount, ThoughtsTokenCount int64
		PromptTokensDetails, CandidatesTokensDetails                                []struct {
			Modality   string
			TokenCount int64
		}
		ServiceTier string
	}
	ModelVersion, ResponseID string
	Error                    struct {
		Code            int
		Message, Status string
		Details         []map[string]any
	}
}

type replyPart struct {
	Text             string `json:"text,omitempty"`
	Thought          bool   `json:"thought,omitempty"`
	ThoughtSignature string `json:"thoughtSignature,omitempty"`
	InlineData       *struct {
		MimeType string `json:"mimeType"`
		Data     []byte `json:"data"`
	} `json:"inlineData,omitempty"`
}

// MarshalJSON keeps an empty text, which is the data of its part.
func (p replyPart) MarshalJSON() ([]byte, error) {
	type plain replyPart
	if p.InlineData != nil {
		return json.Marshal(plain(p))
	}
	return json.Marshal(struct {
		Text string `json:"text"`
		plain
	}{p.Text, plain(p)})
}

func (r reply) parts() []replyPart {
	if len(r.Candidates) == 0 {
		return nil
	}
	return r.Candidates[0].Content.Parts
}

// picture returns the last picture of the answer, nil for none.
func (r reply) picture() []byte {
	for _, p := range r.parts() {
		if p.InlineData != nil && !p.Thought {
			return p.InlineData.Data
		}
	}
	return nil
}

func send(t *testing.T, s *Server, key, url, body string) reply {
	t.Helper()
	r, err := try(t.Context(), s, key, url, body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return r
}

func try(ctx context.Context, s *Server, key, url, body string) (reply, error) {
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://google.test"+url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if key != "" {
		req.Header.Set("X-Goog-Api-Key", key)
	}
	resp, err := s.Transport().RoundTrip(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	got := reply{status: resp.StatusCode, header: resp.Header}
	if got.body, err = io.ReadAll(resp.Body); err != nil {
		return got, err
	}
	json.Unmarshal(got.body, &got)
	return got, nil
}

func prompt(text string) string {
	return fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":%q}]}]}`, text)
}

// small asks for the smallest picture, where any will do.
func small(text string) string {
	return strings.TrimSuffix(prompt(text), "}") + `,"generationConfig":{"imageConfig":{"imageSize":"512"}}}`
}

func generate(t *testing.T, s *Server, key, model, body string) reply {
	t.Helper()
	return send(t, s, key, "/v1beta/models/"+model+":generateContent", body)
}

// wantError checks status and message of a refusal.
func wantError(t *testing.T, r reply, code int, message string) {
	t.Helper()
	if r.status != code || r.Error.Code != code || !strings.Contains(r.Error.Message, message) {
		t.Errorf("got %d %s, want %d %q", r.status, r.body[:min(len(r.body), 400)], code, message)
	}
}

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

func TestEveryFaultAnswersAsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault   string
		status  int
		holds   string
		counted bool
		charged bool
	}{
		{"quota_unknown", 429, "Resource has been exhausted (e.g. check quota).", false, false},
		{"rate_minute", 429, "PerMinute", false, false},
		{"rate_day", 429, "PerDay", false, false},
		{"rate_day_short", 429, `"retryDelay": "36s"`, false, false},
		{"quota_zero", 429, "limit: 0", false, false},
		{"capacity", 503, "The model is overloaded. Please try again later.", true, false},
		{"deadline_503", 503, "Deadline expired before operation could complete.", true, false},
		{"server_error", 500, "An internal error has occurred.", true, false},
		{"key_invalid", 400, "API_KEY_INVALID", false, false},
		{"key_leaked", 403, "reported as leaked", false, false},
		{"permission", 403, "The caller does not have permission", false, false},
		{"service_disabled", 403, "SERVICE_DISABLED", false, false},
		{"region", 400, "User location is not supported for the API use.", false, false},
		{"bad_gateway", 502, "That’s an error.", true, false},
		{"html_502", 502, "nginx", true, false},
		{"timeout_504", 504, "DEADLINE_EXCEEDED", true, false},
		{"cancelled_499", 499, "The operation was cancelled.", true, false},
		{"vertex_429", 429, "Resource exhausted. Please try again later.", true, false},
		{"spend_limit", 429, "last 10 minutes", false, false},
		{"thought_only", 200, `"thought": true`, true, true},
		{"continuation", 200, "continuationToken", true, true},
		{"new_finish", 200, "IMAGE_REVIEW_PENDING", true, true},
		{"bad_request", 400, "Request contains an invalid argument.", true, false},
		{"model_not_found", 404, "is not found for API version v1beta", true, false},
		{"retired", 404, "is not found for API version v1beta", false, false},
		{"thought_signature", 400, "missing a thought_signature", true, false},
		{"spending_cap", 429, "monthly spending cap", false, false},
		{"prepaid", 402, "credits", false, false},
		{"safety_image", 200, "You will not be charged for blocked images", true, false},
		{"safety_image_silent", 200, `"finishReason": "IMAGE_SAFETY"`, true, true},
		{"prohibited_image", 200, "IMAGE_PROHIBITED_CONTENT", true, true},
		{"recitation", 200, "IMAGE_RECITATION", true, true},
		{"safety_prompt", 200, `"blockReason": "PROHIBITED_CONTENT"`, true, true},
		{"no_image", 200, "NO_IMAGE", true, true},
		{"other", 200, "IMAGE_OTHER", true, false},
		{"text_only", 200, "in words", true, true},
		{"truncated", 200, "MAX_TOKENS", true, true},
	} {
		for _, way := range []string{"posted", "in the prompt"} {
			s := New(Options{})
			text := "a fox"
			if way == "posted" {
				r := send(t, s, "", "/sim/faults", `{"fault":"`+c.fault+`","next":1,"project":"a"}`)
				if r.status != 200 {
					t.Fatalf("%s: %s", c.fault, r.body)
				}
				if r := generate(t, s, "sim-1-b", nb2, small(text)); r.status != 200 || r.picture() == nil {
					t.Errorf("%s hit another project: %s", c.fault, r.body)
				}
			} else {
				text += " [sim:" + c.fault + "]"
			}
			r := generate(t, s, "sim-1-a", nb2, small(text))
			if r.status != c.status || !strings.Contains(string(r.body), c.holds) || r.picture() != nil {
				t.Errorf("%s %s: %d %.500s", c.fault, way, r.status, r.body)
			}
			list := s.Requests()
			e := list[len(list)-1]
			if e.Fault != c.fault || e.Counted != c.counted || (e.Charged > 0) != c.charged || e.Status != c.status {
				t.Errorf("%s %s: %+v", c.fault, way, e)
			}
			if way == "posted" {
				if r := generate(t, s, "sim-1-a", nb2, small(text)); r.picture() == nil {
					t.Errorf("%s: acted more than once", c.fault)
				}
			}
		}
	}
}

func TestUnknownFaultIsRefusedWithTheValidNames(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	for _, body := range []string{`{"fault":"nonsense"}`, `[{"fault":"capacity","nxt":1}]`, `{"fault":"capacity","share":2}`, `nonsense`} {
		if r := send(t, s, "", "/sim/faults", body); r.status != 400 || !strings.Contains(string(r.body), "safety_image_silent") {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if got := s.Faults(); len(got) != 0 {
		t.Errorf("set all the same: %v", got)
	}
}

func TestFilteredPicturesCostByBillingMode(t *testing.T) {
	t.Parallel()
	for mode, charged := range map[string]bool{"": true, "charged": true, "free": false} {
		s := New(Options{Filtered: mode})
		r := generate(t, s, "sim-1-a", pro, prompt("a fox [sim:safety_image_silent]"))
		u, m := r.UsageMetadata, findModel(pro)
		want := int64(0)
		if charged {
			want = u.PromptTokenCount*m.inPrice + u.ThoughtsTokenCount*m.textPrice
		}
		if got := s.Bill().Total; got != want {
			t.Errorf("%q: %d, want %d", mode, got, want)
		}
	}
}

// Nothing was filtered, so it costs what it used, as every answer does.
func TestAnAnswerWithoutAPictureCostsWhatItUsed(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"no_image", "new_finish", "truncated", "text_only"} {
		for _, mode := range []string{"charged", "free"} {
			s := New(Options{Filtered: mode})
			r := generate(t, s, "sim-1-a", pro, prompt("a fox [sim:"+fault+"]"))
			u, m := r.UsageMetadata, findModel(pro)
			if got, want := s.Bill().Total, u.PromptTokenCount*m.inPrice+(u.ThoughtsTokenCount+u.CandidatesTokenCount)*m.textPrice; got != want || r.picture() != nil {
				t.Errorf("%s with filtered %s: %d, want %d", fault, mode, got, want)
			}
		}
	}
}

func TestFaultsEndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		send(t, s, "", "/sim/faults", `[{"fault":"capacity","after":"10s","for":"30s","model":"gemini-3-pro-image-preview"}]`)
		for _, c := range []struct {
			wait   time.Duration
			status int
		}{{0, 200}, {11 * time.Second, 503}, {28 * time.Second, 503}, {2 * time.Second, 200}} {
			time.Sleep(c.wait)
			if r := generate(t, s, "sim-1-a", pro, prompt("x")); r.status != c.status {
				t.Errorf("after %s more: %d, want %d", c.wait, r.status, c.status)
			}
		}
		if left := s.Faults(); len(left) != 0 {
			t.Errorf("still active: %v", left)
		}
	})
}

func TestClientThatLeavesIsCharged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Latency: Between(20*time.Second, 20*time.Second)})
		for _, text := range []string{"a fox", "a fox [sim:hang]", "a fox [sim:hang charge=false]"} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if _, err := try(ctx, s, "sim-1-a", "/v1/models/"+nb2+":generateContent", prompt(text)); err == nil {
				t.Errorf("%s: answered", text)
			}
		}
		if _, err := try(t.Context(), s, "sim-1-a", "/v1/models/"+nb2+":generateContent", prompt("[sim:drop]")); err == nil {
			t.Error("drop: answered")
		}
		synctest.Wait()
		list := s.Requests()
		if len(list) != 4 {
			t.Fatalf("%+v", list)
		}
		for i, charged := range []bool{true, true, false} {
			if e := list[i]; e.Status != 499 || (e.Charged > 0) != charged {
				t.Errorf("%+v", e)
			}
		}
		if drop := list[3]; drop.Charged == 0 || drop.Status != 0 || drop.Fault != "drop" {
			t.Errorf("drop: %+v", drop)
		}
	})
}

func TestAnswerMayComeBeforeTheRequestWasRead(t *testing.T) {
	t.Parallel()
	s := New(Options{AnswerEarly: true})
	stuck, _ := io.Pipe() // a body that never ends
	req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://google.test/v1beta/models/"+nb2+":generateContent", stuck)
	req.Header.Set("Authorization", "Bearer sim-1-a")
	resp, err := s.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || len(body) < 1<<20 {
		t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(body), err)
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
