package gemini

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are bodies of real shapes, small ones of each.
var seeds = []string{
	`{"candidates":[{"content":{"parts":[{"text":"Here \u00e9 \ud83c\udf4c","thoughtSignature":"EsauMg"},{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAEElEQVR4nGI6IScHCAAA//8CvgEHAOBnOAAAAABJRU5ErkJggg=="},"thoughtSignature":"x\/y"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":14,"candidatesTokenCount":"1283","candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}]},"modelVersion":"gemini-3-pro-image"}`,
	"[{\n \"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a\", \"thought\": true}]}}]\n}\n,\n{\"error\": {\"code\": 499}}]",
	`{"error":{"code":429,"message":"Please retry in 48.9s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"m","quotaId":"PerDay","quotaDimensions":{"location":"global","model":"g"},"quotaValue":"10"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"48s"},{"reason":"R","domain":"d","metadata":{"quotaResetDelay":"1h2m3s","x_y":1}}]}}`,
	`{"error":"504 DEADLINE_EXCEEDED. {'error': {'code': 504, 'message': 'it\'s late', 'ok': None}}","latency_ms":97675}`,
	`{"error":{"message":"{\n  \"error\": {\n    \"code\": 400,\n    \"message\": \"Corrupted thought signature.\"}}\n","code":400,"metadata":{"raw":"{\"error\":{\"code\":3}}"}}}`,
	`{"key":"r1","response":{"promptFeedback":{"blockReason":"SAFETY","safetyRatings":[{"blocked":true}]}}}`,
	`{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"iVBO-_8="},{"raiFilteredReason":"filtered"}]}`,
	`{"created":0,"data":[{"b64_json":"data:image/png;base64,iVBORw0KGgo\n"},{"url":"https://x.example/1.png"},{"url":"half\na link"}]}`,
	`{"id":"v1","steps":[{"type":"model_output","content":[{"type":"image","mime_type":"image/jpeg","data":"\/9j\u002f2wCE"}]}],"usage":{"total_input_tokens":10}}`,
	`{"choices":[{"message":{"content":"![x](https://e.example/a.png)","images":[{"image_url":{"url":"data:image\/png;base64\u002ciVBO"}}]},"finish_reason":"stop"}]}`,
	`{"object":"response","output":[{"type":"image_generation_call","result":"iVBO"},{"content":[{"type":"output_text","text":"x"}]}],"incomplete_details":{"reason":"content_filter"}}`,
	`{"images":["data:image/png;base64,iVBO","https://x.example/1.png","no"],"result":{"image":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1Pe"},"data":{"candidates":[{"finishReason":"STOP"}]},"other":"long"}`,
	`[GoogleGenerativeAI Error]: [429 Too Many Requests] [{"@type":"x","retryDelay":"17s"}]`,
	`{"contents":[{"role":"user","parts":[{"text":"a quince"},{"inline_data":{"mime_type":"image/png","data":"iVBO"}}]},{"role":"model","parts":[{"thought":true,"text":"t"}]}],"generationConfig":{"responseModalities":["Text","IMAGE"],"imageConfig":{"aspectRatio":"16:9","imageSize":"2K"},"candidateCount":1.0e0}}`,
	`{"input":[{"type":"text","text":"x"},{"type":"image","data":"AAAA"}],"response_format":{"image":{"aspect_ratio":"ASPECT_RATIO_SIXTEEN_BY_NINE","image_size":"FOUR_K"}}}`,
	"data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"First \"}]}}]}\r\n\r\n{\n  \"error\": {\n    \"code\": 499\n  }\n}\n",
	"data: {\"a\":1}\n\ndata: [DONE]\n\n",
	": ping\nevent: error\ndata: {\"message\":\"no\"}\n\n",
	`[]`, `{"error":{"message":"cut \ud83d`, `{"a":[1,2.5e-3,-0,true,null]} {"error":{}}`, `{"a":01}`, `[[[[[[{"error":{}}]]]]]]`, `{"candidates":[{"content":{"parts":[{"text":"half a te`,
}

// aim makes of fuzzed bytes what the scanner and encoding/json mean to agree on:
// valid UTF-8 without control characters, of which strings may have some with us.
func aim(t *testing.T, body string) string {
	body = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return ' '
		}
		return r
	}, body)
	if longNumber.MatchString(body) {
		t.Skip("a number longer than any of Google's")
	}
	return body
}

var longNumber = regexp.MustCompile(`[-+.0-9a-zE]{100}`)

// pieces gives lengths to cut a body by.
func pieces(seed uint64) []int {
	random := rand.New(rand.NewPCG(seed, 3))
	n := make([]int, 1+random.IntN(7))
	for i := range n {
		n[i] = 1 + random.IntN(1<<random.IntN(10))
	}
	return n
}

func FuzzScannerAgreesWithEncodingJSON(f *testing.F) {
	for _, body := range seeds {
		f.Add(body, uint64(1), false)
		f.Add(body, uint64(2), true)
	}
	for _, c := range capturedBodies(f) {
		f.Add(c.Body, uint64(3), false)
	}
	f.Fuzz(func(t *testing.T, body string, seed uint64, stream bool) {
		contentType := "application/json"
		if stream {
			contentType = "text/event-stream"
		}
		whole := scan(contentType, body)
		diff(t, whole, scan(contentType, body, pieces(seed)...))
		diff(t, whole, scan(contentType, body, 1))

		body = aim(t, body)
		if trimmed := strings.TrimLeft(body, " "); trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
			return
		}
		whole = scan(contentType, body)
		want := referenceBody(body)
		want.Fault, whole.Fault = "", ""
		diff(t, want, whole)
		if whole.Complete && whole.Events == 0 {
			diff(t, asEvent(whole), scan(contentType, "data: "+body+"\r\n\r\n", pieces(seed)...))
		}
	})
}

// asEvent gives the facts of a JSON body as they are where it is the data of an event.
func asEvent(b Body) Body {
	const before, behind = len("data: "), len("\r\n\r\n")
	b.Form, b.Events, b.Bytes = FormEvents, 1, b.Bytes+int64(before+behind)
	for i := range b.Parts {
		for _, s := range []*Span{&b.Parts[i].Data, &b.Parts[i].Signature, &b.Parts[i].Object, &b.Parts[i].TextAt} {
			if *s != (Span{}) {
				s.Start += int64(before)
			}
		}
	}
	return b
}

func FuzzRequestScanner(f *testing.F) {
	for _, body := range seeds {
		f.Add(body, uint64(1))
	}
	f.Fuzz(func(t *testing.T, body string, seed uint64) {
		whole := ask(body)
		diff(t, whole, ask(body, pieces(seed)...))
		diff(t, whole, ask(body, 1))

		body = aim(t, body)
		whole = ask(body)
		want := referenceAsked(body)
		want.Fault, whole.Fault = "", ""
		diff(t, want, whole)
	})
}

// ask gives what is found in a request that is written in such pieces.
func ask(body string, pieces ...int) Asked {
	var s RequestScanner
	write(&s, body, pieces)
	return s.Finish()
}

// A string is searched a block at a time: an escape or an end that lies at a border of
// blocks, or of what is written at once, is one all the same.
func TestEscapesAtTheBordersOfABlockAreFound(t *testing.T) {
	t.Parallel()
	const before = `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"`
	for _, escape := range []string{`\/`, `\n\n\u002F`, ``} {
		for _, border := range []int{block, 2 * block} {
			for at := border - 7; at <= border+1; at++ {
				// In front of the border of the string, and of the body when it comes at once.
				for _, lead := range []int{at, at - len(before)} {
					data := strings.Repeat("QUJD", lead/4+1)[:lead] + escape + "QUJDQUJDQUJD"
					body := before + data + `"}},{"text":"` + strings.Repeat("a", lead) + `\"` + escape + `b\\"}]},"finishReason":"STOP"}]}`
					whole := scan("application/json", body)
					if !whole.Complete || len(whole.Parts) != 2 {
						t.Fatalf("%q at %d: %+v", escape, lead, whole)
					}
					diff(t, referenceBody(body), whole)
					diff(t, whole, scan("application/json", body, len(before)+lead, 1, 1, 1, 1, 1, 1, 1))
					diff(t, whole, scan("application/json", body, block, 3))
				}
			}
		}
	}
}
