package e2e

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
)

func TestAdviceNamesTheTierThatWouldHaveBeenEnough(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "catalogue: {tiers: {1: {rpm: 3, ipm: 3}, 2: {rpm: 6, ipm: 6}, 3: {rpm: 20, ipm: 20}}}")
	var wg sync.WaitGroup
	for range 15 { // in one minute, or two, of which three are sent, and the rest finds no room
		wg.Go(func() { gw.generate(nb2, prompt, "Plantain-Max-Wait", "1ms") })
	}
	wg.Wait()
	gw.generate(pro, prompt)

	var got struct {
		Models []struct {
			Model      string
			Requests   int
			TurnedAway int   `json:"turned_away"`
			Late       int   `json:"late_requests"`
			Tier       int   `json:"enough_tier"`
			Batch      int   `json:"batch_requests"`
			Saved      int64 `json:"batch_saves_nanodollars"`
		}
	}
	read := func(args ...string) {
		t.Helper()
		got.Models = nil
		if err := json.Unmarshal([]byte(gw.plantain(append([]string{"spend", "--advice", "-o", "json"}, args...)...)), &got); err != nil || len(got.Models) != 2 {
			t.Fatalf("%v: %+v", err, got)
		}
	}
	read()
	flash, other := got.Models[1], got.Models[0]
	if flash.Model != nb2 || flash.Requests != 15 || flash.TurnedAway != 12 || flash.Late < 3 || flash.Late > 6 || flash.Tier != 2 || flash.Batch != flash.Late || flash.Saved <= 0 {
		t.Errorf("got %+v", flash)
	}
	if other.Model != pro || other.Late != 0 || other.Tier != 0 || other.Batch != 0 {
		t.Errorf("got %+v", other)
	}
	if read("--wait", "10m"); got.Models[1].Late != 0 {
		t.Errorf("who waits ten minutes is served: %+v", got.Models[1])
	}
	text := gw.plantain("spend", "--advice")
	for _, want := range []string{"gemini-3-pro-image: 1 request, of which 0 were turned away; the limits in force", "for every project would have been enough", "or Google's Batch for "} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	gw.kill() // what was told once is written down
	gw = start(t, gw.dir, nil, "serve", "--listen", "127.0.0.1:0")
	if read(); got.Models[1].TurnedAway != 12 {
		t.Errorf("after a crash: %+v", got.Models[1])
	}
	gw.interrupt()
	if read(); got.Models[1].TurnedAway != 12 {
		t.Errorf("without a gateway: %+v", got.Models[1])
	}
}
