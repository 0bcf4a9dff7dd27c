package gemini

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A captured body is one line of the labelled failures.
type captured struct {
	ID          string
	ContentType string `json:"content_type"`
	Body        string
}

// capturedBodies gives the labelled failures, none where they are not at hand.
func capturedBodies(tb testing.TB) []captured {
	tb.Helper()
	f, err := os.Open("../../shared/failures/visible.jsonl")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []captured
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c captured
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			tb.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// scan gives what is found in body when it is written in pieces of these
// lengths, over and over.
func scan(contentType, body string, pieces ...int) Body {
	s := NewScanner(contentType)
	write(s, body, pieces)
	return s.Finish()
}

func write(w interface{ Write([]byte) (int, error) }, body string, pieces []int) {
	for i := 0; len(body) > 0; i++ {
		n := len(body)
		if len(pieces) > 0 {
			n = min(n, max(1, pieces[i%len(pieces)]))
		}
		w.Write([]byte(body[:n]))
		body = body[n:]
	}
}

// diff fails the test where want and got differ, with the fields that do.
func diff(t *testing.T, want, got any) {
	t.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	if w.Kind() != reflect.Struct || w.Type() != g.Type() {
		t.Errorf("want %+v\n got %+v", want, got)
		return
	}
	for i := range w.NumField() {
		if a, b := w.Field(i).Interface(), g.Field(i).Interface(); !reflect.DeepEqual(a, b) {
			t.Errorf("%s:\nwant %+v\n got %+v", w.Type().Field(i).Name, a, b)
		}
	}
}

func TestCapturedBodiesGiveTheSameFactsInAnyChunking(t *testing.T) {
	t.Parallel()
	for _, c := range capturedBodies(t) {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			whole := scan(c.ContentType, c.Body)
			diff(t, whole, scan(c.ContentType, c.Body, 1))
			random := rand.New(rand.NewPCG(1, uint64(len(c.Body))))
			for range 20 {
				diff(t, whole, scan(c.ContentType, c.Body, random.IntN(40), random.IntN(400), random.IntN(9)))
			}
		})
	}
}

func TestAnImageAnswerGivesPictureSignatureAndUsage(t *testing.T) {
	t.Parallel()
	data := base64.StdEncoding.EncodeToString(testPNG)
	body := `{"candidates":[{"content":{"parts":[{"text":"Here","thoughtSignature":"c2ln"},` +
		`{"inlineData":{"mimeType":"image/png","data":"` + data + `"},"thoughtSignature":"c2lnbmF0dXJl"}],"role":"model"},` +
		`"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":14,"candidatesTokenCount":"1283",` +
		`"totalTokenCount":1471,"promptTokensDetails":[{"modality":"IMAGE","tokenCount":258}],` +
		`"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120},{"modality":"TEXT","tokenCount":5}],` +
		`"thoughtsTokenCount":174,"serviceTier":"standard"},"modelVersion":"gemini-3-pro-image","responseId":"QV8o"}`
	got := scan("application/json", body)
	diff(t, Usage{Seen: true, Prompt: 14, Candidates: 1283, Thoughts: 174, Total: 1471,
		ImageOut: 1120, TextOut: 5, ImageIn: 258, ServiceTier: "standard"}, got.Usage)
	if !got.Complete || got.Form != FormJSON || got.Candidates != 1 || got.FinishReason != "STOP" || len(got.Parts) != 2 {
		t.Fatalf("got %+v", got)
	}
	picture := got.Parts[1]
	for name, want := range map[string]struct {
		span Span
		text string
	}{"data": {picture.Data, data}, "signature": {picture.Signature, "c2lnbmF0dXJl"}} {
		if at := body[want.span.Start:][:want.span.Len]; at != want.text {
			t.Errorf("%s stands at %q", name, at)
		}
	}
	if object := body[picture.Object.Start:][:picture.Object.Len]; !json.Valid([]byte(object)) || object[0] != '{' {
		t.Errorf("the part stands at %s", object)
	}
	picture.Data, picture.Signature, picture.Object = Span{}, Span{}, Span{}
	diff(t, Part{Kind: KindImage, MIME: "image/png", Width: 1, Height: 1,
		Decoded: int64(len(testPNG)), Digest: Identify(testPNG)}, picture)
}

func TestPicturesAreFoundInEveryShape(t *testing.T) {
	t.Parallel()
	data := base64.StdEncoding.EncodeToString(testPNG)
	tests := map[string]string{
		"snake case":          `{"candidates":[{"content":{"parts":[{"inline_data":{"mime_type":"image/png","data":"DATA"}}]}}]}`,
		"escaped names":       `{"candidates":[{"content":{"parts":[{"\u0069nlineData":{"mimeType":"image\/png","data":"DATA"}}]}}]}`,
		"streamed array":      `[{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"DATA"}}]}}]}]`,
		"batch line":          `{"key":"a","response":{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"DATA"}}]}}]}}`,
		"imagen":              `{"predictions":[{"bytesBase64Encoded":"DATA","mimeType":"image/png"}]}`,
		"openai":              `{"created":1,"data":[{"b64_json":"DATA"}]}`,
		"openai data url":     `{"created":1,"data":[{"url":"data:image/png;base64,DATA"}]}`,
		"openrouter chat":     `{"choices":[{"message":{"content":"","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,DATA"}}]}}]}`,
		"interactions":        `{"steps":[{"type":"model_output","content":[{"type":"image","mime_type":"image/png","data":"DATA"}]}]}`,
		"interactions stream": "event: step.delta\ndata: {\"delta\":{\"type\":\"image\",\"mime_type\":\"image/png\",\"data\":\"DATA\"}}\n\ndata: [DONE]\n\n",
		"events":              "data: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"DATA\"}}]}}]}\r\n\r\n",
		"events without type": "data:{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"DATA\"}}]}}]}\n",
	}
	spellings := map[string]string{
		"standard":        data,
		"url-safe":        base64.URLEncoding.EncodeToString(testPNG),
		"without padding": base64.RawStdEncoding.EncodeToString(testPNG),
		"escaped slashes": strings.ReplaceAll(data, "/", `\/`),
		"line breaks":     data[:40] + `\n` + data[40:76] + `\r\n` + data[76:],
		"unicode escapes": strings.ReplaceAll(data, "=", `\u003d`),
	}
	for shape, body := range tests {
		for spelling, data := range spellings {
			t.Run(shape+", "+spelling, func(t *testing.T) {
				t.Parallel()
				got := scan("", strings.ReplaceAll(body, "DATA", data))
				var pictures []Part
				for _, p := range got.Parts {
					if p.Kind == KindImage {
						pictures = append(pictures, p)
					}
				}
				if len(pictures) != 1 || !got.Complete {
					t.Fatalf("got %+v", got)
				}
				p := pictures[0]
				if p.Digest != Identify(testPNG) || p.Decoded != int64(len(testPNG)) || p.Width != 1 || p.Height != 1 {
					t.Errorf("got %+v", p)
				}
			})
		}
	}
}

func TestAStreamTellsWhereItsEventsEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		ends []int64
	}{
		"events":              {"data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n", []int64{17, 34}},
		"no last blank line":  {"data: {\"a\":1}\n\ndata: {\"b\":2}\n", []int64{15, 29}},
		"error without data":  {"data: {\"a\":1}\n\n{\n \"error\": {\n}}\n", []int64{15, 32}},
		"elements":            {"[{\"a\": [{}]}\n,\r\n{\"b\":2}\n]", []int64{12, 23}},
		"cut in second event": {"data: {\"a\":1}\n\ndata: {\"b\":", []int64{15}},
		"one value":           {"{\"a\":[{},{}]}", nil},
	}
	for name, test := range tests {
		for _, size := range []int{1, 3, 1000} {
			t.Run(fmt.Sprint(name, " by ", size), func(t *testing.T) {
				t.Parallel()
				s := NewScanner("")
				var ends []int64
				s.OnEvent = func(end int64) { ends = append(ends, end) }
				write(s, test.body, []int{size})
				s.Finish()
				diff(t, test.ends, ends)
			})
		}
	}
}

func TestSoFarTellsWhatAnEventHeld(t *testing.T) {
	t.Parallel()
	s := NewScanner("text/event-stream")
	var reasons []string
	var failed []int
	s.OnEvent = func(int64) {
		b := s.SoFar()
		reasons, failed = append(reasons, b.FinishReason), append(failed, len(b.Errors))
	}
	write(s, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n"+
		"data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n{\"error\":{\"code\":499}}\n", nil)
	got := s.Finish()
	diff(t, []string{"", "STOP", "STOP"}, reasons)
	diff(t, []int{0, 0, 1}, failed)
	if got.Events != 3 || !got.Complete || got.Form != FormEvents {
		t.Errorf("got %+v", got)
	}
}

func TestFormOfABody(t *testing.T) {
	t.Parallel()
	const events = "text/event-stream"
	tests := map[string]struct {
		contentType, body string
		form              Form
		complete, broken  bool
	}{
		"nothing":                   {"", "", FormEmpty, false, false},
		"white space":               {"", " \r\n", FormEmpty, false, false},
		"json":                      {"", " {}\n", FormJSON, true, false},
		"json with byte order mark": {"", "\ufeff{\"a\":1}", FormJSON, true, false},
		"json as events":            {events, "{\"error\":{}}", FormJSON, true, false},
		"json lines":                {"", "{}\n{}\n", FormJSON, true, false},
		"json, then words":          {"", "{\"a\":1} bye", FormJSON, false, true},
		"cut":                       {"", "{\"a\":", FormJSON, false, false},
		"cut in a number":           {"", "{\"a\":1", FormJSON, false, false},
		"broken":                    {"", "{\"a\":1,}", FormJSON, false, true},
		"too deep":                  {"", "{\"a\":" + strings.Repeat("[", 200), FormJSON, false, true},
		"brackets, but a text":      {"", "[GoogleGenerativeAI Error]: [429]", FormText, false, false},
		"python":                    {"", "{'error': {'code': 504}}", FormText, false, false},
		"text":                      {"", "upstream connect error", FormText, false, false},
		"text as events":            {events, "upstream connect error", FormText, false, false},
		"a data url":                {"text/plain", "data:image/png;base64,AAAA", FormText, false, false},
		"a number":                  {"", "404", FormText, false, false},
		"events":                    {events, "data: {}\n\n", FormEvents, true, false},
		"events as text":            {"text/plain", "data: {}\n\n", FormEvents, true, false},
		"events and a comment":      {events, ": ping\n\ndata: {}\n\n: ping\n\n", FormEvents, true, false},
		"event over two lines":      {events, "data: {\"a\":\ndata: 1}\n\n", FormEvents, true, false},
		"events, then words":        {events, "data: {}\n\nupstream connect error\n", FormEvents, false, true},
		"event that is no json":     {events, "data: oops\n\n", FormEvents, false, true},
		"half an event":             {events, "data: {}\n\ndata: {\"a\":\n\n", FormEvents, false, true},
		"cut event":                 {events, "data: {}\n\ndata: {\"a\":", FormEvents, false, false},
		"comments alone":            {events, ": ping\n\n", FormEvents, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scan(test.contentType, test.body)
			if got.Form != test.form || got.Complete != test.complete || got.Broken != test.broken {
				t.Errorf("got %q, complete %v, broken %v: %s", got.Form, got.Complete, got.Broken, got.Fault)
			}
			if got.Broken != (got.Fault != "") {
				t.Errorf("fault %q", got.Fault)
			}
			diff(t, got, scan(test.contentType, test.body, 1))
		})
	}
}

func TestFaultsSayWhereAndWhy(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`{"a" 1}`:    "byte 5: unexpected '1'",
		`{"a":tru}`:  "byte 5: neither a number nor true, false or null",
		`{"a":"\q"}`: `byte 7: no escape: \q`,
		`{"a":` + strings.Repeat("[", maxDepth+1):  "byte 104: nested deeper than 100",
		`{"a":` + strings.Repeat("1", maxNumber+1): "byte 5: a number longer than 128 bytes",
	}
	for body, want := range tests {
		if got := scan("", body).Fault; got != want {
			t.Errorf("%.20s: %s, want %s", body, got, want)
		}
	}
}

func TestTextsAreCutAtARune(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\u00e9", MaxText)
	got := scan("", `{"candidates":[{"content":{"parts":[{"text":"x`+long+`"}]}}]}`)
	if text := got.Parts[0].Text; len(text) != MaxText-1 || !strings.HasSuffix(text, "\u00e9") {
		t.Errorf("%d bytes, ends in %q", len(text), text[len(text)-4:])
	}
	got = scan("", "oops \xff "+long)
	if len(got.Text) > MaxText || !strings.HasPrefix(got.Text, "oops \ufffd ") {
		t.Errorf("%d bytes: %.20q", len(got.Text), got.Text)
	}
}

func TestAHostileBodyStaysWithinBounds(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"parts":  `{"candidates":[{"content":{"parts":[` + strings.Repeat(`{"text":"a"},`, 2*maxParts) + `{}]}}]}`,
		"texts":  `{"candidates":[{"content":{"parts":[` + strings.Repeat(`{"text":"`+strings.Repeat("a", MaxText)+`"},`, maxKept/MaxText+9) + `{}]}}]}`,
		"errors": `[` + strings.Repeat(`{"error":{"message":"a"}},`, 2*maxLayers) + `{}]`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scan("", body)
			kept := 0
			for _, p := range got.Parts {
				kept += len(p.Text)
			}
			if !got.Cut || !got.Complete || len(got.Parts) > maxParts || kept > maxKept+MaxText || len(got.Errors) > maxLayers {
				t.Errorf("cut %v, %d parts, %d bytes, %d errors", got.Cut, len(got.Parts), kept, len(got.Errors))
			}
		})
	}
}

func TestAResetScannerForgets(t *testing.T) {
	t.Parallel()
	bodies := slices.Clone(seeds)
	for _, c := range capturedBodies(t) {
		bodies = append(bodies, c.Body)
	}
	picture := strings.Repeat("iVBORw0K", 3*identityChars/8)
	bodies = append(bodies, `{"candidates":[{"content":{"parts":[{"inlineData":{"data":"`+picture+`"}},{"text":"`+strings.Repeat("b", 2*MaxText)+`"}]}}]}`)
	rapid.Check(t, func(t *rapid.T) {
		used := NewScanner("")
		for range rapid.IntRange(1, 6).Draw(t, "bodies") {
			body := rapid.SampledFrom(bodies).Draw(t, "body")
			if rapid.Bool().Draw(t, "cut") {
				body = body[:rapid.IntRange(0, len(body)).Draw(t, "at")]
			}
			contentType := rapid.SampledFrom([]string{"", "application/json", "text/event-stream"}).Draw(t, "type")
			cut := pieces(rapid.Uint64().Draw(t, "pieces"))
			used.Reset(contentType)
			write(used, body, cut)
			if rapid.IntRange(0, 3).Draw(t, "broke off") == 0 {
				continue
			}
			got, want := used.Finish(), scan(contentType, body, cut...)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%.200q gives\n%+v, want\n%+v", body, got, want)
			}
		}
	})
}
