package capture_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/capture"
	"github.com/plantainhq/plantain/verdict"
)

// files have captured responses with labels; those outside of the repository are
// read where they are.
var files = []string{"../verdict/testdata/cases.jsonl", "../verdict/testdata/public.jsonl", "../../shared/failures/visible.jsonl"}

// A told is a case and its verdict.
type told struct {
	capture.Case
	capture.Explanation
}

func cases(t testing.TB) []told {
	t.Helper()
	var all []told
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			if strings.Contains(path, "shared") {
				continue
			}
			t.Fatal(err)
		}
		defer file.Close()
		err = capture.Cases(file, verdict.Rules{}, capture.Hour{}, func(c capture.Case, e capture.Explanation) error {
			all = append(all, told{c, e})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestCasesAreAsLabelled(t *testing.T) {
	t.Parallel()
	all := cases(t)
	for _, c := range all {
		if agrees, labelled := c.Agrees(c.Explanation); !labelled || !agrees {
			t.Errorf("%s: %s; want %s", c.Case.ID, c.Line(), c.Truth)
		}
	}
	if len(all) < 200 {
		t.Errorf("%d cases only", len(all))
	}
}

// However an exchange was kept, it means the same.
func TestEveryFormMeansTheSame(t *testing.T) {
	t.Parallel()
	forms := map[string]func(c told) (text []byte, ok bool){
		"HTTP message": func(c told) ([]byte, bool) { return message(c, "\r\n", ""), true },
		"curl -i":      func(c told) ([]byte, bool) { return message(c, "\n", "HTTP/1.1 100 Continue\n\n"), true },
		"curl -v":      func(c told) ([]byte, bool) { return verbose(c), true },
		"behind a tunnel": func(c told) ([]byte, bool) {
			return message(c, "\r\n", "HTTP/1.1 200 Connection established\r\n\r\n"), true
		},
		"chunked and zipped":   func(c told) ([]byte, bool) { return coded(t, c), true },
		"HAR":                  func(c told) ([]byte, bool) { return archive(t, c, false), true },
		"HAR in base64":        func(c told) ([]byte, bool) { return archive(t, c, true), true },
		"an object":            func(c told) ([]byte, bool) { return object(t, c), true },
		"UTF-16 of PowerShell": func(c told) ([]byte, bool) { return wide(message(c, "\r\n", "")), true },
		"coloured": func(c told) ([]byte, bool) {
			return append([]byte("\x1b[32m\x1b[0m"), message(c, "\r\n", "")...), !strings.Contains(c.Body, "\x1b")
		},
	}
	for _, c := range cases(t) {
		for name, form := range forms {
			text, ok := form(c)
			if !ok {
				continue
			}
			same(t, c, name, capture.Read(text), false)
		}
	}
}

// What SDKs print of Google's errors says what the body said.
func TestSDKTextsMeanTheSame(t *testing.T) {
	t.Parallel()
	forms := map[string]func(e errorBody, body string) string{
		"Python": func(e errorBody, body string) string {
			return fmt.Sprintf("Traceback (most recent call last):\n  File \"make.py\", line 3, in <module>\ngoogle.genai.errors.ClientError: %d %s. %s", e.Error.Code, e.Error.Status, python(body))
		},
		"JavaScript": func(_ errorBody, body string) string {
			return "file:///app/node_modules/@google/genai/dist/node/index.mjs:13\n      const apiError = new ApiError({\n                       ^\n\nApiError: " +
				body + "\n    at throwErrorIfNotOK (file:///app/node_modules/@google/genai/dist/node/index.mjs:13:5) {\n  status: 400\n}"
		},
		"JavaScript that wraps": func(e errorBody, body string) string {
			quoted, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("ApiError: {\"error\":{\"message\":%s,\"code\":%d,\"status\":\"Bad\"}}", quoted, e.Error.Code)
		},
		"Go": func(e errorBody, _ string) string {
			return fmt.Sprintf("generate: Error %d, Message: %s, Status: %s, Details: %v", e.Error.Code, e.Error.Message, e.Error.Status, e.Error.Details)
		},
		"a log line": func(_ errorBody, body string) string {
			quoted, err := json.Marshal("gemini: " + body)
			if err != nil {
				t.Fatal(err)
			}
			return "2026-11-24T10:00:00.123Z ERROR worker=7 err=" + string(quoted)
		},
		"a JSON log": func(_ errorBody, body string) string {
			quoted, err := json.Marshal("gemini: " + body)
			if err != nil {
				t.Fatal(err)
			}
			return `{"level":"info","time":"2026-11-24T10:00:00Z","msg":"starting"}` + "\n" +
				`{"level":"error","time":"2026-11-24T10:00:01Z","msg":"image failed","err":` + string(quoted) + `}` + "\n"
		},
	}
	n := 0
	for _, c := range cases(t) {
		var e errorBody
		if c.Status < 400 || json.Unmarshal([]byte(c.Body), &e) != nil || e.Error.Code == 0 || e.Error.Status == "" || c.Header.Get("Retry-After") != "" {
			continue
		}
		n++
		for name, form := range forms {
			if name == "Go" && (strings.Contains(e.Error.Message, "\":") || strings.Contains(c.Body, "quota_id")) {
				continue // no answer of Google's
			}
			same(t, c, name, capture.Read([]byte(form(e, c.Body))), name == "Go")
		}
	}
	if n < 60 {
		t.Errorf("%d errors only", n)
	}
}

// Texts that Python printed.
func TestPythonSamples(t *testing.T) {
	t.Parallel()
	want := map[string]struct {
		class   plantain.Class
		charged plantain.Charged
	}{
		"400-signature.txt":   {plantain.ThoughtSignature, plantain.ChargedNo},
		"403-leaked.txt":      {plantain.KeyInvalid, plantain.ChargedNo},
		"429-day.txt":         {plantain.RateDay, plantain.ChargedNo},
		"503.txt":             {plantain.Capacity, plantain.ChargedNo},
		"answer-dict.txt":     {plantain.Success, plantain.ChargedYes},
		"answer-filtered.txt": {plantain.SafetyImage, plantain.ChargedNo},
		"disconnected.txt":    {plantain.Unanswered, plantain.ChargedUnknown},
		"no-name.txt":         {plantain.ServerError, plantain.ChargedNo},
		"read-timeout.txt":    {plantain.Timeout, plantain.ChargedUnknown},
	}
	samples, err := filepath.Glob("testdata/python/*")
	if err != nil || len(samples) != len(want) {
		t.Fatalf("%d samples: %v", len(samples), err)
	}
	for _, path := range samples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		w := want[filepath.Base(path)]
		found := capture.Read(text)
		got := capture.Explain(found[0], verdict.Rules{}, capture.Hour{}).Verdict()
		if len(found) != 1 || got.Class != w.class || got.Charged != w.charged {
			t.Errorf("%s: %d exchanges, %v, charged %v; want %v, charged %v", path, len(found), got.Class, got.Charged, w.class, w.charged)
		}
	}
}

const log = `2026-11-23 22:10:00,120 INFO httpx: HTTP Request: POST https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro-image:generateContent "HTTP/1.1 200 OK"
2026-11-23 22:10:09,001 INFO app: image saved, timeout=60
2026-11-24 09:00:00,120 ERROR app: generation failed
Traceback (most recent call last):
  File "/srv/app/make.py", line 31, in <module>
google.genai.errors.ClientError: 429 RESOURCE_EXHAUSTED. {'error': {'code': 429, 'message': 'Resource has been exhausted (e.g. check quota).', 'status': 'RESOURCE_EXHAUSTED'}}
2026-11-24 09:00:30,120 ERROR db: 500 rows not written
2026-11-24 09:01:00,120 WARNING app: no image: {"candidates":[{"finishReason":"IMAGE_SAFETY","index":0}],"modelVersion":"gemini-3-pro-image"}
2026-11-24 09:02:00,120 ERROR app: google.genai.errors.ServerError: 503 UNAVAILABLE. {'error': {'code': 503, 'message': 'The model is overloaded. Please try again later.', 'status': 'UNAVAILABLE'}}
`

// A log shows what went wrong with Google, and nothing else.
func TestALogShowsItsExchanges(t *testing.T) {
	t.Parallel()
	var got []string
	for _, x := range capture.Read([]byte(log)) {
		e := capture.Explain(x, verdict.Rules{}, capture.Hour{})
		got = append(got, fmt.Sprintf("%s %s %s", x.ID, x.At.Format(time.DateTime), e.Class))
	}
	want := []string{
		"line 3 2026-11-24 09:00:00 quota_unknown",
		"line 8 2026-11-24 09:01:00 safety_image",
		"line 9 2026-11-24 09:02:00 capacity",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestResultsOfABatchAreExplainedByTheirKeys(t *testing.T) {
	t.Parallel()
	text := `{"key":"a","response":{"candidates":[{"finishReason":"NO_IMAGE"}]}}
{"key":"b","error":{"code":8,"message":"Resource has been exhausted (e.g. check quota)."}}

{"key":"c","error":{"code":3,"message":"Provided image is not valid."}}
`
	var got []string
	for _, x := range capture.Read([]byte(text)) {
		got = append(got, x.ID+" "+capture.Explain(x, verdict.Rules{}, capture.Hour{}).Class.String())
	}
	if s := strings.Join(got, ", "); s != "a no_image, b quota_unknown, c bad_request" {
		t.Error(s)
	}
}

func TestAHARWithoutAnAnswerSaysHowFarItGot(t *testing.T) {
	t.Parallel()
	for failure, class := range map[string]plantain.Class{
		"net::ERR_NAME_NOT_RESOLVED": plantain.ServerError,
		"net::ERR_CONNECTION_RESET":  plantain.Unanswered,
	} {
		har := `{"log":{"entries":[{"startedDateTime":"2026-11-24T11:00:00Z","request":{"method":"POST","url":"https://generativelanguage.googleapis.com/v1/models/m:generateContent?key=AIzaSyFAKE"},
			"response":{"status":0,"content":{},"_error":"` + failure + `"}}]}}`
		x := capture.Read([]byte(har))[0]
		if v := capture.Explain(x, verdict.Rules{}, capture.Hour{}).Verdict(); v.Class != class {
			t.Errorf("%s: %v, want %v", failure, v.Class, class)
		}
		if strings.Contains(x.ID, "AIza") {
			t.Errorf("the key is told: %s", x.ID)
		}
	}
}

// Lines that are none, without labels, blank or huge move nothing.
func TestCasesTakeWhateverStandsInTheFile(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("A", 8<<20)
	file := "\ufeff" + `{"id":"a","http_status":"429","body":{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}}` + "\r\n\n" +
		"nonsense\n" +
		`{"id":null,"http_status":200,"content_type":null,"headers":null,"body":"{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"` + huge + `\"}}]},\"finishReason\":\"STOP\"}]}"}` + "\n" +
		`{"id":"c"}` + "\n" +
		`{"id":"d","http_status":503,"headers":{"Retry-After":["7"]},"body":"","truth":{"class":"capacity"}}`
	var got []string
	err := capture.Cases(strings.NewReader(file), verdict.Rules{}, capture.Hour{}, func(_ capture.Case, e capture.Explanation) error {
		line := e.ID + " " + e.Class.String()
		if e.Wait != nil {
			line += " " + strconv.FormatFloat(*e.Wait, 'g', -1, 64)
		}
		got = append(got, line)
		return nil
	})
	want := "a quota_unknown, line 3 unclassifiable, line 4 success, c unclassifiable, d capacity 7"
	if s := strings.Join(got, ", "); err != nil || s != want {
		t.Errorf("%s (%v), want %s", s, err, want)
	}
}

func TestTheHourSaysPeakAndMidnight(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	at := func(hour, minute int) capture.Hour {
		return capture.Hour{At: time.Date(2026, 11, 24, hour, minute, 0, 0, time.UTC), Midnight: midnight, Asked: true}
	}
	overload := plantain.Verdict{Class: plantain.Capacity, Retry: plantain.RetryLater, Charged: plantain.ChargedNo}
	day := plantain.Verdict{Class: plantain.RateDay, Retry: plantain.RetryOtherProject, Charged: plantain.ChargedNo}
	for hour, peak := range map[int]bool{9: false, 10: true, 13: true, 14: false} {
		if got := strings.Contains(capture.Of(overload, at(hour, 0)).Hour, "is in the busiest hours"); got != peak {
			t.Errorf("at %d:00 UTC peak is %v", hour, got)
		}
	}
	e := capture.Of(day, at(12, 10))
	if !strings.Contains(e.When, "after midnight Pacific, in 19 h 50 min, at 25 Nov 08:00 UTC") {
		t.Error(e.When)
	}
	unasked := at(12, 10)
	unasked.Asked = false
	if e := capture.Of(plantain.Verdict{Class: plantain.BadRequest}, unasked); e.Hour != "" {
		t.Error("the hour says something of a bad request:", e.Hour)
	}
}

// A person reads a few sentences, and no key.
func TestWhatAPersonReadsIsShortAndTellsNoSecret(t *testing.T) {
	t.Parallel()
	hour := capture.Hour{At: time.Now(), Midnight: time.Now().Add(time.Hour), Asked: true}
	for _, c := range cases(t) {
		sections := capture.Explain(c.Exchange(), verdict.Rules{}, hour).Sections()
		if text := fmt.Sprint(sections); len(text) > 1000 || strings.Contains(text, "AIza") || len(sections) < 3 {
			t.Errorf("%s: %d bytes in %d sections, or a key: %s", c.Case.ID, len(text), len(sections), text)
		}
	}
}

// Whatever is read, something is said of it.
func FuzzRead(f *testing.F) {
	for _, c := range cases(f) {
		f.Add(message(c, "\r\n", ""))
		f.Add([]byte(c.Body))
	}
	f.Add([]byte(log))
	f.Fuzz(func(t *testing.T, text []byte) {
		found := capture.Read(text)
		if len(found) == 0 {
			t.Error("nothing")
		}
		for _, x := range found {
			if e := capture.Explain(x, verdict.Rules{}, capture.Hour{}); e.Explanation == "" || e.Fix == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}

// A stack trace names the error in its last line, however long it is.
func TestTheEndOfALongTraceIsRead(t *testing.T) {
	t.Parallel()
	frame := "  File \"/usr/lib/python3.12/site-packages/httpx/_client.py\", line 900, in send\n    response = self._send(request)\n"
	for last, want := range map[string]plantain.Class{
		"httpx.ReadTimeout: The read operation timed out":                                                                                            plantain.Timeout,
		"google.api_core.exceptions.ResourceExhausted: 429 Resource has been exhausted (e.g. check quota).":                                          plantain.QuotaUnknown,
		"google.api_core.exceptions.PermissionDenied: 403 Your API key was reported as leaked. Use another.":                                         plantain.KeyInvalid,
		"google.genai.errors.ServerError: 503 UNAVAILABLE. {'error': {'code': 503, 'message': 'The model is overloaded.', 'status': 'UNAVAILABLE'}}": plantain.Capacity,
	} {
		for _, frames := range []int{1, 40, 400} {
			text := "Traceback (most recent call last):\n" + strings.Repeat(frame, frames) + last + "\n"
			found := capture.Read([]byte(text))
			if got := verdict.Judge(found[0].Facts); len(found) != 1 || got.Class != want {
				t.Errorf("%d frames, %s: %v, want %v", frames, last, got.Class, want)
			}
		}
	}
}
