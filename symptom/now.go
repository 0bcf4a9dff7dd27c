package symptom

import (
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// Now is what the moment adds to the rows.
type Now struct {
	At       time.Time `json:"at"`
	Midnight time.Time `json:"midnight_pacific"` // the next one, when Google's day ends; gemini.Midnight gives it
	Weather  []Weather `json:"weather,omitempty"`
}

// Weather is how a running gateway found a model served.
type Weather struct {
	Model plantain.Model `json:"model"`
	Where string         `json:"where,omitempty"` // the upstream, and its location where it has one; empty: not told
	// Why the gateway sends one attempt at a time only, to see whether it still is so:
	// capacity, or server_error where Google cannot be reached or fails; empty: it
	// does not.
	Why   plantain.Class `json:"why,omitempty"`
	Since time.Time      `json:"since,omitzero"` // it is so
	// Refused of so many attempts were refused for a lack of capacity, or failed on
	// Google's side, in the last ten minutes.
	Refused  int `json:"refused"`
	Attempts int `json:"attempts"`
}

// Says gives what the moment adds to a row, a sentence each. The zero Now says
// nothing.
func (n Now) Says(r Row) []string {
	says := []string{}
	if n.At.IsZero() {
		return says
	}
	for _, f := range r.Live {
		switch f {
		case Midnight:
			says = append(says, fmt.Sprintf("Google's day ends at midnight Pacific time, in %s (%s UTC).", inMinutes(n.Midnight.Sub(n.At)), n.Midnight.UTC().Format("15:04")))
		case Peak:
			says = append(says, n.peak())
		case Sky:
			for _, w := range n.Weather {
				says = append(says, w.says(n.At))
			}
		}
	}
	return says
}

func (n Now) peak() string {
	hours := fmt.Sprintf("the busiest hours that users report, %02d:00 to %02d:00 UTC", gemini.BusiestFrom, gemini.BusiestTo)
	busy, until := gemini.Busiest(n.At)
	if busy {
		return fmt.Sprintf("It is %s UTC, within %s; they end in %s.", n.At.UTC().Format("15:04"), hours, inMinutes(until.Sub(n.At)))
	}
	return fmt.Sprintf("It is %s UTC, outside %s; they begin in %s.", n.At.UTC().Format("15:04"), hours, inMinutes(until.Sub(n.At)))
}

func (w Weather) says(now time.Time) string {
	s := fmt.Sprintf("Your gateway: %s ", w.Model)
	if w.Where != "" {
		s += fmt.Sprintf("(%s) ", w.Where)
	}
	switch {
	case w.Why == plantain.ServerError:
		s += "has been failing for " + inMinutes(now.Sub(w.Since))
	case w.Why != "":
		s += "has been overloaded for " + inMinutes(now.Sub(w.Since))
	case w.Attempts == 0:
		return s + "was not asked in the last ten minutes."
	case w.Refused == 0:
		return s + fmt.Sprintf("was served every time, %d of %d, in the last ten minutes.", w.Attempts, w.Attempts)
	default:
		s += "is served"
	}
	return s + fmt.Sprintf("; %d of %d attempts of the last ten minutes were refused.", w.Refused, w.Attempts)
}

// inMinutes gives a wait as people say it, rounded up to whole minutes.
func inMinutes(d time.Duration) string {
	minutes := int((d + time.Minute - 1) / time.Minute)
	if minutes < 60 {
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
}
