package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

type projectsCmd struct {
	Server string `placeholder:"URL" help:"The gateway to ask. Default: the one that has the store, else the store itself."`
}

func (p *projectsCmd) Run(w *world) error {
	reports, err := p.reports(w)
	if err != nil {
		return err
	}
	if w.output == "json" {
		w.json(map[string]any{"projects": reports})
		return nil
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(w.stdout)
		}
		printReport(w.stdout, r, time.Now())
	}
	return nil
}

func (p *projectsCmd) reports(w *world) ([]pool.Report, error) {
	at := w.named(p.Server)
	if at == nil {
		c, err := w.loadConfig()
		if err != nil {
			return nil, err
		}
		if at = running(c.Store); at == nil {
			h, err := build(w.ctx, c, slog.New(slog.DiscardHandler), plantain.Clock{})
			if err != nil {
				return nil, err
			}
			return h.pool.Report(h.clock.Now(), modelIDs(c)), h.close(w.ctx)
		}
	}
	var got struct{ Projects []pool.Report }
	if err := at.get(w.ctx, "/api/v1/projects", &got); err != nil {
		return nil, err
	}
	return got.Projects, nil
}

func printReport(to io.Writer, r pool.Report, now time.Time) {
	state := "in rotation"
	if r.Parked != nil {
		state = parked(*r.Parked, now)
	}
	fmt.Fprintf(to, "%s  tier %d, %s\n", r.Project, r.Tier, state)
	var rows [][]string
	if len(r.Windows) > 0 {
		rows = append(rows, append([]string{"  all models"}, cells(r.Windows, now)...))
	}
	for _, m := range r.Models {
		rows = append(rows, modelRow(m, now))
	}
	table(to, rows)
}

func modelRow(m pool.ModelReport, now time.Time) []string {
	row := append([]string{"  " + string(m.Model)}, cells(m.Windows, now)...)
	if m.Parked != nil {
		row = append(row, parked(*m.Parked, now))
	}
	return row
}

func cells(windows []pool.WindowReport, now time.Time) (row []string) {
	for _, w := range windows {
		cell := fmt.Sprintf("%s %d/%d", strings.ToUpper(string(w.Limit)), w.Used, w.Of)
		if w.Limit == plantain.LimitSpend {
			cell = fmt.Sprintf("SPEND %s/%s in ten minutes", plantain.Nanodollars(w.Used), plantain.Nanodollars(w.Of))
		}
		if w.Learnt != nil {
			cell += " (learnt " + inWords(w.Learnt.At, now) + ")"
		}
		if w.Used >= w.Of && !w.Free.IsZero() {
			cell += " until " + inWords(w.Free, now)
		}
		row = append(row, cell)
	}
	return row
}

func parked(p pool.Parking, now time.Time) string {
	s := "parked for " + string(p.Reason)
	if p.Until.IsZero() {
		return s + " until its configuration changes: " + p.Why
	}
	if !p.Probe.IsZero() && !p.Probed {
		s += fmt.Sprintf(" (one probe at %s)", inWords(p.Probe, now))
	}
	return s + " until " + inWords(p.Until, now)
}
