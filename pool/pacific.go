package pool

import (
	"sync/atomic"
	"time"

	"github.com/plantainhq/plantain/gemini"
)

// today is the day in which what is sent at an instant must have room. It begins a
// Margin late: Google's clock may be a little behind, and a refusal for the day
// costs all of it.
func today(t time.Time) string { return gemini.DayOf(t.Add(-Margin)) }

// dayEnds is when a day that is used up gives room again.
func dayEnds(t time.Time) time.Time { return gemini.Midnight(t.Add(-Margin)).Add(Margin) }

// A calendar is what the windows of a day need to know of it, true for a while.
type calendar struct {
	from, until, ends int64 // Unix milliseconds; ends is dayEnds
	today, tomorrow   string
}

// known is the last one that was made: to ask the time zone takes longer than all
// that is done with a window.
var known atomic.Pointer[calendar]

func calendarOf(now time.Time) *calendar {
	ms := now.UnixMilli()
	if c := known.Load(); c != nil && ms >= c.from && ms < c.until {
		return c
	}
	midnight, ends := gemini.Midnight(now), dayEnds(now).UnixMilli()
	c := &calendar{from: ms, until: min(midnight.UnixMilli(), ends), ends: ends, today: today(now), tomorrow: gemini.DayOf(midnight)}
	known.Store(c)
	return c
}
