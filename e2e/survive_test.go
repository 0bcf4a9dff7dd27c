package e2e

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// known is what a gateway knows of a model on a project: what must outlive it.
type known struct {
	Reason string
	Until  time.Time
	Used   map[string]int64  // by limit
	Of     map[string]int64  // by limit
	Learnt map[string]string // by limit: value, when and in which words
}

// knows reads /api/v1/projects.
func (p *process) knows(project, model string) known {
	p.t.Helper()
	var got struct {
		Projects []struct {
			Project string
			Models  []struct {
				Model  string
				Parked struct {
					Reason string
					Until  time.Time
				}
				Windows []struct {
					Limit    string
					Used, Of int64
					Learnt   *struct {
						Value int64
						At    time.Time
						From  string
					}
				}
			}
		}
	}
	p.get("/api/v1/projects", &got)
	for _, pr := range got.Projects {
		for _, m := range pr.Models {
			if pr.Project != project || m.Model != model {
				continue
			}
			k := known{m.Parked.Reason, m.Parked.Until, map[string]int64{}, map[string]int64{}, map[string]string{}}
			for _, w := range m.Windows {
				k.Used[w.Limit], k.Of[w.Limit] = w.Used, w.Of
				if w.Learnt != nil {
					k.Learnt[w.Limit] = fmt.Sprint(w.Learnt.Value, w.Learnt.At, w.Learnt.From)
				}
			}
			return k
		}
	}
	p.t.Fatalf("nothing is known of %s on %s", model, project)
	return known{}
}

func TestADaysCountsAParkingAndALearntLimitSurviveAKill(t *testing.T) {
	t.Parallel()
	const flash, pro = "gemini-3.1-flash-image", "gemini-3-pro-image"
	for name, store := range map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "sqlite:plantain.db" },
		"PostgreSQL": startPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir := t.TempDir()
			// The configuration believes in more than Google gives: ten a minute.
			writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, fmt.Sprintf("store: %q", store(t)), "queue: {max_wait: 100ms}",
				"catalogue: {tiers: {1: {rpm: 25, ipm: 25, rpd: 500, tpm: 1000000, ten_minute_dollars: 10}}}")
			serve := func() *process { return start(t, dir, nil, "serve", "--listen", "127.0.0.1:0") }
			gw := serve()
			for n := 0; gw.generate(flash, prompt).StatusCode == 200; n++ {
				if n > 10 {
					t.Fatal("Google gave more than ten")
				}
			}
			sim.fault(next("rate_day", 1, "model", pro))
			if a := gw.generate(pro, prompt); a.StatusCode != 429 {
				t.Fatalf("got %d", a.StatusCode)
			}
			before := map[string]known{flash: gw.knows("a", flash), pro: gw.knows("a", pro)}
			gw.kill()
			gw = serve()
			for model, want := range before {
				if got := gw.knows("a", model); !reflect.DeepEqual(got, want) {
					t.Errorf("after the kill %s is\n%+v, and before it was\n%+v", model, got, want)
				}
			}
			// It was something that survived, and it is lived by.
			if k := before[flash]; k.Used["rpd"] != 11 || k.Of["rpm"]+k.Of["ipm"] >= 50 || len(k.Learnt) == 0 || !strings.HasPrefix(k.Learnt["rpm"]+k.Learnt["ipm"], "10 ") {
				t.Errorf("of %s it knew %+v", flash, k)
			}
			if k := before[pro]; k.Reason != "rate_day" || time.Until(k.Until) < time.Second {
				t.Errorf("of %s it knew %+v", pro, k)
			}
			calls := len(sim.arrivals(":generateContent"))
			for _, model := range []string{flash, pro} {
				if a := gw.generate(model, prompt); a.StatusCode != 429 || a.Header.Get("Plantain-Attempts") != "0" {
					t.Errorf("%s got %d after %s attempts", model, a.StatusCode, a.Header.Get("Plantain-Attempts"))
				}
			}
			if n := len(sim.arrivals(":generateContent")); n != calls {
				t.Errorf("%d calls reached Google after the kill", n-calls)
			}
		})
	}
}

func TestAClockThatIsSetBackHoldsNobodyUpForLongerThanAMinute(t *testing.T) {
	t.Parallel()
	const flash = "gemini-3.1-flash-image"
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "queue: {max_wait: 100ms}")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0", "--clock-shift", "24h")
	for range 10 {
		if a := gw.generate(flash, prompt); a.StatusCode != 200 {
			t.Fatalf("got %d %s", a.StatusCode, a.body)
		}
	}
	gw.interrupt()
	gw = start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	a := gw.generate(flash, prompt)
	if after, _ := strconv.Atoi(a.Header.Get("Retry-After")); a.StatusCode != 429 || after < 1 || after > 61 {
		t.Errorf("after a day was taken back: %d, to come back in %d s", a.StatusCode, after)
	}
	if k := gw.knows("a", flash); k.Used["rpd"] != 10 {
		t.Errorf("of the day it knows %+v", k)
	}
}
