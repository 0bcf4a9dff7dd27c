package e2e

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"google.golang.org/genai"
)

func TestGoSDKStreams(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	events, pictures := 0, 0
	for r, err := range sdk(t, gw.URL).Models.GenerateContentStream(t.Context(), "gemini-3.1-flash-image", genai.Text("A red apple"), nil) {
		if err != nil {
			t.Fatal(err)
		}
		events++
		for _, c := range r.Candidates {
			for _, p := range c.Content.Parts {
				if p.InlineData != nil && !p.Thought {
					pictures++
				}
			}
		}
	}
	if events < 2 || pictures != 1 {
		t.Errorf("%d events, %d pictures", events, pictures)
	}
}

func TestGoSDKSeesErrorsBeforeAndInsideAStream(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault string
		code  int
		early bool // events come before the error
	}{
		{"rate_day", 429, false}, {"capacity", 503, false}, {"key_invalid", 400, false}, {"midstream_error", 0, true}, {"cut", 0, true},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "retry: {attempts: 2, base: 10ms, cap: 10ms}")
			fault := always(c.fault)
			if c.fault == "cut" {
				fault["bytes"] = 1_900_000 // in the middle of the picture's event
			}
			sim.fault(fault)
			var failed error
			events := 0
			for _, err := range sdk(t, gw.URL).Models.GenerateContentStream(t.Context(), "gemini-3-pro-image", genai.Text("A red apple"), nil) {
				if err != nil {
					failed = err
					break
				}
				events++
			}
			var e genai.APIError
			if failed == nil || (events > 0) != c.early || c.code != 0 && (!errors.As(failed, &e) || e.Code != c.code) {
				t.Errorf("%d events, then %v", events, failed)
			}
		})
	}
}

// Both forms of a stream arrive as they were sent, byte for byte.
func TestStreamedBytesInAreBytesOut(t *testing.T) {
	t.Parallel()
	frame := `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"QUJD"}}],"role":"model"},"index":0}],"responseId":"R"}`
	last := `{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"totalTokenCount":1},"responseId":"R"}`
	for query, want := range map[string]string{
		"?alt=sse": "data: " + frame + "\r\n\r\ndata: " + last + "\r\n\r\n",
		"":         "[" + frame + "\n,\r\n" + last + "\n]\n",
	} {
		t.Run("query "+query, func(t *testing.T) {
			t.Parallel()
			url := canned(t, []byte(want), func(w http.ResponseWriter, r *http.Request, body []byte) {
				_, _ = io.Copy(io.Discard, r.Body)
				for _, piece := range bytes.SplitAfter(body, []byte("}\n")) {
					_, _ = w.Write(piece)
					_ = http.NewResponseController(w).Flush()
				}
			})
			gw := startGateway(t, url, []string{"sim-1-a"})
			if a := gw.ask(http.MethodPost, "/v1/models/gemini-3.1-flash-image:streamGenerateContent"+query, prompt); string(a.body) != want {
				t.Errorf("got %q", a.body)
			}
		})
	}
}
