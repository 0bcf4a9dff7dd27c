package plantain

import "time"

// A Clock is the time that a program lives by. The zero value is the real one; a
// shift and a rate are for tests that must live through a day with real sockets
// and killed processes.
type Clock struct {
	Start time.Time // the real instant at which Rate begins to matter; zero with a Rate of 0 or 1
	Shift time.Duration
	Rate  float64 // seconds of this clock for each real one; zero: 1
	// Lead is added as well: how far the clock that counts, that of a database many
	// machines share, is ahead of this one's at the moment. nil: nothing.
	Lead func() time.Duration
}

// Now is the present by this clock.
func (c Clock) Now() time.Time {
	now := time.Now()
	if c.Rate != 0 && c.Rate != 1 {
		now = c.Start.Add(time.Duration(float64(now.Sub(c.Start)) * c.Rate))
	}
	if c.Lead != nil {
		now = now.Add(c.Lead())
	}
	return now.Add(c.Shift)
}

// Real is how long a span of this clock takes in reality.
func (c Clock) Real(d time.Duration) time.Duration {
	if c.Rate == 0 {
		return d
	}
	return time.Duration(float64(d) / c.Rate)
}
