package main

import (
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

func TestAReportFitsATerminalAndSaysWhatHoldsAProjectUp(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.Local)
	windows := func(rpm, rpd, of int64) []pool.WindowReport {
		w := []pool.WindowReport{{Limit: plantain.LimitRPM, Used: rpm, Of: of}, {Limit: plantain.LimitRPD, Used: rpd, Of: of * 100}}
		if rpm > 0 {
			w[0].Free = now.Add(48 * time.Second)
		}
		return w
	}
	learnt := windows(1, 7, 10)
	learnt[1].Learnt = &pool.Learnt{Value: 1000, At: now.Add(-time.Minute), From: "The project has used up its limit of 1,000 for today. It was not charged."}
	for name, c := range map[string]struct {
		report pool.Report
		all    bool
		want   string
	}{
		"in rotation": {pool.Report{Project: "studio-a", Tier: 1,
			Windows: []pool.WindowReport{{Limit: plantain.LimitSpend, Used: 717_933_900, Of: 10 * int64(plantain.Dollar)}},
			Models: []pool.ModelReport{
				{Model: "gemini-2.5-flash-image", Windows: windows(0, 0, 10)},
				{Model: "gemini-3-pro-image", Windows: learnt, InAir: 2, Parked: &pool.Parking{Reason: plantain.RateDay,
					Until: now.Add(21 * time.Hour), Probe: now.Add(36 * time.Second)}},
				{Model: "gemini-3.1-flash-image", Windows: windows(10, 10, 10)},
				{Model: "gemini-9", Windows: windows(0, 0, 0)},
			}}, false, `studio-a  tier 1, in rotation
  spend: $0.72 of $10.00 in ten minutes
  MODEL                   RPM    RPD
  gemini-3-pro-image      1/10   7/1000
    attempts out: 2
    parked for rate_day until 25 Nov 08:00:00, in 21 h; one probe at 11:00:36,
      in 36 s
    rpd 1000 learnt 10:59:00: The project has used up its limit of 1,000 for
      today.
  gemini-3.1-flash-image  10/10  10/1000
    no room until 11:00:48, in 48 s (rpm)
  nothing used: gemini-2.5-flash-image
  no quota: gemini-9
`},
		"a key that is not accepted": {pool.Report{Project: "old", Tier: 2,
			Parked: &pool.Parking{Reason: plantain.KeyInvalid, Why: "Google does not accept the API key. It was not charged."},
			Models: []pool.ModelReport{{Model: "nb2", Windows: windows(0, 0, 30)}}}, false, `old  tier 2, out of rotation
  parked for key_invalid until the configuration is reloaded: Google does not
    accept the API key.
  nothing used: nb2
`},
		"the free tier, all of it": {pool.Report{Project: "gratis", Tier: -1,
			Models: []pool.ModelReport{{Model: "nb2", Windows: windows(0, 0, 0)}}}, true, `gratis  free tier, in rotation
  MODEL  RPM  RPD
  nb2    0/0  0/0
    no quota (rpm, rpd)
`},
		"a probe that comes no sooner than the end is none": {pool.Report{Project: "a", Tier: 3,
			Parked: &pool.Parking{Reason: plantain.Billing, Until: now.Add(10 * time.Minute), Probe: now.Add(10 * time.Minute)}}, false,
			"a  tier 3, out of rotation\n  parked for billing until 11:10:00, in 10 min\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			printReport(&got, c.report, now, c.all)
			if got.String() != c.want {
				t.Errorf("got\n%s\nwant\n%s", got.String(), c.want)
			}
			for line := range strings.Lines(got.String()) {
				if len(line) > 81 {
					t.Errorf("%d columns: %s", len(line)-1, line)
				}
			}
		})
	}
}
