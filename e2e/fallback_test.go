package e2e

import (
	"strings"
	"testing"

	"google.golang.org/genai"
)

const (
	pro = "gemini-3-pro-image"
	nb2 = "gemini-3.1-flash-image"
)

// withoutPro is a gateway over two projects on which Pro has no quota left today.
func withoutPro(t *testing.T, more ...string) (*google, *process) {
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two, append([]string{"queue: {max_wait: 100ms}"}, more...)...)
	sim.fault(map[string]any{"fault": "rate_day", "model": pro})
	return sim, gw
}

func served(asked []arrival) string {
	var models []string
	for _, a := range asked {
		models = append(models, strings.NewReplacer(pro, "pro", nb2, "nb2").Replace(a.Model))
	}
	return strings.Join(models, " ")
}

func TestFallbackServesWhenTheModelIsExhaustedAndSaysSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, header []string }{
		"allowed by the client":        {nil, []string{"Plantain-Fallback", "lite, nb2"}},
		"allowed by the configuration": {[]string{"fallback_models: [lite, nb2]"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, gw := withoutPro(t, c.config...)
			// Lite comes first and makes no 2K.
			a := gw.generate(pro, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"2K"}}}`, c.header...)
			if a.StatusCode != 200 || a.Header.Get("Plantain-Model-Fallback") != nb2 || a.Header.Get("Plantain-Image") != "model="+nb2+" asked="+pro {
				t.Fatalf("got %d %v", a.StatusCode, a.Header)
			}
			if got := served(sim.arrivals(":generateContent")); got != "pro pro nb2" {
				t.Errorf("asked %s", got)
			}
			var ledger struct {
				Attempts []struct{ Model, Verdict, Differs string }
			}
			id := a.Header.Get("Plantain-Request-Id")
			gw.get("/api/v1/requests/"+id, &ledger)
			if n := len(ledger.Attempts); n != 3 || ledger.Attempts[n-1].Model != nb2 || ledger.Attempts[n-1].Differs != "model="+nb2+" asked="+pro {
				t.Errorf("the ledger says %+v", ledger.Attempts)
			}
			if log := gw.output(); !strings.Contains(log, "fallback") || !strings.Contains(log, "why=rate_day") {
				t.Errorf("the log does not say so:\n%s", log)
			}
			if text, want := gw.metrics(""), `plantain_fallback_attempts_total{asked="`+pro+`",model="`+nb2+`",verdict="success"} 1`; !strings.Contains(text, want) {
				t.Errorf("the metrics have no %s", want)
			}
		})
	}
}

func TestFallbackIsNeverTakenWithoutPermission(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, header []string }{
		"nobody allowed it":     {nil, nil},
		"the client forbids it": {[]string{"fallback_models: [nb2]"}, []string{"Plantain-Fallback", "none"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, gw := withoutPro(t, c.config...)
			a := gw.generate(pro, prompt, c.header...)
			if got := served(sim.arrivals(":generateContent")); a.StatusCode != 429 || got != "pro pro" || a.Header.Get("Plantain-Model-Fallback") != "" {
				t.Errorf("got %d after asking %s", a.StatusCode, got)
			}
		})
	}
}

func TestFallbackDoesNotFollowAFilteredAnswer(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"safety_image", "safety_prompt", "recitation", "bad_request", "thought_signature"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			gw := startGateway(t, sim.URL, two)
			sim.fault(map[string]any{"fault": fault, "model": pro})
			a := gw.generate(pro, prompt, "Plantain-Fallback", "nb2")
			if got := served(sim.arrivals(":generateContent")); got != "pro" || a.Header.Get("Plantain-Model-Fallback") != "" {
				t.Errorf("got %s after asking %s", a.Header.Get("Plantain-Verdict"), got)
			}
		})
	}
}

func TestFallbackDoesNotGoToAModelThatCannotMakeTheSize(t *testing.T) {
	t.Parallel()
	sim, gw := withoutPro(t)
	a := gw.generate(pro, `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"4K"}}}`, "Plantain-Fallback", "lite")
	if got := served(sim.arrivals(":generateContent")); a.StatusCode != 429 || got != "pro pro" {
		t.Errorf("got %d after asking %s", a.StatusCode, got)
	}
	if !strings.Contains(string(a.body), "makes 1K only; asked 4K") {
		t.Errorf("it does not say why:\n%s", a.body)
	}
}

func TestFallbackIsANormalAnswerToTheGoSDK(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "fallback_models: [nb2]", "retry: {attempts: 2, base: 10ms}")
	sim.fault(map[string]any{"fault": "capacity", "model": pro})
	c := sdk(t, gw.URL)
	r, err := c.Models.GenerateContent(t.Context(), pro, genai.Text("A red apple"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := picture(t, r); p.Width != 1024 || r.SDKHTTPResponse.Headers.Get("Plantain-Model-Fallback") != nb2 {
		t.Errorf("got %d pixels, %v", p.Width, r.SDKHTTPResponse.Headers)
	}
	pictures := 0
	for r, err := range c.Models.GenerateContentStream(t.Context(), pro, genai.Text("A red apple"), nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Candidates[0].Content.Parts {
			if p.InlineData != nil {
				pictures++
			}
		}
	}
	if pictures == 0 {
		t.Error("the stream brought no picture")
	}
}
