package gemini_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/plantainhq/plantain/gemini"
)

func shows(mime, bytes string) gemini.CallPart {
	return gemini.CallPart{MIME: mime, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(bytes)), nil }}
}

func TestACallIsWhatGenerateContentTakes(t *testing.T) {
	t.Parallel()
	c := gemini.Call{Size: "2K", Ratio: "16:9", Turns: []gemini.CallTurn{
		{Role: "user", Parts: []gemini.CallPart{{Text: "a \"cat\",\nπ"}, shows("image/png", "12345")}},
		{Role: "model", Parts: []gemini.CallPart{shows("image/jpeg", "jpeg"), shows("image/jpeg", "")}},
		{Role: "user", Parts: []gemini.CallPart{{Text: "now black"}}},
	}}
	const want = `{"contents":[{"role":"user","parts":[{"text":"a \"cat\",\nπ"},{"inlineData":{"mimeType":"image/png","data":"MTIzNDU="}}]},` +
		`{"role":"model","parts":[{"inlineData":{"mimeType":"image/jpeg","data":"anBlZw=="}},{"inlineData":{"mimeType":"image/jpeg","data":""}}]},` +
		`{"role":"user","parts":[{"text":"now black"}]}],"generationConfig":{"responseModalities":["TEXT","IMAGE"],"imageConfig":{"imageSize":"2K","aspectRatio":"16:9"}}}`
	for range 2 { // as often as it is asked
		body := c.Body()
		got, err := io.ReadAll(body)
		if err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
		_ = body.Close()
	}
	var scan gemini.RequestScanner
	_, _ = io.Copy(&scan, c.Body())
	if asked := scan.Finish(); !asked.Valid || asked.Prompt != "now black" || asked.Size != "2K" || asked.Images != 2 || len(asked.Turns) != 3 {
		t.Errorf("it is read as %+v", asked)
	}
	bare := gemini.Call{Turns: c.Turns[2:]}
	if got, err := io.ReadAll(bare.Body()); err != nil || !strings.HasSuffix(string(got), `"generationConfig":{"responseModalities":["TEXT","IMAGE"]}}`) {
		t.Errorf("without size and ratio: %s, %v", got, err)
	}
}

func TestACallWhosePictureIsGoneBreaksOff(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	c := gemini.Call{Turns: []gemini.CallTurn{{Role: "user", Parts: []gemini.CallPart{{Text: "a cat"},
		{MIME: "image/png", Open: func() (io.ReadCloser, error) { return nil, gone }}}}}}
	if _, err := io.ReadAll(c.Body()); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}
