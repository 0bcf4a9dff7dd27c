package e2e

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"strings"
	"testing"

	"google.golang.org/genai"
)

// sdk is Google's own client, with nothing but its base URL set.
func sdk(t *testing.T, url string) *genai.Client {
	t.Helper()
	c, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: "anything", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: url},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func picture(t *testing.T, r *genai.GenerateContentResponse) image.Config {
	t.Helper()
	for _, p := range r.Candidates[0].Content.Parts {
		if p.InlineData != nil && !p.Thought {
			c, _, err := image.DecodeConfig(bytes.NewReader(p.InlineData.Data))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	t.Fatal("no picture in the answer")
	return image.Config{}
}

func TestGoSDKMakesAPicture(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	for _, c := range []struct {
		model, size, ratio string
		width, height      int
	}{
		{"gemini-3.1-flash-image", "", "", 1024, 1024},
		{"gemini-3.1-flash-image", "2K", "16:9", 2752, 1536},
		{"gemini-3-pro-image", "1K", "4:5", 928, 1152},
		{"gemini-2.5-flash-image", "", "3:2", 1248, 832},
	} {
		var config *genai.GenerateContentConfig
		if c.size != "" || c.ratio != "" {
			config = &genai.GenerateContentConfig{ImageConfig: &genai.ImageConfig{ImageSize: c.size, AspectRatio: c.ratio}}
		}
		r, err := sdk(t, gw.URL).Models.GenerateContent(t.Context(), c.model, genai.Text("A red apple on a white background"), config)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if p := picture(t, r); p.Width != c.width || p.Height != c.height {
			t.Errorf("%+v: got %dx%d", c, p.Width, p.Height)
		}
	}
}

func TestGoSDKChatsForThreeTurns(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	chat, err := sdk(t, gw.URL).Chats.Create(t.Context(), "gemini-3.1-flash-image", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, turn := range []string{"A red apple on a white background", "Make the background blue", "Add a green leaf"} {
		r, err := chat.SendMessage(t.Context(), genai.Part{Text: turn})
		if err != nil {
			t.Fatalf("%s: %v", turn, err)
		}
		picture(t, r)
	}
}

func TestGoSDKListsModelsAndCountsTokens(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	c := sdk(t, gw.URL)
	found := false
	for m, err := range c.Models.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		found = found || strings.HasSuffix(m.Name, "gemini-3.1-flash-image")
	}
	if !found {
		t.Error("the list has no gemini-3.1-flash-image")
	}
	if m, err := c.Models.Get(t.Context(), "gemini-3-pro-image", nil); err != nil || !strings.HasSuffix(m.Name, "gemini-3-pro-image") {
		t.Errorf("got %+v, %v", m, err)
	}
	n, err := c.Models.CountTokens(t.Context(), "gemini-3.1-flash-image", genai.Text("A red apple on a white background"), nil)
	if err != nil || n.TotalTokens == 0 {
		t.Errorf("counted %+v, %v", n, err)
	}
	if len(sim.arrivals(":generateContent")) != 0 || sim.billed() != 0 {
		t.Error("looking costs something")
	}
}

// The SDK decodes each failure as Google's own error, with our detail in it.
func TestGoSDKSeesTheErrorOfEachFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault   string
		code    int
		verdict string
	}{
		{"rate_day", 429, "rate_day"},
		{"quota_zero", 429, "quota_zero"},
		{"spending_cap", 429, "billing"},
		{"capacity", 503, "capacity"},
		{"server_error", 500, "server_error"},
		{"key_invalid", 400, "key_invalid"},
		{"service_disabled", 403, "permission"},
		{"region", 400, "region"},
		{"bad_request", 400, "bad_request"},
		{"model_not_found", 404, "model_not_found"},
		{"thought_signature", 400, "thought_signature"},
		{"drop", 502, "unanswered"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "retry: {attempts: 2, base: 10ms, cap: 10ms}")
			sim.fault(map[string]any{"fault": c.fault})
			_, err := sdk(t, gw.URL).Models.GenerateContent(t.Context(), "gemini-3.1-flash-image", genai.Text("A red apple"), nil)
			var e genai.APIError
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Code != c.code || ours(e)["verdict"] != c.verdict || ours(e)["next"] == "" {
				t.Errorf("got %d with %v, want %d and %s", e.Code, ours(e), c.code, c.verdict)
			}
		})
	}
}

// ours gives the metadata of the one detail that Plantain adds.
func ours(e genai.APIError) map[string]any {
	for _, d := range e.Details {
		if d["domain"] == "plantain" {
			m, _ := d["metadata"].(map[string]any)
			return m
		}
	}
	return nil
}
