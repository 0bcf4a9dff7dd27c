package verdict_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/verdict"
)

// What an exchange without a whole answer is, by how far it got.
func TestWhoPaysDependsOnHowFarTheBytesGot(t *testing.T) {
	t.Parallel()
	whole := gemini.Body{Form: gemini.FormJSON, Complete: true, Candidates: 1, FinishReason: "STOP",
		Parts: []gemini.Part{{Kind: gemini.KindImage}}}
	half := whole
	half.Complete = false
	stream := whole
	stream.Form, stream.FinishReason = gemini.FormEvents, ""
	broken := whole
	broken.Broken = true
	for _, c := range []struct {
		name    string
		facts   gemini.Facts
		class   plantain.Class
		charged plantain.Charged
	}{
		{"dialing", gemini.Facts{Stage: plantain.Dialing, Err: errors.New("no route")}, plantain.ServerError, plantain.ChargedNo},
		{"sending", gemini.Facts{Stage: plantain.Sending}, plantain.Unanswered, plantain.ChargedUnknown},
		{"waiting", gemini.Facts{Stage: plantain.Waiting}, plantain.Unanswered, plantain.ChargedUnknown},
		{"own deadline", gemini.Facts{Stage: plantain.Waiting, Err: context.DeadlineExceeded}, plantain.Unanswered, plantain.ChargedUnknown},
		{"cancelled", gemini.Facts{Stage: plantain.Waiting, Err: fmt.Errorf("send: %w", context.Canceled)}, plantain.Unanswered, plantain.ChargedUnknown},
		{"reading a cut answer", gemini.Facts{Stage: plantain.Reading, Status: 200, Body: half}, plantain.Unanswered, plantain.ChargedUnknown},
		{"reading nothing", gemini.Facts{Stage: plantain.Reading, Status: 200}, plantain.Unanswered, plantain.ChargedUnknown},
		{"reading an error", gemini.Facts{Stage: plantain.Reading, Status: 503}, plantain.Capacity, plantain.ChargedNo},
		{"reading a refusal", gemini.Facts{Stage: plantain.Reading, Status: 400}, plantain.Unclassifiable, plantain.ChargedUnknown},
		{"cut, but said to be done", gemini.Facts{Stage: plantain.Done, Status: 200, Body: half}, plantain.Unanswered, plantain.ChargedUnknown},
		{"broken", gemini.Facts{Stage: plantain.Done, Status: 200, Body: broken}, plantain.Unanswered, plantain.ChargedUnknown},
		{"empty", gemini.Facts{Stage: plantain.Done, Status: 200}, plantain.Unanswered, plantain.ChargedUnknown},
		{"a whole value before the connection broke", gemini.Facts{Stage: plantain.Reading, Status: 200, Body: whole}, plantain.Success, plantain.ChargedYes},
		{"a stream that broke behind the picture", gemini.Facts{Stage: plantain.Reading, Status: 200, Body: stream}, plantain.Unanswered, plantain.ChargedUnknown},
		{"a body alone", gemini.Facts{Body: whole}, plantain.Success, plantain.ChargedYes},
		{"answered, the stage left out", gemini.Facts{Status: 429, Body: gemini.Body{Form: gemini.FormJSON, Complete: true}}, plantain.QuotaUnknown, plantain.ChargedNo},
	} {
		v := verdict.Judge(c.facts)
		if v.Class != c.class || v.Charged != c.charged {
			t.Errorf("%s: %v, charged %v; want %v, charged %v", c.name, v.Class, v.Charged, c.class, c.charged)
		}
	}
}

// Bodies that are told apart by more than a label can say.
func TestJudge(t *testing.T) {
	t.Parallel()
	image := `{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}}`
	for _, c := range []struct {
		name, body string
		status     int
		class      plantain.Class
		charged    plantain.Charged
	}{
		{"picture, then an error", `data: {"candidates":[{"content":{"parts":[` + image + `]}}]}` + "\n\n" +
			`data: {"error":{"code":503,"status":"UNAVAILABLE"}}` + "\n\n", 200, plantain.Unanswered, plantain.ChargedYes},
		{"success beside a picture", `{"code":0,"msg":"success","data":[{"b64_json":"iVBORw0KGgo="}]}`, 200, plantain.Success, plantain.ChargedYes},
		{"success beside no picture", `{"code":200,"message":"ok","choices":[{"message":{"content":"No."},"finish_reason":"stop"}]}`, 200, plantain.NoImage, plantain.ChargedUnknown},
		{"an error that is null", `{"error":null,"candidates":[{"content":{"parts":[` + image + `]},"finishReason":"STOP"}]}`, 200, plantain.Success, plantain.ChargedYes},
		{"picture and an unheard reason", `{"candidates":[{"content":{"parts":[` + image + `]},"finishReason":"NOVEL"}]}`, 200, plantain.Unclassifiable, plantain.ChargedYes},
		{"blocked rating alone", `{"candidates":[{"content":{},"safetyRatings":[{"category":"X","blocked":true}]}]}`, 200, plantain.SafetyImage, plantain.ChargedYes},
		{"Interactions, text in a stream", `data: {"step":{"content":[{"type":"text","text":"No."}]}}` + "\n\n" +
			`data: {"interaction":{"id":"i","usage":{"total_output_tokens":3}}}` + "\n\n", 200, plantain.NoImage, plantain.ChargedYes},
		{"filtered, and thinking was counted", `{"candidates":[{"finishReason":"IMAGE_SAFETY"}],"usageMetadata":{"thoughtsTokenCount":220}}`, 200, plantain.SafetyImage, plantain.ChargedYes},
		{"a model speaks of charges", `{"candidates":[{"content":{"parts":[{"text":"You will not be charged."}]},"finishReason":"STOP"}]}`, 200, plantain.NoImage, plantain.ChargedUnknown},
		{"Cloudflare's guard", `<html><title>Attention Required! | Cloudflare</title></html>`, 403, plantain.Unclassifiable, plantain.ChargedNo},
		{"an unheard status", `{}`, 302, plantain.Unclassifiable, plantain.ChargedUnknown},
		{"an SDK's text without a status", "[GoogleGenerativeAI Error]: fetch failed: request timed out", 0, plantain.Timeout, plantain.ChargedUnknown},
	} {
		v := verdict.Judge(factsOf(c.status, "", nil, []byte(c.body)))
		if v.Class != c.class || v.Charged != c.charged {
			t.Errorf("%s: %v, charged %v; want %v, charged %v", c.name, v.Class, v.Charged, c.class, c.charged)
		}
	}
}

// The answer of a Plantain is believed: it knew more than its words say.
func TestTheAnswerOfAPlantainKeepsItsVerdict(t *testing.T) {
	t.Parallel()
	body := `{"error":{"code":429,"message":"no project has room: project a: parked. What Google said: quota","status":"RESOURCE_EXHAUSTED","details":[` +
		`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"QUOTA_ZERO","domain":"plantain","metadata":{"verdict":"quota_zero","charged":"no","limit":"zero-quota","explanation":"The limit is 0.","next":"Link a billing account."}}]}}`
	want := plantain.Verdict{Class: plantain.QuotaZero, Charged: plantain.ChargedNo, Retry: plantain.RetryOtherProject, Limit: plantain.LimitZero,
		Explanation: "The limit is 0.", Fix: "Link a billing account."}
	if v := verdict.Judge(factsOf(429, "", nil, []byte(body))); v != want {
		t.Errorf("%+v, want %+v", v, want)
	}
	for _, other := range []string{
		strings.Replace(body, `"domain":"plantain"`, `"domain":"elsewhere"`, 1),
		strings.Replace(body, `"verdict":"quota_zero"`, `"verdict":"success"`, 1),
		strings.Replace(body, `"verdict":"quota_zero"`, `"verdict":"novel"`, 1),
	} {
		if v := verdict.Judge(factsOf(429, "", nil, []byte(other))); v.Class != plantain.QuotaUnknown {
			t.Errorf("%v\n%s", v.Class, other)
		}
	}
}

// Whoever a Plantain turned away at its door needs a key of it, and no other project:
// also where an SDK kept nothing but the message.
func TestWhoIsTurnedAwayByAPlantainNeedsAKeyOfIt(t *testing.T) {
	t.Parallel()
	message := "API key not valid. Please pass a valid API key. (Plantain, not Google: the key is not one of this gateway's.)"
	body := `{"error":{"code":400,"message":"` + message + `","status":"INVALID_ARGUMENT","details":[` +
		`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"},` +
		`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"KEY_INVALID","domain":"plantain","metadata":{"verdict":"key_invalid","charged":"no"}}]}}`
	for name, f := range map[string]gemini.Facts{
		"the whole body":    factsOf(400, "", nil, []byte(body)),
		"the message alone": factsOf(0, "", nil, []byte(message)),
		"of a proxy's":      factsOf(401, "", nil, []byte(`{"error":{"message":"`+message+`"}}`)),
	} {
		v := verdict.Judge(f)
		if v.Class != plantain.KeyInvalid || v.Charged != plantain.ChargedNo || v.Retry != plantain.RetryAfterFix {
			t.Errorf("%s: %s, charged %s, retry %s", name, v.Class, v.Charged, v.Retry)
		}
		if strings.Contains(v.Fix, "project") || !strings.Contains(v.Fix, "plantain keys create") || strings.Contains(v.Explanation, "Google refuses") {
			t.Errorf("%s: %s %s", name, v.Explanation, v.Fix)
		}
	}
}

// `billing.filtered` decides where Google says nothing, and nowhere else.
func TestFilteredAnswersAreBilledByTheSetting(t *testing.T) {
	t.Parallel()
	free := verdict.Rules{Filtered: plantain.FilteredFree}
	silent := gemini.Facts{Stage: plantain.Done, Status: 200, Body: gemini.Body{Form: gemini.FormJSON, Complete: true, Candidates: 1, FinishReason: "IMAGE_SAFETY"}}
	said := silent
	said.Body.FinishMessage = "You will not be charged for blocked images."
	if v := verdict.Judge(silent); v.Charged != plantain.ChargedYes {
		t.Errorf("by default a silent answer is charged %v", v.Charged)
	}
	if v := free.Judge(silent); v.Charged != plantain.ChargedNo {
		t.Errorf("by the setting a silent answer is charged %v", v.Charged)
	}
	if v := verdict.Judge(said); v.Charged != plantain.ChargedNo {
		t.Errorf("Google says free, and it is charged %v", v.Charged)
	}
}

// A request for text gets its text: that is no failure.
func TestTextIsASuccessWhereTextWasAsked(t *testing.T) {
	t.Parallel()
	body := gemini.Body{Form: gemini.FormJSON, Complete: true, Candidates: 1, FinishReason: "STOP", ModelVersion: "gemini-2.5-flash",
		Parts: []gemini.Part{{Kind: gemini.KindText, Text: "Paris."}}}
	image := body
	image.ModelVersion = "gemini-2.5-flash-image"
	for _, c := range []struct {
		name  string
		body  gemini.Body
		asked gemini.Asked
		class plantain.Class
	}{
		{"text asked", image, gemini.Asked{Valid: true, Modalities: "TEXT"}, plantain.Success},
		{"a text model, nothing asked", body, gemini.Asked{Valid: true}, plantain.Success},
		{"an image model, nothing asked", image, gemini.Asked{Valid: true}, plantain.NoImage},
		{"image asked", body, gemini.Asked{Valid: true, Modalities: "TEXT,IMAGE"}, plantain.NoImage},
		{"the request was not seen", body, gemini.Asked{}, plantain.NoImage},
	} {
		v := verdict.Judge(gemini.Facts{Stage: plantain.Done, Status: 200, Body: c.body, Asked: c.asked})
		if v.Class != c.class {
			t.Errorf("%s: %v, want %v", c.name, v.Class, c.class)
		}
	}
}

// What Python, JavaScript, Go and PHP say where a program took an answer without a
// picture for one that has it: the crash tells nothing of the answer, and the fix says
// what to look at.
func TestACrashAfterAnAnswerWithoutAPictureIsToldAsThat(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Traceback (most recent call last):\n  File \"make.py\", line 12, in <module>\n    for part in response.parts:\nTypeError: 'NoneType' object is not iterable",
		"AttributeError: 'NoneType' object has no attribute 'parts'",
		"IndexError: list index out of range",
		"KeyError: 'candidates'",
		"TypeError: Cannot read properties of undefined (reading 'parts')\n    at main (file:///make.mjs:9:38)",
		"TypeError: Cannot read property 'content' of undefined",
		"TypeError: undefined is not an object (evaluating 'response.candidates[0].content')",
		"panic: runtime error: index out of range [0] with length 0",
		"PHP Warning:  Undefined array key \"candidates\" in make.php on line 7",
	} {
		v := verdict.Judge(factsOf(0, "text/plain", nil, []byte(text)))
		if v.Class != plantain.Unclassifiable || v.Retry != plantain.RetryNo || v.Charged != plantain.ChargedUnknown ||
			!strings.Contains(v.Explanation, "answer without a picture") || !strings.Contains(v.Fix, "finishReason") {
			t.Errorf("%s: %+v", text, v)
		}
	}
	deeper := "ConnectionResetError: [Errno 104] Connection reset by peer\n\nDuring handling of the above exception, another exception occurred:\nTypeError: 'NoneType' object is not iterable"
	if v := verdict.Judge(factsOf(0, "text/plain", nil, []byte(deeper))); v.Class != plantain.Unanswered {
		t.Errorf("what led to the crash is not told: %+v", v)
	}
}

// What a 429 disclosed of the limit that binds.
func TestVerdictDisclosesTheLimit(t *testing.T) {
	t.Parallel()
	type want struct {
		limit     plantain.Limit
		value     int64
		disclosed bool
	}
	for id, w := range map[string]want{
		"rpm-paid":                    {plantain.LimitRPM, 60, true},
		"rpm-value-only-in-text":      {plantain.LimitRPM, 10, true},
		"day-behind-minute":           {plantain.LimitRPD, 1000, true},
		"zero-three-violations":       {plantain.LimitZero, 0, true},
		"zero-quota-value":            {plantain.LimitZero, 0, true},
		"quota-bare":                  {"", 0, false},
		"quota-metric-without-window": {"", 20, false},
	} {
		v := verdict.Judge(ownCase(t, id).facts())
		if got := (want{v.Limit, v.Value, v.Disclosed}); got != w {
			t.Errorf("%s: %v, want %v", id, got, w)
		}
	}
}

func ownCase(t *testing.T, id string) labelled {
	t.Helper()
	for _, c := range readCases(t, "testdata/cases.jsonl") {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no case %q", id)
	return labelled{}
}

// Every verdict speaks in whole sentences and tells no secret of the body.
func TestSentencesAreWholeAndTellNoSecret(t *testing.T) {
	t.Parallel()
	secret := `AIzaSyA-1234567890abcdefghijklmnopqrstu`
	leaks := []string{
		`{"error":{"code":400,"message":"Key ` + secret + ` is wrong.","status":"INVALID_ARGUMENT"}}`,
		`{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT","details":[{"detail":"Invalid API key: ` + secret + `"}]}}`,
		`{"error":{"code":404,"message":"models/` + secret + ` is not found for API version v1beta","status":"NOT_FOUND"}}`,
		`{"error":{"code":400,"message":"Unknown name \"` + secret + `\" at 'key=` + secret + `': Cannot find field.","status":"INVALID_ARGUMENT"}}`,
		`{"error":{"code":403,"message":"Consumer 'api_key:` + secret + `' has been suspended.","status":"PERMISSION_DENIED"}}`,
		`{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED","details":[{"reason":"IAM_PERMISSION_DENIED","metadata":{"permission":"` + secret + `"}}]}}`,
		`{"candidates":[{"finishReason":"` + secret + `"}]}`,
		`{"promptFeedback":{"blockReason":"` + secret + `"}}`,
		secret,
	}
	var cases []labelled
	for i, body := range leaks {
		cases = append(cases, labelled{ID: fmt.Sprint("leak ", i), Status: 400, Body: body}, labelled{ID: fmt.Sprint("leak ", i, " with 200"), Status: 200, Body: body})
	}
	for _, c := range judgedCases(t) {
		cases = append(cases, c.labelled)
	}
	for _, c := range cases {
		v := verdict.Judge(c.facts())
		for _, s := range []string{v.Explanation, v.Fix} {
			switch {
			case !strings.HasSuffix(s, ".") || strings.ToUpper(s[:1]) != s[:1] || strings.Contains(s, "{") || strings.Contains(s, "()") || strings.Contains(s, "  "):
				t.Errorf("%s: no whole sentence: %q", c.ID, s)
			case len(s) > 500:
				t.Errorf("%s: too long: %q", c.ID, s)
			case strings.Contains(strings.ToLower(s), "aiza") || strings.Contains(s, "key1234") || strings.Contains(s, "api_key:"):
				t.Errorf("%s: tells a secret: %q", c.ID, s)
			}
		}
	}
}

// Whatever comes, there is a verdict, and a success has its picture.
func FuzzJudge(f *testing.F) {
	for _, c := range readCases(f, "testdata/cases.jsonl") {
		f.Add(c.Status, c.ContentType, []byte(c.Body))
	}
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		facts := factsOf(status, contentType, nil, body)
		v := verdict.Judge(facts)
		if v.Explanation == "" || v.Fix == "" || v.Retry == "" {
			t.Errorf("a verdict without words: %+v", v)
		}
		pictures := facts.Body.Links
		for _, p := range facts.Body.Parts {
			if p.Kind == gemini.KindImage && !p.Thought {
				pictures++
			}
		}
		if v.Class == plantain.Success && (pictures == 0 || !facts.Body.Complete || status >= 300) {
			t.Errorf("a success without a whole picture: %+v", v)
		}
	})
}

// A gateway may put the picture where nobody has seen one: an answer with a long
// string there is never called empty, so that nobody pays again for what has come.
func TestAPictureAtAStrangePlaceIsNotCalledMissing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("iVBORw0KGgo", 1000)
	for body, want := range map[string]plantain.Class{
		`{"candidates":[{"content":{"parts":[{"picture":"LONG"}]},"finishReason":"STOP"}]}`:                                     plantain.Unclassifiable,
		`{"candidates":[{"content":{"parts":[{"text":"Here:"},{"blob":{"bytes":"LONG"}}]},"finishReason":"STOP"}]}`:             plantain.Unclassifiable,
		`{"choices":[{"message":{"content":"Here:","image":{"b":"LONG"}},"finish_reason":"stop"}]}`:                             plantain.Unclassifiable,
		`{"id":"x","usage":{"output_tokens":1290},"artifacts":[{"base64":"LONG"}]}`:                                             plantain.Unclassifiable,
		`{"candidates":[{"content":{"parts":[{"text":"No.","thoughtSignature":"LONG"}]},"finishReason":"STOP"}]}`:               plantain.NoImage,
		`{"choices":[{"message":{"content":"","reasoning_details":[{"data":"LONG"}]},"finish_reason":"stop"}]}`:                 plantain.NoImage,
		`{"id":"v1","steps":[{"type":"thought","signature":"LONG"},{"type":"model_output","content":[]}],"status":"completed"}`: plantain.NoImage,
		`{"request":{"contents":[{"parts":[{"inlineData":{"data":"LONG"}}]}]},"response":{"candidates":[]}}`:                    plantain.NoImage,
		`{"candidates":[{"content":{"parts":[{"picture":"LONG"}]},"finishReason":"IMAGE_SAFETY"}]}`:                             plantain.SafetyImage,
	} {
		s := gemini.NewScanner("application/json")
		_, _ = s.Write([]byte(strings.ReplaceAll(body, "LONG", long)))
		got := verdict.Judge(gemini.Facts{Stage: plantain.Done, Status: 200, Body: s.Finish()})
		if got.Class != want {
			t.Errorf("%s: %v, want %v: %s", body, got.Class, want, got.Explanation)
		}
	}
}
