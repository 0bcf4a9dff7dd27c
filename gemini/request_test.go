package gemini

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestARequestTellsWhatItAsksFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want Asked
	}{
		"plain": {`{"contents":[{"parts":[{"text":"a quince"}]}]}`, Asked{Prompt: "a quince", TextBytes: 8}},
		"image config": {`{"contents":[],"generationConfig":{"responseModalities":["Text","Image"],"candidateCount":"2","imageConfig":{"aspectRatio":"16:9","imageSize":"2K"}}}`,
			Asked{Size: "2K", Ratio: "16:9", Candidates: 2, Modalities: "TEXT,IMAGE"}},
		"snake case": {`{"generation_config":{"response_modalities":["IMAGE"],"image_config":{"aspect_ratio":"1:1","image_size":"4K"}},"service_tier":"flex"}`,
			Asked{Size: "4K", Ratio: "1:1", Modalities: "IMAGE", ServiceTier: "flex"}},
		"as the client spelled it": {`{"generationConfig":{"imageConfig":{"imageSize":"4k","aspectRatio":"16/9"}}}`, Asked{Size: "4k", Ratio: "16/9"}},
		"response format":          {`{"generationConfig":{"responseFormat":{"image":{"aspectRatio":"ASPECT_RATIO_TWENTY_ONE_BY_NINE","imageSize":"IMAGE_SIZE_FIVE_TWELVE"}}}}`, Asked{Size: "512", Ratio: "21:9"}},
		"short enum":               {`{"generationConfig":{"responseFormat":{"image":{"imageSize":"FOUR_K"}}}}`, Asked{Size: "4K"}},
		"batch line":               {`{"key":"a","request":{"generationConfig":{"imageConfig":{"imageSize":"1K"}}}}`, Asked{Size: "1K"}},
		"count tokens":             {`{"generateContentRequest":{"model":"m","contents":[{"parts":[{"text":"x"}]}]}}`, Asked{Prompt: "x", TextBytes: 1}},
		"interactions":             {`{"model":"m","input":"a quince","response_format":[{"type":"text"},{"type":"image","aspect_ratio":"4:5","image_size":"2K"}]}`, Asked{Prompt: "a quince", TextBytes: 8, Size: "2K", Ratio: "4:5"}},
		"interactions list":        {`{"input":[{"type":"text","text":"a"},{"type":"image","mime_type":"image/png","data":"AAAA"}]}`, Asked{Prompt: "a", TextBytes: 1, Images: 1}},
		"last user turn": {`{"contents":[{"role":"user","parts":[{"text":"first"}]},{"role":"model","parts":[{"text":"done"}]},{"role":"user","parts":[{"text":"now"},{"text":"red"}]},{"role":"model","parts":[]}],"systemInstruction":{"parts":[{"text":"be brief"}]}}`,
			Asked{Prompt: "now\nred", TextBytes: 23}},
		"pictures": {`{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"fileData":{"mimeType":"image/jpeg","fileUri":"files/x"}},{"fileData":{"mimeType":"video/mp4","fileUri":"files/y"}}]}]}`,
			Asked{Images: 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ask(test.body)
			diff(t, got, ask(test.body, 1))
			test.want.Valid, test.want.Bytes, test.want.Turns = true, int64(len(test.body)), got.Turns
			diff(t, test.want, got)
		})
	}
}

func TestTurnsCarryTheSpansOfTheirParts(t *testing.T) {
	t.Parallel()
	data := base64.StdEncoding.EncodeToString(testPNG)
	body := `{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[
		{"text":"b","thought":true},{"inlineData":{"mimeType":"image/png","data":"` + data + `"},"thoughtSignature":"c2ln"},
		{"functionCall":{"name":"f","args":{"text":"no"}}},{"text":"c"}]}]}`
	got := ask(body)
	if len(got.Turns) != 2 || got.Turns[1].Role != "model" || len(got.Turns[1].Parts) != 4 {
		t.Fatalf("got %+v", got.Turns)
	}
	parts := got.Turns[1].Parts
	for i, want := range []Kind{KindText, KindImage, KindOther, KindText} {
		if parts[i].Kind != want {
			t.Errorf("part %d is %s", i, parts[i].Kind)
		}
	}
	picture := parts[1]
	at := func(s Span) string { return body[s.Start : s.Start+s.Len] }
	if at(picture.Data) != data || at(picture.Signature) != "c2ln" || picture.Digest != Identify(testPNG) {
		t.Errorf("got %+v", picture)
	}
	if o := at(parts[3].Object); o != `{"text":"c"}` || parts[3].Signature.Len != 0 {
		t.Errorf("the last part stands at %s", o)
	}
}

func TestARequestThatIsNotOneObjectIsNotValid(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                  "the body ends before its JSON does",
		`{"contents":[`:     "the body ends before its JSON does",
		`[{"contents":[]}]`: "the body is a list, not an object",
		`{} {}`:             "byte 3: unexpected '{'",
		`{"a":1,}`:          "byte 7: unexpected '}'",
		`hello`:             "byte 0: unexpected 'h'",
	}
	for body, want := range tests {
		for _, size := range []int{1, 100} {
			if got := ask(body, size); got.Valid || got.Fault != want {
				t.Errorf("%s: valid %v, %s", body, got.Valid, got.Fault)
			}
		}
	}
	if got := ask(" {} \n"); !got.Valid {
		t.Error(got.Fault)
	}
}

func TestAHostileRequestStaysWithinBounds(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"turns":      `{"contents":[` + strings.Repeat(`{"role":"user"},`, 2*maxParts) + `{}]}`,
		"parts":      `{"contents":[{"parts":[` + strings.Repeat(`{},`, 2*maxParts) + `{}]}]}`,
		"modalities": `{"generationConfig":{"responseModalities":[` + strings.Repeat(`"TEXT",`, 2*maxParts) + `"IMAGE"]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ask(body)
			parts := 0
			for _, turn := range got.Turns {
				parts += len(turn.Parts)
			}
			if !got.Valid || len(got.Turns) > maxParts || parts > maxParts || len(got.Modalities) > 5*maxEntries {
				t.Errorf("valid %v, %d turns, %d parts, %d bytes of modalities", got.Valid, len(got.Turns), parts, len(got.Modalities))
			}
		})
	}
}
