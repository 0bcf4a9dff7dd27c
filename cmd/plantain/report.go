package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
)

// printReport shows a project. Models of which nothing is
// used share a line, unless all are to be seen.
func printReport(to io.Writer, r pool.Report, now time.Time, all bool) {
	if r.Parked == nil {
		fmt.Fprintf(to, "%s  %s, in rotation\n", r.Project, tier(r.Tier))
	} else {
		fmt.Fprintf(to, "%s  %s, out of rotation\n", r.Project, tier(r.Tier))
		wrap(to, "  ", parked(*r.Parked, now))
	}
	for _, n := range wholeNotes(r, now) {
		wrap(to, "  ", n)
	}
	rest := map[string][]string{}
	var shown []pool.ModelReport
	for _, m := range r.Models {
		if why := unused(m); why != "" && !all {
			rest[why] = append(rest[why], string(m.Model))
			continue
		}
		shown = append(shown, m)
	}
	printModels(to, shown, now)
	for _, why := range []string{"nothing used", "no quota"} {
		if names := rest[why]; len(names) > 0 {
			wrap(to, "  ", why+": "+strings.Join(names, ", "))
		}
	}
}

func tier(n int) string {
	switch n {
	case gemini.FreeTier:
		return "free tier"
	case 0:
		return "tier not known"
	default:
		return fmt.Sprintf("tier %d", n)
	}
}

// wholeNotes tell of the windows of a project over all its models.
func wholeNotes(r pool.Report, now time.Time) (notes []string) {
	for _, w := range r.Windows {
		if w.Limit != plantain.LimitSpend || w.Of == 0 {
			continue // without quota no model has any
		}
		note := fmt.Sprintf("spend: %s of %s in ten minutes", cents(w.Used), cents(w.Of))
		if w.Used >= w.Of && !w.Free.IsZero() {
			note += "; no room until " + soon(w.Free, now)
		}
		notes = append(notes, note)
	}
	return notes
}

// cents rounds an amount up to cents: nobody is told that less is spent.
func cents(n int64) string {
	const cent = int64(plantain.Dollar / 100)
	c := (n + cent - 1) / cent
	return fmt.Sprintf("$%d.%02d", c/100, c%100)
}

// unused says why there is nothing to show of a model; empty: there is.
func unused(m pool.ModelReport) string {
	if m.Parked != nil || m.InAir > 0 {
		return ""
	}
	none := false
	for _, w := range m.Windows {
		if w.Used > 0 || w.Learnt != nil {
			return ""
		}
		none = none || w.Of == 0
	}
	if none {
		return "no quota"
	}
	return "nothing used"
}

// printModels prints a table of windows, with what is to be said of a model
// below its row.
func printModels(to io.Writer, models []pool.ModelReport, now time.Time) {
	if len(models) == 0 {
		return
	}
	var limits []plantain.Limit
	for _, m := range models {
		for _, w := range m.Windows {
			if !slices.Contains(limits, w.Limit) {
				limits = append(limits, w.Limit)
			}
		}
	}
	head := []string{"  MODEL"}
	for _, l := range limits {
		head = append(head, strings.ToUpper(string(l)))
	}
	rows := [][]string{head}
	for _, m := range models {
		rows = append(rows, modelRow(m, limits))
	}
	var b bytes.Buffer
	table(&b, rows)
	for i, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		fmt.Fprintln(to, line)
		if i > 0 {
			for _, n := range modelNotes(models[i-1], now) {
				wrap(to, "    ", n)
			}
		}
	}
}

func modelRow(m pool.ModelReport, limits []plantain.Limit) []string {
	row := []string{"  " + string(m.Model)}
	for _, l := range limits {
		cell := "-"
		for _, w := range m.Windows {
			if w.Limit == l {
				cell = fmt.Sprintf("%d/%d", w.Used, w.Of)
			}
		}
		row = append(row, cell)
	}
	return row
}

// modelNotes tell what keeps a model from being asked, and what was learnt.
func modelNotes(m pool.ModelReport, now time.Time) (notes []string) {
	if m.InAir > 0 {
		notes = append(notes, fmt.Sprintf("attempts out: %d", m.InAir))
	}
	if m.Parked != nil {
		notes = append(notes, parked(*m.Parked, now))
	}
	var full, none []string
	var until time.Time
	for _, w := range m.Windows {
		switch {
		case w.Of == 0:
			none = append(none, string(w.Limit))
		case w.Used >= w.Of:
			full = append(full, string(w.Limit))
			if w.Free.After(until) {
				until = w.Free
			}
		}
	}
	if len(none) > 0 {
		notes = append(notes, "no quota ("+strings.Join(none, ", ")+")")
	}
	if len(full) > 0 {
		notes = append(notes, "no room until "+soon(until, now)+" ("+strings.Join(full, ", ")+")")
	}
	for _, w := range m.Windows {
		if w.Learnt != nil {
			notes = append(notes, fmt.Sprintf("%s %d learnt %s: %s", w.Limit, w.Learnt.Value, inWords(w.Learnt.At, now), firstSentence(w.Learnt.From)))
		}
	}
	return notes
}

// firstSentence is what an explanation begins with: what happened. What follows is
// whether it was charged, and why.
func firstSentence(s string) string {
	first, _, more := strings.Cut(s, ". ")
	if more {
		first += "."
	}
	return first
}

func parked(p pool.Parking, now time.Time) string {
	s := "parked for " + string(p.Reason)
	if p.Until.IsZero() {
		return s + " until the configuration is reloaded: " + firstSentence(p.Why)
	}
	s += " until " + soon(p.Until, now)
	if p.Probes() {
		s += "; one probe at " + soon(p.Probe, now)
	}
	return s
}

// soon gives an instant with how far off it is.
func soon(at, now time.Time) string {
	d := at.Sub(now)
	switch {
	case d <= 0:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%s, in %d s", inWords(at, now), int(d.Round(time.Second).Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%s, in %d min", inWords(at, now), int(d.Round(time.Minute).Minutes()))
	default:
		return fmt.Sprintf("%s, in %d h", inWords(at, now), int(d.Round(time.Hour).Hours()))
	}
}
