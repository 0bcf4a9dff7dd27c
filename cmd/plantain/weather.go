package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/store"
)

const (
	// hoursOver is how many days the hours of the day are told over: two of each
	// weekday, and few enough to tell of the season.
	hoursOver = 14
	// hoursKept spares the ledger whoever looks again and again.
	hoursKept = time.Minute
)

// hours are what was read of the ledger last. The zero value is ready.
type hours struct {
	mu   sync.Mutex
	at   time.Time // zero: nothing was read
	list []ledger.Hour
}

// read gives the function that tells of the hours of the day, at most a minute old.
func (h *hours) read(s *store.Store, clock plantain.Clock) func(context.Context) ([]ledger.Hour, error) {
	return func(ctx context.Context) ([]ledger.Hour, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		now := clock.Now()
		if !h.at.IsZero() && now.Sub(h.at).Abs() < hoursKept {
			return h.list, nil
		}
		list, err := s.Hours(ctx, now.AddDate(0, 0, -hoursOver))
		if err == nil {
			h.at, h.list = now, list
		}
		return list, err
	}
}

// printWeather tells how readily Google serves: now, and over the last days.
func printWeather(to io.Writer, reports []pool.WeatherReport, hours []ledger.Hour, now time.Time) {
	if len(reports)+len(hours) == 0 {
		return
	}
	fmt.Fprintln(to, "\nweather")
	for _, r := range reports {
		wrap(to, "  ", weather(r, now))
	}
	for _, days := range byModel(hours) {
		wrap(to, "  ", lately(days))
	}
}

func weather(r pool.WeatherReport, now time.Time) string {
	s := fmt.Sprintf("%s on %s: ", r.Model, r.Where())
	is := "overloaded"
	if r.Why == plantain.ServerError {
		is = "failing"
	}
	switch r.Breaker {
	case pool.Open:
		s += is + " since " + inWords(r.Since, now)
		if r.Probe.After(now) {
			s += "; the next attempt may go at " + soon(r.Probe, now)
		} else {
			s += "; the next request tries whether it still is"
		}
	case pool.HalfOpen:
		s += fmt.Sprintf("%s since %s; an attempt is out to see whether it still is", is, inWords(r.Since, now))
	case pool.Closed:
		if r.Attempts == 0 || r.Refused < r.Attempts {
			s += "served"
		} else {
			s += "not served yet" // and not refused often enough to be held back
		}
	}
	if r.Attempts > 0 {
		s += fmt.Sprintf("; %d of %d attempts refused in ten minutes", r.Refused, r.Attempts)
	}
	return s
}

// lately sums the hours of one model up and names the worst one, if enough was
// asked in it to tell.
func lately(hours []ledger.Hour) string {
	const enough = 10
	var all, worst ledger.Hour
	for _, h := range hours {
		all.Attempts, all.Refused = all.Attempts+h.Attempts, all.Refused+h.Refused
		if h.Attempts >= enough && h.Share() > worst.Share() {
			worst = h
		}
	}
	s := fmt.Sprintf("%s in %d days: %s of %d attempts refused", hours[0].Model, hoursOver, percent(all), all.Attempts)
	if worst.Refused > 0 {
		s += fmt.Sprintf(", most from %02d:00 to %02d:00 UTC: %s of %d", worst.Hour, worst.Hour+1, percent(worst), worst.Attempts)
	}
	return s
}

func percent(h ledger.Hour) string { return fmt.Sprintf("%.1f %%", 100*h.Share()) }

// byModel splits a list in the order of models.
func byModel(hours []ledger.Hour) (lists [][]ledger.Hour) {
	for i, h := range hours {
		if i == 0 || hours[i-1].Model != h.Model {
			lists = append(lists, nil)
		}
		last := &lists[len(lists)-1]
		*last = append(*last, h)
	}
	return lists
}

// printHours prints the hours of the day as a table.
func printHours(to io.Writer, hours []ledger.Hour) {
	if len(hours) == 0 {
		return
	}
	fmt.Fprintln(to)
	rows := [][]string{{"MODEL", "UTC", "ATTEMPTS", "REFUSED", "MEDIAN", "P95"}}
	for _, h := range hours {
		row := []string{string(h.Model), fmt.Sprintf("%02d:00", h.Hour), fmt.Sprint(h.Attempts), percent(h), "-", "-"}
		if h.Made > 0 {
			row[4], row[5] = span(toDuration(h.MedianSeconds)), span(toDuration(h.P95Seconds))
		}
		rows = append(rows, row)
	}
	table(to, rows)
}

func toDuration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
