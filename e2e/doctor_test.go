package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// An examination is what plantain doctor -o json prints.
type examination struct {
	Well     bool
	Sides    []string
	Findings []finding
	text     string
}

type finding struct {
	Check, Of, State, Side, Says, Evidence, Fix string

	Paid *struct {
		Verdict string
		Charged any
		Cost    string `json:"cost_usd"`
	}
}

// of gives the finding of a check; the zero one where there is none.
func (e examination) of(check string) finding {
	for _, f := range e.Findings {
		if f.Check == check {
			return f
		}
	}
	return finding{}
}

// faults are the names of the checks that found one.
func (e examination) faults() string {
	var names []string
	for _, f := range e.Findings {
		if f.State == "fault" {
			names = append(names, f.Check)
		}
	}
	return strings.Join(names, ", ")
}

// examine runs the doctor in a folder.
func examine(t *testing.T, dir string, env []string, args ...string) examination {
	t.Helper()
	out, stderr, code := run(t, dir, env, append([]string{"doctor", "-o", "json"}, args...)...)
	e := examination{text: out}
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatalf("exit %d: %v\n%s%s", code, err, out, stderr)
	}
	if want := map[bool]int{true: 0, false: 1}[e.Well]; code != want {
		t.Errorf("exit %d, want %d:\n%s", code, want, out)
	}
	for _, f := range e.Findings {
		if f.State == "fault" && (f.Fix == "" || f.Says == "") {
			t.Errorf("a fault without a fix: %+v", f)
		}
	}
	return e
}

// status changes what Google Cloud's status page says.
func (g *google) status(state string) {
	g.t.Helper()
	res, err := http.Post(g.URL+"/sim/status", "application/json", strings.NewReader(fmt.Sprintf("{%q: %q}", "status", state)))
	if err != nil {
		g.t.Fatal(err)
	}
	res.Body.Close()
}

// clinic is a folder with a configuration for projects of a simulator.
func clinic(t *testing.T, sim *google, keys ...string) string {
	t.Helper()
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, keys, "status_feed: "+sim.URL+"/incidents.json")
	return dir
}

func TestDoctorFindsWhatWasPlantedAndNamesTheFix(t *testing.T) {
	t.Parallel()
	cat := []string{"--spend", "--prompt", "a cat in a famous film"}
	for name, c := range map[string]struct {
		sim    []string       // its flags
		key    string         // empty: sim-1-a
		fault  map[string]any // nil: none
		status string
		args   []string
		faults string // the checks that find one
		side   string
		check  string // that is looked at
		says   string // what stands in its sentence, its evidence or its fix
		fix    string
		asked  int // images that Google was asked for
	}{
		"a wrong key": {key: "AIzaNoSuchKey", faults: "key", side: "you", check: "key",
			says: "does not accept the API key", fix: "Make a new key"},
		"a disabled API": {fault: map[string]any{"fault": "service_disabled"}, faults: "rights", side: "you", check: "rights",
			says: "switched off in the project", fix: "console.cloud.google.com/apis/library/generativelanguage.googleapis.com?project="},
		"a region that is not served": {fault: map[string]any{"fault": "region"}, faults: "region", side: "you", check: "region",
			says: "does not offer this where the request comes from", fix: "country that Google serves"},
		"the free tier": {key: "sim-free-a", args: []string{"--spend"}, faults: "minimal prompt", side: "you", check: "minimal prompt",
			says: "free tier", fix: "Link a billing account", asked: 1},
		"a retired model": {fault: map[string]any{"fault": "retired", "model": nb2}, faults: "models", side: "you", check: "models",
			says: "does not have " + nb2, fix: "gemini-nano-banana-2.1"},
		"an old id": {args: []string{"--model", "gemini-3-pro-image-preview"}, check: "lifecycle",
			says: "gemini-3-pro-image-preview is an old id", fix: "Write gemini-3-pro-image"},
		"a clock that is an hour off": {sim: []string{"--clock-shift", "1h"}, faults: "clock", side: "you", check: "clock",
			says: "1h0m0s behind Google's", fix: "Set the clock"},
		"an overload": {fault: map[string]any{"fault": "capacity"}, args: []string{"--spend"}, faults: "minimal prompt", side: "google", check: "minimal prompt",
			says: "overloaded for everybody", fix: "send the same request again", asked: 1},
		"a status feed that is red": {status: "red", faults: "status feed", side: "google", check: "status feed",
			says: "Vertex Gemini API", fix: "https://status.cloud.google.com/incidents/"},
		"a status feed out of reach": {status: "unreachable", check: "status feed",
			says: "can't be read", fix: "https://status.cloud.google.com"},
		"a prompt that is filtered while the minimal one passes": {args: []string{"--spend", "--prompt", "a famous mouse [sim:safety_image]"},
			faults: "your prompt", side: "you", check: "your prompt", says: "It is the prompt (safety_image, not charged)", fix: "Change what the picture is to show", asked: 2},
		"a prompt that is filtered and charged": {args: []string{"--spend", "--prompt", "a famous mouse [sim:safety_image_silent]"},
			faults: "your prompt", side: "you", check: "your prompt", says: "It is the prompt (safety_image, charged $0.", fix: "Change what the picture is to show", asked: 2},
		"both prompts failing alike for Google": {fault: map[string]any{"fault": "server_error"}, args: cat, faults: "minimal prompt, your prompt", side: "google",
			check: "your prompt", says: "It is not the prompt: the minimal one fails alike", fix: "Leave the prompt as it is", asked: 2},
		"both prompts failing alike for the project": {fault: map[string]any{"fault": "spending_cap"}, args: cat, faults: "minimal prompt, your prompt", side: "you",
			check: "your prompt", says: "It is not the prompt: the minimal one fails alike", fix: "https://ai.studio/spend", asked: 1},
	} {
		for _, way := range []string{"alone", "beside a gateway"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				sim := startSim(t, c.sim...)
				key := cmp.Or(c.key, "sim-1-a")
				if c.fault != nil {
					sim.fault(c.fault)
				}
				if c.status != "" {
					sim.status(c.status)
				}
				dir := clinic(t, sim, key)
				if way != "alone" {
					start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
				}
				e := examine(t, dir, nil, c.args...)
				if got := e.faults(); got != c.faults || strings.Join(e.Sides, " ") != c.side {
					t.Errorf("found faults with %q, of %v; want %q, of %q", got, e.Sides, c.faults, c.side)
				}
				f := e.of(c.check)
				if f.State == "ok" || f.State == "skipped" || !strings.Contains(f.Says+f.Evidence, c.says) || !strings.Contains(f.Fix, c.fix) {
					t.Errorf("found %+v", f)
				}
				if n := len(sim.arrivals(":generateContent")); n != c.asked {
					t.Errorf("Google was asked for %d images, want %d", n, c.asked)
				}
				if strings.Contains(e.text, key) {
					t.Errorf("the key is shown:\n%s", e.text)
				}
			})
		}
	}
}

func TestDoctorCostsNothingWithoutLeave(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config bool
		args   []string
	}{"with a configuration": {true, nil}, "with a key alone": {false, nil}, "with a prompt": {true, []string{"--prompt", "a cat"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir, env := t.TempDir(), []string{"GEMINI_API_KEY=sim-1-a", "PLANTAIN_UPSTREAM=" + sim.URL}
			if c.config {
				dir, env = clinic(t, sim, "sim-1-a", "sim-2-b"), nil
			}
			e := examine(t, dir, env, c.args...)
			if !e.Well || len(e.Sides) != 0 {
				t.Errorf("all is well, and it says\n%s", e.text)
			}
			if f := e.of("minimal prompt"); f.State != "skipped" || !strings.Contains(f.Says, "about $0.") || !strings.Contains(f.Fix, "--spend") {
				t.Errorf("what it would cost is not told: %+v", f)
			}
			if n := sim.billed() + int64(len(sim.arrivals(":generateContent"))); n != 0 {
				t.Errorf("it spent: %d", n)
			}
			if _, err := os.Stat(filepath.Join(dir, "plantain.db")); err == nil {
				t.Error("it made a store")
			}
		})
	}
}

func TestWhatTheDoctorSpendsStandsInTheLedger(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"alone", "beside a gateway"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir := clinic(t, sim, "sim-1-a", "sim-2-b")
			var gw *process
			if way != "alone" {
				gw = start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
			}
			e := examine(t, dir, nil, "--spend", "--prompt", "a cat")
			var told float64
			for _, f := range e.Findings {
				if f.Paid != nil {
					cost, err := strconv.ParseFloat(f.Paid.Cost, 64)
					if err != nil {
						t.Error(err)
					}
					told += cost
				}
			}
			if !e.Well || len(sim.arrivals(":generateContent")) != 3 || int64(math.Round(told*1e9)) != sim.billed() {
				t.Fatalf("want two minimal prompts and one more for %d, told %f:\n%s", sim.billed(), told, e.text)
			}
			if gw == nil {
				gw = start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
			}
			var ledger struct {
				Attempts []struct {
					Project, Verdict, State string
					Cost                    struct {
						High int64 `json:"high_nanodollars"`
					}
				}
			}
			gw.get("/api/v1/requests", &ledger)
			var booked int64
			for _, a := range ledger.Attempts {
				booked += a.Cost.High
			}
			if len(ledger.Attempts) != 3 || booked != sim.billed() {
				t.Errorf("the ledger has %+v, Google billed %d", ledger.Attempts, sim.billed())
			}
		})
	}
}

func TestAProjectThatTheDoctorFindsMendedIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault string
		args  []string
	}{
		"its key":       {"key_invalid", nil},
		"its rights":    {"permission", nil},
		"its place":     {"region", nil},
		"its billing":   {"spending_cap", []string{"--spend"}},
		"its free tier": {"quota_zero", []string{"--spend"}},
	} {
		for _, way := range []string{"through the gateway", "in the store"} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				sim := startSim(t)
				dir := clinic(t, sim, "sim-1-a")
				serve := func() *process { return start(t, dir, nil, "serve", "--listen", "127.0.0.1:0") }
				gw := serve()
				sim.fault(map[string]any{"fault": c.fault, "next": 1})
				for range 2 {
					if a := gw.generate(nb2, prompt, "Plantain-Max-Wait", "100ms"); a.StatusCode == 200 || len(sim.arrivals(":generateContent")) != 1 {
						t.Fatalf("it is not parked: %d", a.StatusCode)
					}
				}
				if way != "through the gateway" {
					gw.interrupt()
				}
				e := examine(t, dir, nil, c.args...)
				if f := e.of("parking"); len(c.args) == 0 && (f.State != "ok" || !strings.Contains(f.Says, c.fault)) {
					t.Errorf("of the parking it says %+v", f)
				}
				if way != "through the gateway" {
					gw = serve()
				}
				if a := gw.generate(nb2, prompt, "Plantain-Max-Wait", "100ms"); a.StatusCode != 200 {
					t.Errorf("after the doctor found it mended, got %d\n%s\n%s", a.StatusCode, a.body, e.text)
				}
			})
		}
	}
}

// What the free checks can't disprove stays parked.
func TestTheDoctorEndsNoParkingThatItCanNotDisprove(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := clinic(t, sim, "sim-1-a")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	sim.fault(map[string]any{"fault": "spending_cap"})
	gw.generate(nb2, prompt)
	e := examine(t, dir, nil)
	if f := e.of("billing"); f.State != "fault" || !strings.Contains(f.Says, "spending cap") || !strings.Contains(f.Fix, "--spend") {
		t.Errorf("of billing it says %+v", f)
	}
	if a := gw.generate(nb2, prompt); a.StatusCode != 429 || len(sim.arrivals(":generateContent")) != 1 {
		t.Errorf("got %d after asking %d times", a.StatusCode, len(sim.arrivals(":generateContent")))
	}
}

func TestDoctorSeesWhatTheGatewaySees(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := clinic(t, sim, "sim-1-a")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	sim.fault(map[string]any{"fault": "rate_day"})
	gw.generate(nb2, prompt, "Plantain-Max-Wait", "100ms")
	e := examine(t, dir, nil)
	if f := e.of("quota today"); f.State != "fault" || !strings.Contains(f.Evidence, "parked for rate_day until ") || !strings.Contains(f.Fix, "midnight Pacific") {
		t.Errorf("of the quota it says %+v", f)
	}
	if f := e.of("gateway"); f.State != "ok" || !strings.Contains(f.Says, gw.URL) {
		t.Errorf("of the gateway it says %+v", f)
	}
}

func TestDoctorFindsADiskThatIsFull(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	disk := filepath.Join(t.TempDir(), "disk")
	smallDisk(t, disk)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "status_feed: "+sim.URL+"/incidents.json", "images: file:"+disk+"/images", "store: sqlite:"+disk+"/plantain.db")
	fill(t, disk)
	e := examine(t, dir, nil)
	if f := e.of("disk"); f.State != "fault" || !strings.Contains(f.Fix, "Make room") {
		t.Errorf("of the disk it says %+v", f)
	}
}

func TestDoctorFindsAFolderThatCanNotBeMade(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "taken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "status_feed: "+sim.URL+"/incidents.json", "store: sqlite:taken/plantain.db")
	if f := examine(t, dir, nil).of("disk"); f.State != "fault" || !strings.Contains(f.Fix, "another folder") {
		t.Errorf("of the disk it says %+v", f)
	}
	if f := examine(t, dir, nil, "--spend").of("store"); f.State != "fault" {
		t.Errorf("of the store it says %+v", f)
	}
}

func TestDoctorWithoutAKeySaysWhereToGetOne(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	for name, c := range map[string]struct{ config, fix string }{
		"nothing at all":        {"", "https://aistudio.google.com/apikey"},
		"a wrong configuration": {"projects: []\nstatus_fed: " + sim.URL + "\n", "by line"},
	} {
		dir := t.TempDir()
		if c.config != "" {
			if err := os.WriteFile(filepath.Join(dir, "plantain.yaml"), []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e := examine(t, dir, nil, "--timeout", "2s")
		if f := e.of("config"); f.State != "fault" || f.Side != "you" || !strings.Contains(f.Fix, c.fix) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestDoctorIsReadableInATerminalOf80Columns(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	sim.status("red")
	dir := clinic(t, sim, "sim-free-a", "no-such-key", "sim-1-c")
	out, stderr, code := run(t, dir, nil, "doctor", "--spend", "--prompt", "a famous mouse [sim:safety_image]")
	if code != 1 || stderr != "" {
		t.Errorf("exit %d, on standard error: %s", code, stderr)
	}
	for line := range strings.Lines(out) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 && !strings.Contains(line, "https://") || strings.Contains(line, "\x1b") {
			t.Errorf("too wide or coloured: %q", line)
		}
	}
	price := strings.Index(out, "Sending the prompts: 3 images of "+nb2+" at 512, about $0.18.")
	first := strings.Index(out, "minimal prompt")
	if price < 0 || first < price {
		t.Errorf("the price is not told before it is spent:\n%s", out)
	}
	for _, want := range []string{"\nfault: status feed\n", "\nfault: minimal prompt of a\n", "\nfault: your prompt of c\n", "\nIt is Google: status feed.\n", "\nIt is on your side: "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestAStatusFeedCanBeNamedAndLeftOut(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	sim.status("red")
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, `status_feed: ""`)
	e := examine(t, dir, nil)
	if f := e.of("status feed"); f.State != "skipped" || !e.Well {
		t.Errorf("without a feed it says %+v", f)
	}
}

// On PostgreSQL the doctor works beside the gateway, on the same rows.
func TestDoctorOnPostgreSQL(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	feed := "status_feed: " + sim.URL + "/incidents.json"
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, feed, fmt.Sprintf("store: %q", startPostgres(t)))
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	sim.fault(map[string]any{"fault": "key_invalid", "next": 1})
	gw.generate(nb2, prompt, "Plantain-Max-Wait", "100ms")
	e := examine(t, dir, nil)
	if f := e.of("parking"); !e.Well || f.State != "ok" || e.of("store").State != "ok" {
		t.Errorf("of the parking it says %+v, in all\n%s", f, e.text)
	}
	waitFor(t, "the gateway to see it", func() bool {
		return gw.generate(nb2, prompt, "Plantain-Max-Wait", "100ms").StatusCode == 200
	})

	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, feed, `store: "postgres://plantain:a-password@127.0.0.1:1/none?sslmode=disable"`)
	e = examine(t, dir, nil)
	if f := e.of("store"); f.State != "fault" || !strings.Contains(f.Evidence, "refused") || strings.Contains(e.text, "a-password") {
		t.Errorf("of a database that is down it says %+v", f)
	}
}
