package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
)

// printSpend prints a report in 80 columns: what it is told by last has a row, what
// comes before it a heading.
func printSpend(to io.Writer, r ledger.Report) {
	fmt.Fprintf(to, "%s, time zone %s\n", between(r.Since, r.Until), r.Zone)
	if len(r.Rows) == 0 {
		fmt.Fprintln(to, "  no attempts")
		savedNotes(to, r.Saved)
		return
	}
	last := r.By[len(r.By)-1]
	heading := func(s ledger.Spend) string {
		var names []string
		for _, d := range r.By[:len(r.By)-1] {
			names = append(names, s.Of(d))
		}
		return strings.Join(names, ", ")
	}
	rows := [][]string{{strings.ToUpper(string(last)), "IMAGES", "ATTEMPTS", "COST", "WASTE", "UNKNOWN"}}
	above := map[int]string{} // headings by the row that follows them
	for i, s := range r.Rows {
		if len(r.By) > 1 && (i == 0 || heading(s) != heading(r.Rows[i-1])) {
			above[len(rows)] = heading(s)
		}
		rows = append(rows, spendRow(s.Of(last), s.Sums))
	}
	if len(r.By) > 1 {
		above[len(rows)] = ""
	}
	rows = append(rows, spendRow("all", r.Total))
	for i, line := range columns(rows, 1) {
		if h, ok := above[i]; ok {
			fmt.Fprintln(to, strings.TrimRight("  "+h, " "))
		}
		fmt.Fprintln(to, line)
	}
	spendNotes(to, r.Total)
	savedNotes(to, r.Saved)
}

// savedNotes say what cost nothing, because an earlier request had been paid for, and
// what cost less, because it was a draft.
func savedNotes(to io.Writer, saved []ledger.Saved) {
	for _, s := range saved {
		if s.Cost.High < 0 {
			wrap(to, "  ", fmt.Sprintf("not saved: %s by %s, which cost that beside their finals", costOf(plantain.Cost{Low: -s.Cost.High, High: -s.Cost.Low}), count(s.Requests, "draft")))
			continue
		}
		if s.Reason == ledger.SparedDraft {
			wrap(to, "  ", fmt.Sprintf("saved: %s by %s: what those without a final cost less than the size they were meant for, minus the cost of those with one",
				costOf(s.Cost), count(s.Requests, "draft")))
			continue
		}
		wrap(to, "  ", fmt.Sprintf("saved: %s by %s %s", costOf(s.Cost), count(s.Requests, "request"), sparedBy(s.Reason)))
	}
}

func sparedBy(r ledger.SparedBy) string {
	switch r {
	case ledger.SparedRepeat:
		return "that came again and got the answer there was"
	case ledger.SparedFiltered:
		return "that were filtered before and not sent again"
	default:
		return "for " + string(r)
	}
}

func spendRow(name string, s ledger.Sums) []string {
	unknown := "-"
	if s.Unsure > 0 {
		unknown = fmt.Sprint(s.Unsure)
	}
	return []string{name, fmt.Sprint(s.Images), fmt.Sprint(s.Attempts), costOf(s.Cost), money(s.Waste), unknown}
}

// spendNotes say in words what waste and unknown amount to.
func spendNotes(to io.Writer, s ledger.Sums) {
	if s.Waste > 0 {
		wrap(to, "  ", fmt.Sprintf("waste: %s of %s (%d %%) was charged and brought no usable image; --by verdict tells why",
			money(s.Waste), money(s.Cost.Low), percentOf(s.Waste, s.Cost.Low)))
	}
	if s.Unsure > 0 {
		wrap(to, "  ", fmt.Sprintf("unknown: %s whose charge is not known may have cost up to %s together", count(s.Unsure, "attempt"), money(s.Unknown)))
	}
}

func percentOf(part, whole plantain.Nanodollars) int64 {
	return int64((100*part + whole/2) / whole)
}

// columns aligns rows: the first cells, so many, to the left, numbers to the right.
func columns(rows [][]string, left int) (lines []string) {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			side := width[i]
			if i < left {
				side = -side
			}
			fmt.Fprintf(&line, "  %*s", side, cell)
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
}

// money gives an amount for people, rounded up: nobody is told that less is spent.
// Below ten dollars a tenth of a cent matters.
func money(n plantain.Nanodollars) string {
	unit, digits := plantain.Dollar/1000, 3
	if n >= 10*plantain.Dollar {
		unit, digits = plantain.Dollar/100, 2
	}
	n = (n + unit - 1) / unit * unit
	return fmt.Sprintf("$%d.%0*d", n/plantain.Dollar, digits, n%plantain.Dollar/unit)
}

func costOf(c plantain.Cost) string {
	if c.Known() {
		return money(c.Low)
	}
	return money(c.Low) + "-" + strings.TrimPrefix(money(c.High), "$")
}

// between names a time by its days, where it is whole ones.
func between(since, until time.Time) string {
	whole := func(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 }
	if !whole(since) || !whole(until) {
		return since.Format("2 Jan 2006 15:04") + " to " + until.Format("2 Jan 2006 15:04")
	}
	first, last := since.Format("2 Jan 2006"), until.AddDate(0, 0, -1).Format("2 Jan 2006")
	if first == last {
		return first
	}
	return first + " to " + last
}

// spendCSV prints reports as one table, with exact dollars.
func spendCSV(to io.Writer, reports []ledger.Report) error {
	out := csv.NewWriter(to)
	head := []string{"since", "until"}
	for _, d := range reports[0].By {
		head = append(head, string(d))
	}
	_ = out.Write(append(head, "images", "attempts", "cost_low_usd", "cost_high_usd", "waste_usd", "unknown_attempts", "unknown_usd"))
	for _, r := range reports {
		for _, s := range r.Rows {
			row := []string{r.Since.Format(time.RFC3339), r.Until.Format(time.RFC3339)}
			for _, d := range r.By {
				row = append(row, s.Of(d))
			}
			_ = out.Write(append(row, fmt.Sprint(s.Images), fmt.Sprint(s.Attempts), s.Cost.Low.Decimal(), s.Cost.High.Decimal(),
				s.Waste.Decimal(), fmt.Sprint(s.Unsure), s.Unknown.Decimal())) // an error stays until Flush
		}
	}
	out.Flush()
	return out.Error()
}
