package e2e

import (
	"testing"

	"google.golang.org/genai"
)

// An answer that Google paused makes the SDK ask again by itself: that goes to the
// project that has the token, and the ledger says what belongs together.
func TestAnAnswerThatTheSDKContinuesIsOneStoryInTheLedger(t *testing.T) {
	t.Parallel()
	for _, streamed := range []bool{false, true} {
		sim := startSim(t)
		gw := startGateway(t, sim.URL, []string{"sim-1-a", "sim-1-b", "sim-1-c"})
		sim.fault(map[string]any{"fault": "continuation", "next": 2})
		c := sdk(t, gw.URL)
		const model = "gemini-3.1-flash-image"
		if streamed {
			for _, err := range c.Models.GenerateContentStream(t.Context(), model, genai.Text("A red apple"), nil) {
				if err != nil {
					t.Fatal(err)
				}
			}
		} else {
			r, err := c.Models.GenerateContent(t.Context(), model, genai.Text("A red apple"), nil)
			if err != nil {
				t.Fatal(err)
			}
			picture(t, r)
		}
		var got struct {
			Attempts []struct {
				ID, Project, Continues, Verdict string
			}
		}
		gw.get("/api/v1/requests", &got)
		if len(got.Attempts) != 3 { // newest first
			t.Fatalf("streamed %v: %d attempts, want 3", streamed, len(got.Attempts))
		}
		for i, a := range got.Attempts {
			before := ""
			if i+1 < len(got.Attempts) {
				before = got.Attempts[i+1].ID
			}
			if a.Continues != before {
				t.Errorf("streamed %v: %s continues %q, want %q", streamed, a.ID, a.Continues, before)
			}
			if a.Project != got.Attempts[0].Project {
				t.Errorf("streamed %v: one story on projects %s and %s", streamed, a.Project, got.Attempts[0].Project)
			}
		}
		if got.Attempts[0].Verdict != "success" || got.Attempts[2].Verdict != "truncated" {
			t.Errorf("streamed %v: verdicts %+v", streamed, got.Attempts)
		}
	}
}
