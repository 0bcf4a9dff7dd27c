package e2e

import "testing"

func TestWhatIsNotAsAskedIsSaid(t *testing.T) {
	t.Parallel()
	const asked = `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"2K","aspectRatio":"16:9"}}}`
	for _, c := range []struct {
		fault map[string]any
		model string
		want  string
	}{
		{nil, "gemini-3.1-flash-image", "as-asked"},
		{nil, "gemini-3.1-flash-image-preview", "model=gemini-3.1-flash-image asked=gemini-3.1-flash-image-preview"},
		{always("wrong_size"), "gemini-3.1-flash-image", "size=1K asked=2K"},
		{always("wrong_ratio"), "gemini-3.1-flash-image", "ratio=1:1 asked=16:9"},
		{always("wrong_model"), "gemini-3.1-flash-image", "model=gemini-2.5-flash-image asked=gemini-3.1-flash-image"},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			gw := startGateway(t, sim.URL, []string{"sim-1-a"})
			if c.fault != nil {
				sim.fault(c.fault)
			}
			a := gw.generate(c.model, asked)
			if got := a.Header.Get("Plantain-Image"); got != c.want {
				t.Errorf("Plantain-Image: %s, want %s", got, c.want)
			}
			var ledger struct{ Attempts []struct{ Differs string } }
			gw.get("/api/v1/requests/"+a.Header.Get("Plantain-Request-Id"), &ledger)
			want := c.want
			if want == "as-asked" {
				want = ""
			}
			if len(ledger.Attempts) != 1 || ledger.Attempts[0].Differs != want {
				t.Errorf("the ledger says %+v, want %q", ledger.Attempts, want)
			}
		})
	}
}
