package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// spending is what of a spend report the tests look at.
type spending struct {
	Periods []struct {
		Zone string
		Rows []struct {
			Project, Client, Model, Size, Verdict, Day string
			sums
		}
		Total sums
	}
}

type sums struct {
	Attempts, Images int
	Cost             struct {
		Low  int64 `json:"low_nanodollars"`
		High int64 `json:"high_nanodollars"`
	}
	Waste   int64 `json:"waste_nanodollars"`
	Unsure  int   `json:"unknown_attempts"`
	Unknown int64 `json:"unknown_nanodollars"`
}

func (p *process) spend(args ...string) (s spending) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.plantain(append([]string{"spend", "-o", "json"}, args...)...)), &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

const filtered = `{"contents":[{"parts":[{"text":"[sim:safety_image_silent] a red apple"}]}]}`

func TestSpendTellsWhatWasPaidAndWhatForNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two)
	keyOf := map[string]string{}
	for _, name := range []string{"alice", "bob"} {
		keyOf[name] = gw.plantain("keys", "create", name)
	}
	as := func(name string) []string { return []string{"x-goog-api-key", keyOf[name]} }
	gw.generate(nb2, prompt, as("alice")...)
	gw.generate(pro, prompt, as("alice")...)
	aliceBilled := sim.billed()
	gw.generate(nb2, prompt, as("bob")...)
	before := sim.billed()
	gw.generate(pro, filtered, as("bob")...)
	wasted := sim.billed() - before
	if wasted == 0 {
		t.Fatal("the simulator charges nothing for a filtered image; the test shows nothing")
	}
	sim.fault(map[string]any{"fault": "capacity", "next": 1, "model": nb2})
	gw.generate(nb2, prompt, as("bob")...)

	all := gw.spend("--by", "client,model")
	if len(all.Periods) != 2 {
		t.Fatalf("%d periods, want today and this month", len(all.Periods))
	}
	for _, p := range all.Periods {
		if p.Total.Cost.Low != sim.billed() || p.Total.Cost.High != sim.billed() || p.Total.Waste != wasted {
			t.Errorf("cost %+v, waste %d; Google charged %d, of it %d for nothing", p.Total.Cost, p.Total.Waste, sim.billed(), wasted)
		}
		if p.Total.Attempts != 6 || p.Total.Images != 4 || len(p.Rows) != 4 || p.Rows[0].Client != "alice" || p.Rows[3].Model != nb2 {
			t.Errorf("got %+v", p)
		}
	}

	t.Run("a client sees its own", func(t *testing.T) {
		a := gw.ask(http.MethodGet, "/api/v1/spend?by=client&client=bob", "", "x-goog-api-key", keyOf["alice"])
		var own spending
		if err := json.Unmarshal(a.body, &own); err != nil {
			t.Fatal(err)
		}
		rows := own.Periods[0].Rows
		if len(rows) != 1 || rows[0].Client != "alice" || rows[0].Cost.Low != aliceBilled {
			t.Errorf("alice sees %+v", rows)
		}
	})
	t.Run("people read it in 80 columns", func(t *testing.T) {
		text := gw.plantain("spend", "--by", "day,model", "--last", "7d", "--utc")
		for line := range strings.Lines(text) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("more than 80 columns: %s", line)
			}
		}
		for _, want := range []string{"time zone UTC\n  MODEL", "\n  gemini-3-pro-image ", "\n  waste: $", "brought no usable image"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	})
	t.Run("a table program reads the same", func(t *testing.T) {
		rows, err := csv.NewReader(strings.NewReader(gw.plantain("spend", "--csv", "--by", "verdict", "--last", "1d"))).ReadAll()
		if err != nil || len(rows) != 4 {
			t.Fatalf("%v: %q", err, rows)
		}
		if head := strings.Join(rows[0], " "); head != "since until verdict images attempts cost_low_usd cost_high_usd waste_usd unknown_attempts unknown_usd" {
			t.Errorf("the head is %s", head)
		}
		if row := rows[2]; row[2] != "safety_image" || row[5] != row[7] || row[5] != dollars(wasted) {
			t.Errorf("waste of %s stands as %q", dollars(wasted), row)
		}
	})
	t.Run("what makes no sense says what would", func(t *testing.T) {
		for args, want := range map[string]string{
			"--by colour":           `spend can't be told by "colour"; use project, client`,
			"--since yesterday":     "write it like 2026-11-24",
			"--until 2026-11-01":    "until goes with since",
			"--since 7d --last 7d":  "use one of them",
			"--csv -o json":         "use one of them",
			"--since 2999-01-01":    "is empty",
			"--by hour --by day":    "an hour is in a day",
			"--last 7d --until 9pm": "until=",
		} {
			stdout, stderr, code := run(t, gw.dir, nil, append([]string{"spend"}, strings.Fields(args)...)...)
			if code != 2 || !strings.Contains(stdout+stderr, want) {
				t.Errorf("spend %s: exit %d, %s%s", args, code, stdout, stderr)
			}
		}
		if a := gw.ask(http.MethodGet, "/api/v1/spend?zone=Mars&key="+keyOf["alice"], ""); a.StatusCode != 400 || !strings.Contains(string(a.body), "is no time zone") {
			t.Errorf("got %d %s", a.StatusCode, a.body)
		}
	})
	t.Run("without a gateway the store tells the same", func(t *testing.T) {
		gw.interrupt()
		if alone := gw.spend("--by", "client,model"); fmt.Sprint(alone) != fmt.Sprint(all) {
			t.Errorf("got  %+v\nwant %+v", alone, all)
		}
	})
}

// A time-out is a range until Google's bill is there.
func TestSpendTellsWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two, "timeout: 3s") // by then it has reached Google, on a busy machine too
	sim.fault(map[string]any{"fault": "hang", "next": 1})
	gw.generate(pro, prompt)
	total := gw.spend("--last", "1d").Periods[0].Total
	if total.Unsure != 1 || total.Cost.Low != 0 || total.Unknown != total.Cost.High || total.Waste != 0 {
		t.Errorf("got %+v", total)
	}
	if billed := sim.billed(); billed == 0 || billed > total.Cost.High {
		t.Errorf("Google charged %d, which is not within %+v", billed, total.Cost)
	}
	if text := gw.plantain("spend"); !strings.Contains(text, "$0.000-") || !strings.Contains(text, "unknown: 1 attempt") {
		t.Errorf("people are told\n%s", text)
	}
}

// dollars gives an amount as CSV has it.
func dollars(n int64) string {
	s := strings.TrimRight(fmt.Sprintf("%d.%09d", n/1e9, n%1e9), "0")
	for len(s)-strings.Index(s, ".") < 4 {
		s += "0"
	}
	return s
}

func TestAPriceThatChangesLeavesOldRowsAsTheyWere(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	write := func(image string) {
		writeConfig(t, dir, sim.URL, two, "catalogue: {models: {"+nb2+": {dollars_per_million: {image: "+image+
			", from: {"+time.Now().AddDate(0, 0, 3).Format(time.DateOnly)+": {image: 30}}}}}}")
	}
	serve := func(args ...string) *process {
		return start(t, dir, nil, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	}
	costs := func(gw *process) (all []int64) {
		var got struct {
			Attempts []struct {
				Cost struct {
					Low int64 `json:"low_nanodollars"`
				}
			}
		}
		gw.get("/api/v1/requests", &got)
		for _, a := range slices.Backward(got.Attempts) {
			all = append(all, a.Cost.Low)
		}
		return all
	}
	write("60")
	gw := serve()
	gw.generate(nb2, prompt)
	first := costs(gw)
	write("600")
	waitFor(t, "the reload", func() bool { return gw.told("is in force") == 1 })
	gw.generate(nb2, prompt)
	gw.interrupt()
	gw = serve("--clock-shift", "120h") // past the day from which it costs 30
	gw.generate(nb2, prompt)

	all := costs(gw)
	if len(all) != 3 || all[0] != first[0] {
		t.Fatalf("costs %v; the first was %v when it was made", all, first)
	}
	const tokens = 1120 // of a picture at 1K; what comes beside it costs less than ten thousandths of a dollar
	for i, price := range []int64{60_000, 600_000, 30_000} {
		if rest := all[i] - tokens*price; rest <= 0 || rest > 10_000_000 {
			t.Errorf("image %d cost %d, which is not %d tokens at %d", i+1, all[i], tokens, price)
		}
	}
	if total := gw.spend("--since", "2026-01-01", "--until", "2099-01-01").Periods[0].Total.Cost.Low; total != all[0]+all[1]+all[2] {
		t.Errorf("spend tells %d of %v", total, all)
	}
}
