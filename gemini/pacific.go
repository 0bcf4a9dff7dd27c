package gemini

import (
	"time"
	_ "time/tzdata" // Google's day must not depend on what the machine has installed
)

// Pacific is the zone of Google's days: those of quotas ("RPD resets at midnight
// Pacific", gemini-api.md §8 [rate]), and those of its bills and prices. It observes
// daylight saving time.
var Pacific = func() *time.Location {
	l, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic("gemini: the embedded time zones lack America/Los_Angeles: " + err.Error())
	}
	return l
}()

// DayOf gives the Pacific calendar day of an instant, "2026-11-24".
func DayOf(t time.Time) string { return t.In(Pacific).Format(time.DateOnly) }

// Midnight gives the next midnight Pacific after an instant. Days with a change of
// daylight saving time have 23 or 25 hours.
func Midnight(t time.Time) time.Time {
	p := t.In(Pacific)
	return time.Date(p.Year(), p.Month(), p.Day()+1, 0, 0, 0, 0, Pacific)
}
