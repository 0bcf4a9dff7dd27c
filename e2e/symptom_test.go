package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// The table needs no gateway, no key and no configuration; a running gateway adds
// how it finds the models served, to a client as well as to the command.
func TestWhatIsSeenIsFoundWithAndWithoutAGateway(t *testing.T) {
	t.Parallel()
	alone, stderr, code := run(t, t.TempDir(), nil, "symptom", "the", "spiner", "never", "stops")
	if code != 0 || stderr != "" || !strings.HasPrefix(alone, "The spinner never stops\n") || strings.Contains(alone, "Your gateway") {
		t.Errorf("alone: exit %d, %s\n%s", code, stderr, alone)
	}
	if list, _, code := run(t, t.TempDir(), nil, "symptom"); code != 0 || !strings.Contains(list, "\n  app-greyed-out ") {
		t.Errorf("on a pipe without words: exit %d\n%s", code, list)
	}
	if _, stderr, code := run(t, t.TempDir(), nil, "symptom", "429", "--server", "http://127.0.0.1:1"); code != 1 || !strings.Contains(stderr, "no answer from a gateway at http://127.0.0.1:1") {
		t.Errorf("with a gateway that is not there: exit %d, %s", code, stderr)
	}

	sim := startSim(t)
	gw := startGateway(t, sim.URL, two, "retry: {attempts: 1}")
	sim.fault(map[string]any{"fault": "capacity", "model": nb2, "next": 1})
	gw.generate(nb2, prompt)
	gw.generate(nb2, prompt)
	const weather = " is served; 1 of 2 attempts of the last ten minutes were refused."
	beside := strings.Join(strings.Fields(gw.plantain("symptom", "spinner")), " ")
	if !strings.Contains(beside, "Your gateway: "+nb2+" (gemini at ") || !strings.Contains(beside, weather) {
		t.Errorf("beside a gateway: %s", beside)
	}
	var found struct {
		Fits []struct {
			ID  string
			Now []string
		}
	}
	if err := json.Unmarshal([]byte(gw.plantain("symptom", "endless", "spinner", "-o", "json")), &found); err != nil || len(found.Fits) == 0 ||
		found.Fits[0].ID != "spinner" || !strings.Contains(strings.Join(found.Fits[0].Now, " "), weather) {
		t.Errorf("as JSON: %v, %+v", err, found)
	}
}
