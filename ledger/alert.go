package ledger

import (
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
)

// A Period is a time over which spend has thresholds.
type Period string

// The periods.
const (
	Day   Period = "day"
	Month Period = "month"
)

// Query asks what was spent in the period that an instant is in, in its zone.
func (p Period) Query(now time.Time) Query {
	begin := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	if p == Month {
		begin = begin.AddDate(0, 0, 1-now.Day())
		return Query{Since: begin, Until: begin.AddDate(0, 1, 0), Zone: now.Location()}
	}
	return Query{Since: begin, Until: begin.AddDate(0, 0, 1), Zone: now.Location()}
}

// An Alert says that a threshold was passed. It is the body of the webhook.
type Alert struct {
	ID        string               `json:"id"`   // the same for every telling of one alert
	Text      string               `json:"text"` // for a person
	Period    Period               `json:"period"`
	Since     time.Time            `json:"since"`
	Until     time.Time            `json:"until"`
	Threshold plantain.Nanodollars `json:"threshold_nanodollars"`
	Sums                           // of the period so far
}

// Passed gives the alerts for the thresholds that what was spent in a period has passed. What counts is what was spent for
// certain: what is unknown is a range up to ten pictures wide.
func Passed(thresholds []plantain.Nanodollars, p Period, r Report) (alerts []Alert) {
	for _, t := range thresholds {
		if r.Total.Cost.Low < t {
			continue
		}
		name := r.Since.Format(time.DateOnly)
		if p == Month {
			name = r.Since.Format("January 2006")
		}
		a := Alert{
			ID: fmt.Sprintf("spend-%s-%s-%s", p, r.Since.Format(time.DateOnly), t.Decimal()), Period: p,
			Since: r.Since, Until: r.Until, Threshold: t, Sums: r.Total,
			Text: fmt.Sprintf("Plantain: %s spent in %s, which passes %s", r.Total.Cost.Low, name, t),
		}
		if p == Day {
			a.Text = fmt.Sprintf("Plantain: %s spent on %s, which passes %s", r.Total.Cost.Low, name, t)
		}
		if r.Total.Unsure > 0 {
			a.Text += fmt.Sprintf("; %d attempts of unknown charge may add %s", r.Total.Unsure, r.Total.Unknown)
		}
		alerts = append(alerts, a)
	}
	return alerts
}
