package doctor

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// offBy is a clock that is wrong, and wayOffBy one that tokens of OAuth are
	// refused for: Google allows for five minutes.
	offBy    = 30 * time.Second
	wayOffBy = 5 * time.Minute
)

// clock compares this machine's clock with the dates of all answers. The nearest
// one counts: a clock that is wrong is so beside all of them.
func (d *Doctor) clock(context.Context) Finding {
	var best time.Duration
	known := false
	for _, p := range d.patients {
		for _, x := range []*exchange{p.list(), p.count()} {
			if skew, ok := x.skew(); ok && (!known || skew.Abs() < best.Abs()) {
				best, known = skew, true
			}
		}
	}
	if !known {
		return skipped("No answer told the time.")
	}
	f := fine("This machine's clock agrees with Google's.")
	f.Evidence = fmt.Sprintf("they differ by %s at the most", max(best.Abs().Round(time.Second), time.Second))
	if best.Abs() < offBy {
		return f
	}
	way := "behind"
	if best > 0 {
		way = "ahead of"
	}
	f = Finding{State: Warning, Side: You, Says: fmt.Sprintf("This machine's clock is %s %s Google's.", best.Abs().Round(time.Second), way),
		Evidence: "by the Date of the answers; days and minutes are counted by the wrong time, and certificates and tokens may be refused",
		Fix:      "Set the clock: timedatectl set-ntp true, or switch on the automatic time of the system; in a virtual machine, that of its host."}
	if best.Abs() >= wayOffBy {
		f.State = Fault
	}
	return f
}

// skew is how far this machine's clock is ahead of that of an answer, whose date has
// whole seconds.
func (x *exchange) skew() (time.Duration, bool) {
	if x.facts.Header == nil || x.facts.Header.Get("Age") != "" {
		return 0, false
	}
	date, err := http.ParseTime(x.facts.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	return x.sent.Add(x.facts.Took / 2).Sub(date.Add(time.Second / 2)), true
}
