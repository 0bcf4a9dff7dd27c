package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

func TestAdviceIsTheCheapestThatWouldHaveBeenEnough(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, gemini.Pacific).Unix() / 60
	midnight := time.Date(2026, 11, 25, 0, 0, 0, 0, gemini.Pacific).Unix() / 60
	at := func(minute, sent, away int64) Demand { return Demand{"nb2", minute, sent, away} }
	tiers := []TierCapacity{{Tier: 2, Capacity: Capacity{30, 5000}}, {Tier: 3, Capacity: Capacity{60, 10_000}}}
	for name, c := range map[string]struct {
		demand  []Demand
		present Capacity
		want    string // late, the longest wait, the tier that is enough, by Batch and what that saves in cents
	}{
		"what there is is enough":           {[]Demand{at(noon, 10, 0), at(noon+1, 10, 0)}, Capacity{10, 1000}, "0 0s 0 0 0"},
		"a burst is served within the wait": {[]Demand{at(noon, 30, 0)}, Capacity{10, 1000}, "0 2m0s 0 0 0"},
		"what comes after it waits behind":  {[]Demand{at(noon, 30, 0), at(noon+2, 10, 0)}, Capacity{10, 1000}, "0 2m0s 0 0 0"},
		"a larger burst is not":             {[]Demand{at(noon, 35, 0)}, Capacity{10, 1000}, "5 2m0s 2 5 15"},
		"those turned away count":           {[]Demand{at(noon, 30, 5)}, Capacity{10, 1000}, "5 2m0s 2 5 15"},
		"the next tier is too small":        {[]Demand{at(noon, 100, 0)}, Capacity{10, 1000}, "70 2m0s 3 70 210"},
		"none is enough":                    {[]Demand{at(noon, 500, 0)}, Capacity{10, 1000}, "470 2m0s 0 470 1410"},
		"a day is used up":                  {[]Demand{at(noon, 10, 0), at(noon+60, 10, 0)}, Capacity{10, 15}, "5 0s 2 5 15"},
		"a new day has room again":          {[]Demand{at(noon, 10, 0), at(midnight-1, 10, 0)}, Capacity{10, 15}, "0 1m0s 0 0 0"},
		"without limits":                    {[]Demand{at(noon, 1e6, 0)}, Capacity{-1, -1}, "0 0s 0 0 0"},
		"without quota":                     {[]Demand{at(noon, 3, 0)}, Capacity{0, 0}, "3 0s 2 3 9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := Advise(c.demand, c.present, tiers, 2*time.Minute, 6*plantain.Dollar/100, 50)
			got := fmt.Sprintf("%d %s %d %d %d", a.Late, time.Duration(a.Longest*float64(time.Second)), a.Tier, a.Batch, a.Saved/(plantain.Dollar/100))
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
