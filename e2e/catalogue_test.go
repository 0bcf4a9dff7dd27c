package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
)

// The simulator has figures of its own: that its bill and the ledger agree for every
// model and size says that both were read right.
func TestEveryModelOfTheCatalogueCostsWhatGoogleBills(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	stdout, stderr, code := run(t, t.TempDir(), nil, "models", "-o", "json")
	var catalogue struct {
		Models []struct {
			ID          string
			Sizes       []string
			DefaultSize string `json:"default_size"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &catalogue); err != nil || code != 0 || len(catalogue.Models) < 4 {
		t.Fatalf("exit %d, %d models, %v: %s", code, len(catalogue.Models), err, stderr)
	}
	for _, m := range catalogue.Models {
		for _, size := range m.Sizes {
			body := fmt.Sprintf(`{"contents":[{"parts":[{"text":"A red apple"}]}],"generationConfig":{"imageConfig":{"imageSize":%q}}}`, size)
			if size == m.DefaultSize {
				body = prompt
			}
			before, billed := gw.spent(), sim.billed()
			if a := gw.generate(m.ID, body); a.StatusCode != 200 || a.Header.Get("Plantain-Image") != "as-asked" {
				t.Errorf("%s at %s: %d, %s: %.300s", m.ID, size, a.StatusCode, a.Header.Get("Plantain-Image"), a.body)
			}
			if cost, bill := gw.spent()-before, sim.billed()-billed; cost != bill || bill <= 0 {
				t.Errorf("%s at %s: the ledger has %d, Google's bill %d", m.ID, size, cost, bill)
			}
		}
	}
}
