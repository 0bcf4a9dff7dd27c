package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// export gives the simulator's bill as Cloud Billing exports it.
func (g *google) export() string {
	g.t.Helper()
	res, err := http.Get(g.URL + "/sim/bill.csv")
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(text)
}

// checked is what spend --check says.
type checked struct {
	Rows []struct {
		First, Model string
		Billed       int64 `json:"billed_nanodollars"`
		Difference   int64 `json:"difference_nanodollars"`
		Causes       []struct{ Cause, Text string }
	}
}

// check compares a bill with the ledger and gives the causes of each model.
func (p *process) check(bill string, args ...string) (causes map[string]string, code int) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "export.csv")
	if err := os.WriteFile(file, []byte(bill), 0o600); err != nil {
		p.t.Fatal(err)
	}
	stdout, stderr, code := run(p.t, p.dir, nil, append([]string{"spend", "--check", file, "-o", "json"}, args...)...)
	var c checked
	if err := json.Unmarshal([]byte(stdout), &c); err != nil {
		p.t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	causes = map[string]string{}
	for _, r := range c.Rows {
		words := []string{"agree"}
		if r.Difference != 0 {
			words[0] = "differ"
		}
		for _, cause := range r.Causes {
			words = append(words, cause.Cause)
		}
		causes[r.Model] = strings.Join(words, " ")
	}
	return causes, code
}

const lite = "gemini-3.1-flash-lite-image"

func TestTheLedgerAgreesWithGooglesBillAndEveryDifferenceIsNamed(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two, "timeout: 5s") // an answer takes some of it, on a busy machine
	gw.generate(nb2, prompt)
	gw.generate(nb2, `{"contents":[{"parts":[{"text":"[sim:safety_image] free"}]}]}`)
	gw.generate(pro, prompt)
	gw.generate(pro, filtered)
	gw.generate(pro, `{"contents":[{"parts":[{"text":"flex"}]}],"serviceTier":"flex"}`)
	gw.generate(lite, prompt)

	bill := sim.export()
	causes, code := gw.check(bill)
	if code != 0 || len(causes) != 3 {
		t.Errorf("exit %d, %v", code, causes)
	}
	for model, said := range causes {
		if said != "agree" {
			t.Errorf("%s: %s", model, said)
		}
	}

	t.Run("a time-out is explained by the bill", func(t *testing.T) {
		sim.fault(map[string]any{"fault": "hang", "next": 1, "model": lite})
		gw.generate(lite, prompt)
		causes, code := gw.check(sim.export())
		if code != 0 || causes[lite] != "agree unknown" {
			t.Errorf("exit %d, %v", code, causes)
		}
		if causes, code := gw.check(bill); code != 0 || causes[lite] != "agree unknown" {
			t.Errorf("not charged: exit %d, %v", code, causes)
		}
	})
	t.Run("a key that is used elsewhere", func(t *testing.T) {
		direct := &process{t: t, URL: sim.URL}
		if a := direct.generate("gemini-2.5-flash-image", prompt, "x-goog-api-key", "sim-1-a"); a.StatusCode != 200 {
			t.Fatalf("got %d", a.StatusCode)
		}
		if a := direct.generate(nb2, prompt, "x-goog-api-key", "sim-1-a"); a.StatusCode != 200 {
			t.Fatalf("got %d", a.StatusCode)
		}
		causes, code := gw.check(sim.export())
		if code != 1 || causes["gemini-2.5-flash-image"] != "differ elsewhere" || !strings.HasPrefix(causes[nb2], "differ") || !strings.Contains(causes[nb2], "elsewhere") {
			t.Errorf("exit %d, %v", code, causes)
		}
	})
	t.Run("filtered ones that were free", func(t *testing.T) {
		free := startSim(t, "--filtered", "free")
		gw := startGateway(t, free.URL, two)
		gw.generate(pro, filtered)
		gw.generate(pro, prompt)
		if causes, code := gw.check(free.export()); code != 1 || !strings.HasPrefix(causes[pro], "differ filtered_free") {
			t.Errorf("exit %d, %v", code, causes)
		}
	})
	t.Run("filtered ones that were charged", func(t *testing.T) {
		gw := startGateway(t, sim.URL, []string{"sim-1-c"}, "billing: {filtered: free}")
		gw.generate(pro, filtered)
		gw.generate(pro, prompt)
		res, err := http.Get(sim.URL + "/sim/bill.csv?project=c")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		if causes, code := gw.check(string(text)); code != 1 || !strings.HasPrefix(causes[pro], "differ filtered_charged") {
			t.Errorf("exit %d, %v", code, causes)
		}
	})
	t.Run("another currency", func(t *testing.T) {
		file := strings.ReplaceAll(strings.ReplaceAll(bill, "($)", "(€)"), ",0.1", ",0.0")
		if causes, code := gw.check(file); code != 1 || !strings.HasPrefix(causes[pro], "differ currency") {
			t.Errorf("exit %d, %v", code, causes)
		}
	})
	t.Run("a project that is not on the bill", func(t *testing.T) {
		gw.generate(lite, prompt, "Plantain-Project", "b")
		if _, code := gw.check(bill, "--project", "nobody"); code != 1 {
			t.Errorf("exit %d", code)
		}
	})
	t.Run("people read it in 80 columns", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "export.csv")
		if err := os.WriteFile(file, []byte(sim.export()), 0o600); err != nil {
			t.Fatal(err)
		}
		text, _, code := run(t, gw.dir, nil, "spend", "--check", file)
		if code != 1 || !strings.Contains(text, "elsewhere: the ledger has no attempt") {
			t.Errorf("exit %d:\n%s", code, text)
		}
		for line := range strings.Lines(text) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("more than 80 columns: %s", line)
			}
		}
	})
	t.Run("without a gateway the store tells the same", func(t *testing.T) {
		before, _ := gw.check(sim.export())
		gw.interrupt()
		after, _ := gw.check(sim.export())
		for model, said := range before {
			if after[model] != said {
				t.Errorf("%s: %s, and alone %s", model, said, after[model])
			}
		}
	})
}

func TestOnlyAnAdminComparesTheBill(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two)
	alice := gw.plantain("keys", "create", "alice")
	if a := gw.ask(http.MethodPost, "/api/v1/spend/check?key="+alice, sim.export(), "Content-Type", "text/csv"); a.StatusCode != http.StatusForbidden {
		t.Errorf("got %d", a.StatusCode)
	}
}
