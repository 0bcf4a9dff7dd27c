package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSpendTellsWhatWasSaved(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, two)
	gw.generate(nb2, prompt, "Idempotency-Key", "poster")
	once := sim.billed()
	for range 2 {
		if a := gw.generate(nb2, prompt, "Idempotency-Key", "poster"); a.Header.Get("Idempotent-Replayed") != "true" {
			t.Fatalf("got %d %v", a.StatusCode, a.Header)
		}
	}
	gw.generate(pro, filtered)
	wasted := sim.billed() - once
	gw.generate(pro, filtered) // which is remembered
	if sim.billed() != once+wasted {
		t.Fatal("it was paid for again")
	}
	saved := func() (all map[string]int64) {
		var got struct {
			Periods []struct {
				Saved []struct {
					Reason   string
					Requests int64
					Cost     struct {
						Low int64 `json:"low_nanodollars"`
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(gw.plantain("spend", "--last", "2d", "-o", "json")), &got); err != nil {
			t.Fatal(err)
		}
		all = map[string]int64{}
		for _, s := range got.Periods[0].Saved {
			all[s.Reason], all[s.Reason+" requests"] = s.Cost.Low, s.Requests
		}
		return all
	}
	check := func(when string) {
		t.Helper()
		if s := saved(); s["repeat"] != 2*once || s["repeat requests"] != 2 || s["filtered"] != wasted || s["filtered requests"] != 1 {
			t.Errorf("%s: saved %v; one image cost %d, the filtered one %d", when, s, once, wasted)
		}
	}
	check("at once")
	if text := gw.plantain("spend"); !strings.Contains(text, "that came again and got the answer there was") || !strings.Contains(text, "that were filtered before") {
		t.Errorf("people are told\n%s", text)
	}
	gw.interrupt()
	check("without a gateway")
}
