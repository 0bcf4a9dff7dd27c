package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Bad input gets an error that says what to do, and none of it reaches Google.
func TestBadInputIsToldAndReachesNobody(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	image := func(config string) string {
		return `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":` + config + `}}`
	}
	for name, c := range map[string]struct {
		model, body string
		status      int
		says        string
	}{
		"not JSON":              {"gemini-3.1-flash-image", `a red apple`, 400, "JSON"},
		"cut JSON":              {"gemini-3.1-flash-image", `{"contents":[{"parts":[`, 400, "JSON"},
		"deep JSON":             {"gemini-3.1-flash-image", `{"contents":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 400, "deeper than"},
		"empty":                 {"gemini-3.1-flash-image", ``, 400, "body"},
		"unknown model":         {"gemini-9-ultra-image", prompt, 404, "gemini-3.1-flash-image"},
		"a size it has not":     {"gemini-2.5-flash-image", image(`{"imageSize":"4K"}`), 400, "1K only"},
		"a ratio it has not":    {"gemini-3-pro-image", image(`{"aspectRatio":"8:1"}`), 400, "takes the ratios"},
		"lower case size":       {"gemini-3.1-flash-image", image(`{"imageSize":"2k"}`), 400, "write 2K"},
		"several candidates":    {"gemini-3.1-flash-image", `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"candidateCount":4}}`, 400, "one candidate"},
		"more than 100 MB":      {"gemini-3.1-flash-image", `{"contents":[{"parts":[{"inlineData":{"data":"` + strings.Repeat("QUJD", 27<<20) + `"}}]}]}`, 413, "100 MB"},
		"no contents":           {"gemini-3.1-flash-image", `{}`, 400, "contents"},
		"a list, not a map":     {"gemini-3.1-flash-image", `[]`, 400, "list"},
		"an unknown max wait":   {"gemini-3.1-flash-image", prompt, 400, "30s"},
		"no number of attempts": {"gemini-3.1-flash-image", prompt, 400, "1 is the least"},
		"an unknown force":      {"gemini-3.1-flash-image", prompt, 400, "use unknown"},
		"a path that is not ":   {"../../../etc/passwd", prompt, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var header []string
			switch name {
			case "an unknown max wait":
				header = []string{"Plantain-Max-Wait", "soon"}
			case "no number of attempts":
				header = []string{"Plantain-Attempts", "0"}
			case "an unknown force":
				header = []string{"Plantain-Force", "everything"}
			}
			a := gw.generate(c.model, c.body, header...)
			if a.StatusCode != c.status || !strings.Contains(string(a.body), c.says) {
				t.Errorf("got %d: %.600s", a.StatusCode, a.body)
			}
		})
	}
	t.Cleanup(func() {
		var all []arrival
		sim.get("/sim/requests", &all)
		if len(all) != 0 {
			t.Errorf("%d requests reached Google: %+v", len(all), all[0])
		}
		if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != http.StatusOK {
			t.Errorf("the gateway does not serve any more: %d", a.StatusCode)
		}
	})
}

func TestAConfigThatIsWrongIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config string
		args   []string
		says   []string
	}{
		"an unknown key": {"projects:\n  - {name: a, api_key: k}\nretyr: {attempts: 3}\n", nil, []string{"plantain.yaml:3:1", "retry"}},
		"no key at all":  {"", nil, []string{"GEMINI_API_KEY"}},
		"no such file":   {"", []string{"--config", "other.yaml"}, []string{"other.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.config != "" {
				if err := os.WriteFile(filepath.Join(dir, "plantain.yaml"), []byte(c.config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, stderr, code := run(t, dir, nil, append([]string{"serve", "--listen", "127.0.0.1:0"}, c.args...)...)
			if code != 1 {
				t.Errorf("exit %d", code)
			}
			for _, want := range c.says {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q is not in: %s", want, stderr)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*.db")); len(left) > 0 {
				t.Errorf("a wrong config left %v", left)
			}
		})
	}
}
