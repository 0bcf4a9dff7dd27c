package gateway

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// Weather is how readily Google serves, for whoever asks.
type Weather struct {
	// Now tells of every model that was asked at a location; nil: nothing is told.
	Now func() []pool.WeatherReport
	// Hours tells of the hours of the day over the last days; nil: nothing is told.
	Hours func(context.Context) ([]ledger.Hour, error)
}

var (
	breakerNow   = describe("breaker", "1 for the state of a model's breaker at a location: closed, open or half-open.", "model", "upstream", "location", "state")
	breakerSince = describe("breaker_since_timestamp_seconds", "When a model became overloaded at a location, or was no longer; absent: it never was.", "model", "upstream", "location")
	breakerProbe = describe("breaker_probe_timestamp_seconds", "When the next attempt for an overloaded model may go; absent: at any time.", "model", "upstream", "location")
	refusedShare = describe("weather_refused_ratio", "The share of attempts of the last ten minutes that were refused for a lack of capacity or failed on Google's side; absent: there were none.", "model", "upstream", "location")
)

var weatherMetrics = []*prometheus.Desc{breakerNow, breakerSince, breakerProbe, refusedShare}

func collectWeather(ch chan<- prometheus.Metric, reports []pool.WeatherReport) {
	for _, r := range reports {
		labels := []string{string(r.Model), string(r.Upstream), r.Location}
		for _, s := range []pool.BreakerState{pool.Closed, pool.Open, pool.HalfOpen} {
			is := 0.0
			if s == r.Breaker {
				is = 1
			}
			gauge(ch, breakerNow, is, append(labels, s.String())...)
		}
		if !r.Since.IsZero() {
			gauge(ch, breakerSince, seconds(r.Since), labels...)
		}
		if !r.Probe.IsZero() {
			gauge(ch, breakerProbe, seconds(r.Probe), labels...)
		}
		if r.Attempts > 0 {
			gauge(ch, refusedShare, float64(r.Refused)/float64(r.Attempts), labels...)
		}
	}
}
