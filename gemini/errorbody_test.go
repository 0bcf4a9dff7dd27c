package gemini

import (
	"strings"
	"testing"
	"time"
)

func TestErrorsAreFoundInEveryWrapping(t *testing.T) {
	t.Parallel()
	const google = `{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}`
	escaped := strings.ReplaceAll(google, `"`, `\"`)
	twice := strings.ReplaceAll(strings.ReplaceAll(escaped, `\`, `\\`), `\\"`, `\\\"`)
	tests := map[string]struct {
		body   string
		layers int // with Google's own
	}{
		"itself":            {google, 1},
		"list":              {"[" + google + "]", 1},
		"batch line":        {`{"key":"k",` + google[1:], 1},
		"in a message":      {`{"error":{"code":429,"message":"` + escaped + `"}}`, 2},
		"behind words":      {`{"error":{"message":"All 3 attempts failed: HTTP 400: ` + escaped + `"}}`, 2},
		"in a wrapper":      {`{"ok":false,"result":` + google + `}`, 1},
		"axios":             {`{"response":{"status":400,"data":` + google + `}}`, 1},
		"list of errors":    {`{"errors":[` + google[len(`{"error":`):len(google)-1] + `]}`, 1},
		"every attempt":     {`{"error":{"message":"1: ` + escaped + `, 2: ` + escaped + `"}}`, 2},
		"router":            {`{"error":{"message":"Provider returned error","metadata":{"raw":"` + escaped + `"}}}`, 2},
		"three deep":        {`{"error":{"message":"x: {\"error\":{\"message\":\"Provider returned error\",\"metadata\":{\"raw\":\"` + twice + `\"}}}"}}`, 3},
		"error as a string": {`{"error":"` + escaped + `"}`, 2},
		"details beside":    {`{"error":"Failed","details":"` + escaped + `"}`, 3},
		"gateway message":   {`{"message":"` + escaped + `","status":502}`, 2},
		"error in error":    {`{"error":` + google + `}`, 2},
		"text":              {"All accounts exhausted. Last error: HTTP 400: " + google, 1},
		"escaped in a text": {`Error: "` + escaped + `" (attempt 2)`, 1},
		"a JSON string":     {`"` + escaped + `"`, 1},
		"python":            {`400 INVALID_ARGUMENT. {'error': {'code': 400, 'message': 'Corrupted thought signature.', 'status': 'INVALID_ARGUMENT', 'ok': None}}`, 1},
		"python in JSON":    {`{"detail":"{'error': {'code': 400, 'message': 'Corrupted thought signature.', 'status': 'INVALID_ARGUMENT'}}"}`, 2},
		"node":              {"ApiError: { error: { code: 400, message: 'Corrupted thought signature.', status: \"INVALID_ARGUMENT\" } }", 1},
		"Go":                {"generate: Error 400, Message: Corrupted thought signature., Status: INVALID_ARGUMENT, Details: []", 1},
		"code and status":   {"400 INVALID_ARGUMENT: Corrupted thought signature.", 1},
		"event":             {"event: error\ndata: " + google + "\n\n", 1},
		"stray braces":      {"{x} contents[0] [{}] {\"a\":[1,} " + google, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scan("", test.body).Errors
			if len(got) != test.layers {
				t.Fatalf("%d layers: %+v", len(got), got)
			}
			diff(t, ErrorFacts{Code: 400, Message: "Corrupted thought signature.", Status: "INVALID_ARGUMENT"}, got[len(got)-1])
		})
	}
}

func TestDetailsOfAnError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want ErrorFacts
	}{
		"quota": {`{"error":{"code":429,"details":[` +
			`{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"m","quotaId":"PerDay",` +
			`"quotaDimensions":{"location":"global","model":"g"},"quotaValue":"10","futureQuotaValue":20},{"quotaId":"PerMinute"}]},` +
			`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"48.9s"}]}}`,
			ErrorFacts{Code: 429, RetryDelay: 48900 * time.Millisecond, HasDelay: true, Violations: []Violation{
				{Metric: "m", ID: "PerDay", Model: "g", Location: "global", Value: "10", FutureValue: "20"}, {ID: "PerMinute"}}}},
		"older JavaScript SDK": {`[GoogleGenerativeAI Error]: [429 Too Many Requests] No. [{"@type":"x/QuotaFailure","violations":[{"quotaId":"PerDay"}]},{"@type":"x/RetryInfo","retryDelay":"17s"}]`,
			ErrorFacts{RetryDelay: 17 * time.Second, HasDelay: true, Violations: []Violation{{ID: "PerDay"}}}},
		"Go": {"Error 429, Message: No., Status: RESOURCE_EXHAUSTED, Details: [map[@type:x/QuotaFailure violations:[map[quotaDimensions:map[model:g] quotaId:PerDay quotaMetric:m quotaValue:10] map[quotaId:Zero quotaMetric:m]]] map[@type:x/RetryInfo retryDelay:17s]]",
			ErrorFacts{Code: 429, Message: "No.", Status: "RESOURCE_EXHAUSTED", RetryDelay: 17 * time.Second, HasDelay: true,
				Violations: []Violation{{ID: "PerDay", Metric: "m", Value: "10"}, {ID: "Zero", Metric: "m"}}}},
		"gRPC": {"429 No. [violations {\n  quota_metric: \"m\"\n  quota_id: \"PerDay\"\n  quota_dimensions {\n    key: \"model\"\n    value: \"g\"\n  }\n  quota_value: 15\n}\n, retry_delay {\n  seconds: 58\n}\n]",
			ErrorFacts{Code: 429, Message: "No.", RetryDelay: 58 * time.Second, HasDelay: true, Violations: []Violation{{ID: "PerDay", Metric: "m", Value: "15"}}}},
		"older gRPC": {"429 No. [reason: \"RATE_LIMIT_EXCEEDED\"\ndomain: \"googleapis.com\"\nmetadata {\n  key: \"quota_limit_value\"\n  value: \"0\"\n}\n]",
			ErrorFacts{Code: 429, Message: "No.", Reason: "RATE_LIMIT_EXCEEDED", Domain: "googleapis.com", Metadata: map[string]string{"quota_limit_value": "0"}}},
		"delay as an object": {`{"error":{"details":[{"retryDelay":{"seconds":"3","nanos":500000000}}]}}`,
			ErrorFacts{RetryDelay: 3500 * time.Millisecond, HasDelay: true}},
		"zero delay": {`{"error":{"details":[{"retryDelay":"0s"}]}}`, ErrorFacts{HasDelay: true}},
		"reset delay": {`{"error":{"details":[{"reason":"QUOTA_EXHAUSTED","domain":"d","metadata":{"quotaResetDelay":"135h9m46s","quota_limit":"L"}}]}}`,
			ErrorFacts{Reason: "QUOTA_EXHAUSTED", Domain: "d", RetryDelay: 135*time.Hour + 9*time.Minute + 46*time.Second, HasDelay: true,
				Metadata: map[string]string{"quotaResetDelay": "135h9m46s", "quota_limit": "L"}}},
		"retry info before reset delay": {`{"error":{"details":[{"retryDelay":"2s"},{"metadata":{"quotaResetDelay":"1h"}}]}}`,
			ErrorFacts{RetryDelay: 2 * time.Second, HasDelay: true, Metadata: map[string]string{"quotaResetDelay": "1h"}}},
		"fields": {`{"error":{"details":[{"fieldViolations":[{"field":"f","description":"d"}]}]}}`,
			ErrorFacts{Fields: []FieldViolation{{"f", "d"}}}},
		"debug":         {`{"error":{"details":[{"detail":"one"},{"detail":"two"}]}}`, ErrorFacts{Debug: "one\ntwo"}},
		"older reason":  {`{"error":{"errors":[{"reason":"forbidden","domain":"global","message":"m"}]}}`, ErrorFacts{Reason: "forbidden", Domain: "global"}},
		"reason wins":   {`{"error":{"details":[{"reason":"R"}],"errors":[{"reason":"forbidden"}]}}`, ErrorFacts{Reason: "R"}},
		"word as code":  {`{"error":{"code":"not_found","type":"t"}}`, ErrorFacts{CodeText: "not_found"}},
		"type":          {`{"error":{"type":"insufficient_quota","code":null}}`, ErrorFacts{CodeText: "insufficient_quota"}},
		"code as text":  {`{"error":{"code":"429"}}`, ErrorFacts{Code: 429}},
		"gateway":       {`{"status":400,"message":"no body"}`, ErrorFacts{Code: 400, Message: "no body"}},
		"cut":           {`{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your curr`, ErrorFacts{Code: 429, Status: "RESOURCE_EXHAUSTED", Message: "You exceeded your curr"}},
		"not an answer": {`{"status":"completed","id":"v1"}`, ErrorFacts{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got ErrorFacts
			if all := scan("", test.body).Errors; len(all) > 0 {
				got = all[0]
			}
			diff(t, test.want, got)
		})
	}
}

func TestAGatewayMessageStandsAroundItsError(t *testing.T) {
	t.Parallel()
	got := scan("", `{"error":"Internal Server Error","message":"No image data returned"}`).Errors
	diff(t, []ErrorFacts{{Message: "No image data returned"}, {Message: "Internal Server Error"}}, got)
}

func TestHostileTextsAreUnwrappedWithinBounds(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"{", `{\"`, `{"a":`, "[{", "{'", `{"error":"`, `{"error":{"message":"{`, "{a:{"} {
		text := strings.Repeat(piece, MaxText/len(piece))
		var u unwrapper
		u.text(text, 0)
		if u.tries > maxTries || len(u.found) > maxLayers {
			t.Errorf("%s: %d tries, %d layers", piece, u.tries, len(u.found))
		}
	}
}

func TestLinksToPicturesAreCounted(t *testing.T) {
	t.Parallel()
	tests := map[string]int{
		"no picture, see https://ai.google.dev/docs": 0,
		"![image](https://e.example/1.png)":          1,
		"![](data:image/png;base64,iVBO)":            1,
		"data:image/webp;base64,UklG":                1,
		"https://e.example/a.JPG or /b":              0,
		"here: https://e.example/a.jpg":              1,
		"<img alt=x src='https://e.example/'>":       1,
		"![a](http://e.example/1) ![b](https://e/2)": 2,
		"half: ![image](https://e.ex":                1,
	}
	for text, want := range tests {
		parts := []Part{{Kind: KindText, Text: text}, {Kind: KindText, Thought: true, Text: "data:image/png;base64,AA"}}
		if got := countLinks(parts); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	if got := countLinks([]Part{{Kind: KindText, Text: "https://e.example/1.png"}, {Kind: KindText, Text: "Done"}}); got != 1 {
		t.Errorf("a link before another text counts %d", got)
	}
	if got := countLinks([]Part{{Kind: KindText, Text: "![im"}, {Kind: KindText, Text: "age](https://e.example/1)"}}); got != 1 {
		t.Errorf("a link over two events counts %d", got)
	}
}
