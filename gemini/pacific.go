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
