package gemini

import "time"

// The busiest hours of Google's image models begin and end at these hours of the
// day in UTC. Users report it (blog.laozhang.ai, 2026-03); it is no word of
// Google's, and is to be told as such.
const (
	BusiestFrom = 10
	BusiestTo   = 14
)

// Busiest tells whether an instant is in the busiest hours, and when that changes
// next.
func Busiest(at time.Time) (busy bool, until time.Time) {
	at = at.UTC()
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	from, to := day.Add(BusiestFrom*time.Hour), day.Add(BusiestTo*time.Hour)
	switch {
	case at.Before(from):
		return false, from
	case at.Before(to):
		return true, to
	default:
		return false, from.AddDate(0, 0, 1)
	}
}
