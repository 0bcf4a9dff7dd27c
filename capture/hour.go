package capture

import (
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// An Hour is the instant that an explanation speaks from. The zero value says
// nothing of the time of day.
type Hour struct {
	At       time.Time // in the zone of the reader
	Midnight time.Time // the next one in Pacific time, when Google's day ends
	Asked    bool      // the reader named the hour: it is told whatever the verdict
}

// when says when to try again.
func (h Hour) when(v plantain.Verdict) string {
	costs := ""
	if v.Charged != plantain.ChargedNo {
		costs = "; each try may cost again"
	}
	switch {
	case v.Class == plantain.Success, v.Class == plantain.Unclassifiable && v.Retry == plantain.RetryNo:
		return ""
	case v.Class == plantain.RateDay && v.Wait > 0:
		return "through another project now; through this one " + h.after(v.Wait)
	case v.Class == plantain.RateDay:
		return "through another project now; through this one after midnight Pacific" + h.midnight()
	case v.Retry == plantain.RetryLater && v.Wait > 0:
		return h.after(v.Wait) + costs
	case v.Retry == plantain.RetryLater && (v.Class == plantain.Unanswered || v.Class == plantain.Timeout && v.Charged != plantain.ChargedNo):
		return "as soon as paying twice is acceptable"
	case v.Retry == plantain.RetryLater:
		return "in a few seconds, then after longer and longer pauses" + costs
	case v.Retry == plantain.RetryOtherProject:
		return "through another project now; through this one once that is done"
	case v.Retry == plantain.RetryAfterFix:
		return "once it is changed; waiting alone does not help" + costs
	default:
		return "not at all" + costs
	}
}

// after names a wait, and the instant at which it is over.
func (h Hour) after(d time.Duration) string {
	if h.At.IsZero() {
		return "in " + span(d)
	}
	return fmt.Sprintf("in %s, at %s", span(d), h.clock(h.At.Add(d)))
}

func (h Hour) midnight() string {
	if h.At.IsZero() {
		return ""
	}
	return ", " + h.after(h.Midnight.Sub(h.At))
}

// clock gives an instant as a reader wants it: with the day if it is not this one.
func (h Hour) clock(at time.Time) string {
	at = at.Add(time.Second - 1).Truncate(time.Second).In(h.At.Location())
	if at.YearDay() == h.At.YearDay() && at.Year() == h.At.Year() {
		return at.Format("15:04:05 MST")
	}
	return at.Format("2 Jan 15:04 MST")
}

// says gives what the hour adds to a verdict: of itself only where it matters.
func (h Hour) says(v plantain.Verdict) string {
	if h.At.IsZero() {
		return ""
	}
	busy := v.Class == plantain.Capacity || v.Class == plantain.Timeout
	if !busy && !h.Asked {
		return ""
	}
	s := ""
	if busy || h.Asked {
		s = h.at() + "is outside the busiest hours (10:00 to 14:00 UTC)."
		if busy, ends := gemini.Busiest(h.At); busy {
			s = h.at() + "is in the busiest hours (10:00 to 14:00 UTC), which end in " + span(ends.Sub(h.At)) + "."
		}
	}
	if h.Asked {
		if s != "" {
			s += " "
		}
		s += "Daily quotas come back at midnight Pacific, " + h.after(h.Midnight.Sub(h.At)) + "."
	}
	return s
}

func (h Hour) at() string { return h.At.UTC().Format("15:04") + " UTC " }

// span gives a duration as a person says it, rounded up.
func span(d time.Duration) string {
	d = (d + time.Second - 1).Truncate(time.Second)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
