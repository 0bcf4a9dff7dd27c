package main

import (
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

func TestTheWeatherIsToldInAFewLines(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.Local)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	google := func(m plantain.Model) pool.Sky { return pool.Sky{Model: m, Upstream: plantain.Gemini} }
	reports := []pool.WeatherReport{
		{Sky: google("nb2"), Breaker: pool.Open, Since: ago(time.Minute), Probe: now.Add(12 * time.Second), Refused: 34, Attempts: 40},
		{Sky: pool.Sky{Model: "nb2", Upstream: plantain.Compatible, Location: "agg.example"}, Attempts: 3},
		{Sky: google("lite"), Refused: 6, Attempts: 6},
		{Sky: google("original"), Breaker: pool.Open, Why: plantain.ServerError, Since: ago(5 * time.Minute), Probe: ago(4 * time.Minute)},
		{Sky: google("pro"), Breaker: pool.HalfOpen, Since: ago(time.Minute), Probe: now.Add(time.Second), Refused: 5, Attempts: 5},
	}
	hours := []ledger.Hour{
		{Model: "nb2", Hour: 3, Attempts: 9, Refused: 9}, // too few to tell
		{Model: "nb2", Hour: 13, Attempts: 310, Refused: 37, Made: 270, MedianSeconds: 11.2, P95Seconds: 31},
		{Model: "nb2", Hour: 14, Attempts: 500, Refused: 4, Made: 496, MedianSeconds: 9.1, P95Seconds: 21.9},
		{Model: "pro", Hour: 23, Attempts: 20},
	}
	var b strings.Builder
	printWeather(&b, reports, hours, now)
	printHours(&b, hours)
	const want = `
weather
  nb2 on gemini: overloaded since 10:59:00; the next attempt may go at 11:00:12,
    in 12 s; 34 of 40 attempts refused in ten minutes
  nb2 on compatible at agg.example: served; 0 of 3 attempts refused in ten
    minutes
  lite on gemini: not served yet; 6 of 6 attempts refused in ten minutes
  original on gemini: failing since 10:55:00; the next request tries whether it
    still is
  pro on gemini: overloaded since 10:59:00; an attempt is out to see whether it
    still is; 5 of 5 attempts refused in ten minutes
  nb2 in 14 days: 6.1 % of 819 attempts refused, most from 13:00 to 14:00 UTC:
    11.9 % of 310
  pro in 14 days: 0.0 % of 20 attempts refused

MODEL  UTC    ATTEMPTS  REFUSED  MEDIAN  P95
nb2    03:00  9         100.0 %  -       -
nb2    13:00  310       11.9 %   11.2s   31s
nb2    14:00  500       0.8 %    9.1s    21.9s
pro    23:00  20        0.0 %    -       -
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
