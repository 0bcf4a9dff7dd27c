package verdict

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// delayMarks stand before a delay in a message, in lower case.
var delayMarks = []string{"retry in ", "reset after ", "resets after ", "reset in ", "resets in ", "retry after ", "try again in ", "try again after ", "retrydelay", "quotaresetdelay"}

// stated gives the wait that an error states. The message comes first, because
// RetryInfo drops its fraction ("48.939935699s" becomes "48s").
func (l *layer) stated() time.Duration {
	if d, ok := delayIn(l.low()); ok {
		return d
	}
	if l.HasDelay && l.RetryDelay > 0 {
		return l.RetryDelay
	}
	d, _ := duration(lower(l.Metadata["quotaResetDelay"]))
	return d
}

// retryAfter reads the header that Google does not send but gateways do. The
// form with a date needs a clock and is left alone.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(strings.TrimSpace(h.Get("Retry-After")), 64)
	if err != nil {
		return 0
	}
	return ofSeconds(seconds)
}

func delayIn(low string) (time.Duration, bool) {
	for _, mark := range delayMarks {
		i := strings.Index(low, mark)
		if i < 0 || i > 0 && inWord(low[i-1]) {
			continue
		}
		if d, ok := duration(strings.TrimLeft(low[i+len(mark):], ` "':=`)); ok {
			return d, true
		}
	}
	return 0, false
}

// inWord reports a byte of a word: "chat_with_retry in 2.0 seconds" is the wait of
// some library.
func inWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// duration reads the delay at the start of a text: "48.9s.", "135h10m5s",
// "576.244211ms", "20 seconds". Nothing else is a delay.
func duration(low string) (time.Duration, bool) {
	n := 0
	for n < len(low) && strings.IndexByte("0123456789.hms", low[n]) >= 0 {
		n++
	}
	text := strings.TrimRight(low[:n], ".")
	if d, err := time.ParseDuration(text); err == nil {
		return d, d > 0 && d <= longest
	}
	count, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false
	}
	d := ofSeconds(count * secondsOf(strings.TrimLeft(low[n:], " ")))
	return d, d > 0
}

// secondsOf gives the seconds of the unit that a text begins with.
func secondsOf(unit string) float64 {
	switch {
	case strings.HasPrefix(unit, "s"):
		return 1
	case strings.HasPrefix(unit, "m"):
		return 60
	case strings.HasPrefix(unit, "h"):
		return 3600
	case strings.HasPrefix(unit, "d"):
		return 86400
	default:
		return 0
	}
}

// longest is the longest wait that a response can mean.
const longest = 366 * 24 * time.Hour

// ofSeconds refuses what no wait can be: nothing, less, more than a year.
func ofSeconds(s float64) time.Duration {
	if math.IsNaN(s) || s <= 0 || s > longest.Seconds() {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// daily is the shortest wait that is believed of a quota by the day: the short
// ones that Google states there (10 to 60 s) were all untrue.
const daily = 90 * time.Second

// wait is the stated wait where it can be believed.
func (n finding) wait() time.Duration {
	switch n.class {
	case plantain.RateMinute, plantain.Capacity, plantain.QuotaUnknown, plantain.ServerError, plantain.Timeout, plantain.ClientLimit:
		return n.stated
	case plantain.RateDay:
		if n.stated > daily {
			return n.stated
		}
		return 0
	default:
		return 0
	}
}

// delay of a whole body: that of the deciding layer, else of any, else of the
// header.
func delay(f *gemini.Facts, layers []layer) time.Duration {
	for i := range layers {
		if d := layers[i].stated(); d > 0 {
			return d
		}
	}
	return retryAfter(f.Header)
}
