package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genai"
)

// A limitOf is one limit of a key, as the gateway tells it.
type limitOf struct {
	Limit                string
	Of, Used, Held, Left float64
	Resets               time.Time
}

// limitsOf reads GET /api/v1/key with the key itself.
func (p *process) limitsOf(key string) map[string]limitOf {
	p.t.Helper()
	a := p.ask(http.MethodGet, "/api/v1/key", "", "Authorization", "Bearer "+key)
	var got struct{ Limits []limitOf }
	if err := json.Unmarshal(a.body, &got); err != nil || a.StatusCode != 200 {
		p.t.Fatalf("own key: %s, %v", a.Status, err)
	}
	limits := map[string]limitOf{}
	for _, l := range got.Limits {
		limits[l.Limit] = l
	}
	return limits
}

// made are the pictures that the simulator made.
func (g *google) made() (n int) {
	for _, a := range g.arrivals(":generateContent") {
		if a.Status == 200 {
			n++
		}
	}
	return n
}

// atOnce sends requests at once through gateways in turn, and gives what came back.
func atOnce(t *testing.T, n int, key string, gateways ...*process) []answer {
	t.Helper()
	answers := make([]answer, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			var err error
			if answers[i], err = gateways[i%len(gateways)].try(context.Background(), nb2, prompt, "x-goog-api-key", key); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return answers
}

// createKey makes a key for alice before the gateway runs.
func createKey(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	stdout, stderr, code := run(t, dir, nil, append([]string{"keys", "create", "alice"}, flags...)...)
	if code != 0 {
		t.Fatalf("keys create: exit %d: %s", code, stderr)
	}
	return strings.TrimSpace(stdout)
}

// A budget of ten images lets ten be made, however many ask at once, and at once
// means on any number of gateways.
func TestFiftyAtOnceAgainstABudgetOfTenImagesMakeTen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gateways int
		flag     string
		limit    string
	}{
		"ten images a day":                  {1, "--images-per-day=10", "images_per_day"},
		"the dollars of ten":                {1, "--budget-usd=0.70", "budget_total"},
		"the dollars of ten in a day":       {1, "--budget-usd=0.70/day", "budget_per_day"},
		"ten images on two gateways":        {2, "--images-per-day=10", "images_per_day"},
		"the dollars of ten on two of them": {2, "--budget-usd=0.70/month", "budget_per_month"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			var store []string
			if c.gateways > 1 {
				store = append(store, fmt.Sprintf("store: %q", startPostgres(t)))
			}
			dir := t.TempDir()
			writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, store...)
			key := createKey(t, dir, c.flag)
			gateways := []*process{start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")}
			for len(gateways) < c.gateways {
				gateways = append(gateways, startGateway(t, sim.URL, []string{"sim-3-a"}, store...))
			}
			made := 0
			for _, a := range atOnce(t, 50, key, gateways...) {
				switch {
				case a.Response == nil:
				case a.StatusCode == 200:
					made++
				case a.StatusCode != 429 || a.Header.Get("Plantain-Attempts") != "0" || a.detail(t)["verdict"] != "client_limit" || a.detail(t)["limit"] != c.limit:
					t.Errorf("got %d: %s", a.StatusCode, a.body)
				}
			}
			if made != 10 || sim.made() != 10 {
				t.Errorf("%d came back and the simulator made %d, want 10", made, sim.made())
			}
			l := gateways[0].limitsOf(key)[c.limit]
			if l.Held != 0 || l.Used > l.Of || math.Abs(l.Left-l.Of+l.Used) > 1e-9 {
				t.Errorf("it stands at %+v", l)
			}
			if bill := float64(sim.billed()) / 1e9; l.Limit != "images_per_day" && math.Abs(l.Used-bill) > 1e-9 {
				t.Errorf("%v used, and the bill says %v", l.Used, bill)
			}
		})
	}
}

// What was out when a gateway was killed may have been made and paid for, so it counts.
func TestABudgetHoldsThroughAKill(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "sqlite:plantain.db" },
		"PostgreSQL": startPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir := t.TempDir()
			writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, fmt.Sprintf("store: %q", store(t)), "queue: {max_wait: 300ms}")
			key := createKey(t, dir, "--images-per-day", "5", "--budget-usd", "100")
			serve := func() *process { return start(t, dir, nil, "serve", "--listen", "127.0.0.1:0") }
			gw := serve()
			if a := gw.generate(nb2, prompt, "x-goog-api-key", key); a.StatusCode != 200 {
				t.Fatalf("got %d", a.StatusCode)
			}
			sim.fault(map[string]any{"fault": "hang", "next": 2})
			for range 2 {
				go func() { _, _ = gw.try(context.Background(), nb2, prompt, "x-goog-api-key", key) }()
			}
			waitFor(t, "two to be out", func() bool {
				return gw.limitsOf(key)["images_per_day"].Held == 2 && len(sim.arrivals(":generateContent")) == 3
			})
			gw.kill()
			gw = serve()
			if l := gw.limitsOf(key); l["images_per_day"].Used+l["images_per_day"].Held != 3 || l["images_per_day"].Left != 2 {
				t.Errorf("after the kill it stands at %+v", l)
			}
			through := 0
			for range 5 {
				if a := gw.generate(nb2, prompt, "x-goog-api-key", key); a.StatusCode == 200 {
					through++
				}
			}
			if through != 2 {
				t.Errorf("%d came through after the kill, want the 2 that are left of 5", through)
			}
		})
	}
}

// An obeyed is a refusal by a limit of the client, and what becomes of the request
// when its Retry-After is obeyed.
type obeyed struct {
	flags  []string
	rate   int
	night  time.Duration // the gateway starts this long before midnight Pacific
	images int           // that there is room for
	body   string
	status int
	limit  string
	says   []string
	least  int // seconds that Retry-After states at the least; 0: there is none
}

func sized(size string) string {
	return `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"imageConfig":{"imageSize":"` + size + `"}}}`
}

func TestARefusalOfAKeysLimitSaysWhichHowMuchAndUntilWhen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]obeyed{
		"requests a minute": {flags: []string{"--rpm", "2"}, rate: 10, images: 2, status: 429, limit: "requests_per_minute", least: 1,
			says: []string{"client alice has used 2 of its 2 requests a minute", "0 is left", "until 20", "plantain keys set alice"}},
		"images a day": {flags: []string{"--images-per-day", "1"}, rate: 20, night: 4 * time.Minute, images: 1, status: 429, limit: "images_per_day", least: 1,
			says: []string{"client alice has used 1 of its 1 images a day", "T08:00:00Z"}},
		"dollars a day": {flags: []string{"--budget-usd", "0.10/day"}, rate: 20, night: 4 * time.Minute, images: 1, status: 429, limit: "budget_per_day", least: 1,
			says: []string{"client alice has used $0.06", "of its $0.100 a day", "this request may cost $0.07", "is left", "T08:00:00Z"}},
		"dollars in total": {flags: []string{"--budget-usd", "0.10"}, images: 1, status: 429, limit: "budget_total",
			says: []string{"of its $0.100 in total", "No wait helps"}},
		"one image is more than the budget": {flags: []string{"--budget-usd", "0.01/day"}, status: 429, limit: "budget_per_day",
			says: []string{"client alice has used $0.000 of its $0.010 a day", "This request alone is more than the limit"}},
		"a model": {flags: []string{"--models", "lite,pro"}, status: 403, limit: "models",
			says: []string{"client alice may not use gemini-3.1-flash-image, only lite, pro"}},
		"a size": {flags: []string{"--max-size", "2K"}, body: sized("4K"), status: 403, limit: "max_size",
			says: []string{"client alice may not use 4K, only sizes up to 2K"}},
		"the size that is the usual one": {flags: []string{"--max-size", "512"}, status: 403, limit: "max_size",
			says: []string{"client alice may not use 1K, only sizes up to 512"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c obeyed) run(t *testing.T) {
	aDayAhead(t)
	shift := time.Duration(0)
	if c.night > 0 {
		shift = untilMidnight(t) - c.night
	}
	clock := []string{fmt.Sprint("--clock-rate=", max(c.rate, 1)), fmt.Sprint("--clock-shift=", shift)}
	sim := startSim(t, clock...)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"})
	gw := start(t, dir, nil, append([]string{"serve", "--listen", "127.0.0.1:0"}, clock...)...)
	key := gw.plantain(append([]string{"keys", "create", "alice"}, c.flags...)...)
	ask := func() answer {
		if c.body == "" {
			c.body = prompt
		}
		return gw.generate(nb2, c.body, "x-goog-api-key", key)
	}
	for range c.images {
		if a := ask(); a.StatusCode != 200 {
			t.Fatalf("an image that has room got %d: %s", a.StatusCode, a.body)
		}
	}
	a := ask()
	begun, d := time.Now(), a.detail(t)
	if a.StatusCode != c.status || d["verdict"] != "client_limit" || d["limit"] != c.limit || d["charged"] != "no" || a.Header.Get("Plantain-Attempts") != "0" {
		t.Fatalf("got %d: %s", a.StatusCode, a.body)
	}
	for _, s := range c.says {
		if !strings.Contains(string(a.body), s) {
			t.Errorf("it does not say %q: %s", s, a.body)
		}
	}
	if sim.made() != c.images {
		t.Errorf("%d were made, want %d", sim.made(), c.images)
	}
	if e := explain(t, string(a.body), "--status", strconv.Itoa(c.status)); e.Class != "client_limit" || e.Limit == nil || *e.Limit != c.limit {
		t.Errorf("explain takes it for %+v", e)
	}
	if c.least == 0 {
		if a.Header.Get("Retry-After") != "" {
			t.Errorf("no wait helps, but Retry-After is %s", a.Header.Get("Retry-After"))
		}
		return
	}
	after, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || after < c.least || after > 240 || d["resets"] == "" {
		t.Fatalf("Retry-After is %q, want %d or a little more: %s", a.Header.Get("Retry-After"), c.least, a.body)
	}
	time.Sleep(time.Until(begun.Add(time.Duration(float64(after) / float64(c.rate) * float64(time.Second)))))
	if a := ask(); a.StatusCode != 200 {
		t.Errorf("after %d s, as it was told, it got %d: %s", after, a.StatusCode, a.body)
	}
}

// What makes no image of its own takes nothing of a budget.
func TestWhatCostsNothingTakesNothingOfABudget(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"}, "queue: {max_wait: 100ms}")
	key := gw.plantain("keys", "create", "alice", "--budget-usd", "1,1/day", "--images-per-day", "9", "--rpm", "9")
	do := func(method, path, body string) int {
		return gw.ask(method, path, body, "x-goog-api-key", key).StatusCode
	}
	sim.fault(next("rate_day", 1))
	for what, status := range map[string]int{
		"models":        do("GET", "/v1beta/models", ""),
		"a model":       do("GET", "/v1beta/models/"+nb2, ""),
		"countTokens":   do("POST", "/v1beta/models/"+nb2+":countTokens", prompt),
		"a bad request": do("POST", "/v1beta/models/"+nb2+":generateContent", sized("3K")) - 200,
		"no room":       gw.generate(nb2, prompt, "x-goog-api-key", key).StatusCode - 229,
		"none again":    gw.generate(nb2, prompt, "x-goog-api-key", key).StatusCode - 229,
	} {
		if status != 200 {
			t.Errorf("%s got %d", what, status)
		}
	}
	for name, l := range gw.limitsOf(key) {
		want := 0.0
		if name == "requests_per_minute" {
			want = 1 // the one that reached Google
		}
		if l.Used != want || l.Held != 0 {
			t.Errorf("it stands at %+v", l)
		}
	}
}

// A model in place of another must be one that the client may use.
func TestAFallbackKeepsToTheModelsOfAKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		models string
		status int
		served string
	}{
		"allowed":   {"pro,nb2", 200, "pro pro nb2"},
		"forbidden": {"pro,lite", 429, "pro pro"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, gw := withoutPro(t, "fallback_models: [nb2]")
			key := gw.plantain("keys", "create", "alice", "--models", c.models)
			a := gw.generate(pro, prompt, "x-goog-api-key", key)
			if got := served(sim.arrivals(":generateContent")); a.StatusCode != c.status || got != c.served {
				t.Errorf("got %d from %s: %s", a.StatusCode, got, a.body)
			}
			if c.status != 200 && !strings.Contains(string(a.body), "client alice may not use "+nb2) {
				t.Errorf("it is not told why: %s", a.body)
			}
		})
	}
}

func TestLimitsOfAKeyAreSetAndListed(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"})
	// Beside no gateway the commands open the store themselves.
	keep := func(args ...string) string {
		stdout, stderr, code := run(t, dir, nil, append([]string{"keys"}, args...)...)
		if code != 0 {
			t.Fatalf("keys %v: exit %d: %s", args, code, stderr)
		}
		return strings.TrimSpace(stdout)
	}
	key := createKey(t, dir, "--rpm", "1")
	keep("set", "alice", "--rpm", "none", "--budget-usd", "20/month,0.10/day", "--models", "nb2,pro")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	for range 2 {
		gw.generate(nb2, prompt, "x-goog-api-key", key)
	}
	if l := gw.limitsOf(key); len(l) != 2 || l["budget_per_day"].Used < 0.06 || l["budget_per_month"].Used != l["budget_per_day"].Used || l["budget_per_day"].Resets.IsZero() {
		t.Errorf("its own limits are %+v", l)
	}
	if list := gw.plantain("keys", "list"); !strings.Contains(list, "budget_per_day: $0.06") || !strings.Contains(list, "of $20.000 used") || !strings.Contains(list, "models: nb2, pro") {
		t.Errorf("listed as\n%s", list)
	}
	if a := gw.generate(nb2, prompt, "x-goog-api-key", key); a.StatusCode != 429 {
		t.Fatalf("got %d", a.StatusCode)
	}
	gw.plantain("keys", "set", "alice", "--budget-usd", "1/day")
	if a := gw.generate(nb2, prompt, "x-goog-api-key", key); a.StatusCode != 200 {
		t.Errorf("with a larger budget it got %d: %s", a.StatusCode, a.body)
	}
	next := gw.plantain("keys", "rotate", "alice")
	if l := gw.limitsOf(next); l["budget_per_day"].Of != 1 || l["budget_per_day"].Used < 0.13 {
		t.Errorf("the rotated key has %+v", l)
	}
	for _, wrong := range [][]string{
		{"--rpm", "-1"}, {"--rpm", "many"}, {"--budget-usd", "20/week"}, {"--budget-usd", "1e3"}, {"--budget-usd", "0.0000000001"},
		{"--models", "nb9"}, {"--max-size", "3K"}, {"--expires", "soon"},
	} {
		if _, stderr, code := run(t, dir, nil, append([]string{"keys", "set", "alice"}, wrong...)...); code == 0 || stderr == "" {
			t.Errorf("%v was taken: exit %d, %s", wrong, code, stderr)
		}
	}
	if l := gw.limitsOf(next); l["budget_per_day"].Of != 1 || len(l) != 2 {
		t.Errorf("after wrong orders it has %+v", l)
	}
}

func TestGoSDKOnABudgetThatIsUsedUp(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	key := gw.plantain("keys", "create", "alice", "--images-per-day", "1")
	client, err := genai.NewClient(t.Context(), &genai.ClientConfig{APIKey: key, Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: gw.URL}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		_, err := client.Models.GenerateContent(t.Context(), nb2, genai.Text("A red apple"), nil)
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	var said genai.APIError
	if err := ask(); !errors.As(err, &said) || said.Code != 429 || said.Status != "RESOURCE_EXHAUSTED" || !strings.Contains(said.Message, "1 of its 1 images a day") {
		t.Errorf("the SDK says %v", err)
	}
	if !slices.ContainsFunc(said.Details, func(d map[string]any) bool { return d["domain"] == "plantain" && d["reason"] == "CLIENT_LIMIT" }) {
		t.Errorf("details %v", said.Details)
	}
}

// A request that comes again with its key gets its answer again, and is paid once.
func TestARepeatedRequestTakesNothingOfABudget(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-3-a"})
	key := gw.plantain("keys", "create", "alice", "--images-per-day", "1", "--rpm", "1", "--budget-usd", "0.10")
	for n := range 3 {
		a := gw.generate(nb2, prompt, "x-goog-api-key", key, "Idempotency-Key", "poster-17")
		if a.StatusCode != 200 {
			t.Errorf("time %d got %d: %s", n+1, a.StatusCode, a.body)
		}
	}
	for name, l := range gw.limitsOf(key) {
		if name != "budget_total" && l.Used != 1 || l.Used > 1 || l.Held != 0 {
			t.Errorf("it stands at %+v", l)
		}
	}
	if a := gw.generate(nb2, prompt, "x-goog-api-key", key); a.StatusCode != 429 {
		t.Errorf("another one got %d", a.StatusCode)
	}
}

func TestAClockThatIsSetBackLeavesABudgetThatEndsInTime(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"})
	key := createKey(t, dir, "--images-per-day", "1")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0", "--clock-shift", "8760h")
	if a := gw.generate(nb2, prompt, "x-goog-api-key", key); a.StatusCode != 200 {
		t.Fatalf("got %d: %s", a.StatusCode, a.body)
	}
	gw.interrupt()
	gw = start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	a := gw.generate(nb2, prompt, "x-goog-api-key", key)
	if after, _ := strconv.Atoi(a.Header.Get("Retry-After")); a.StatusCode != 429 || after < 1 || after > 25*3600 {
		t.Errorf("after a year was taken back it got %d, to come back in %d s", a.StatusCode, after)
	}
}
