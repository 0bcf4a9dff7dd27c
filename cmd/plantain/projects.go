package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

type projectsCmd struct {
	All    bool   `short:"a" help:"Show the models of which nothing is used, too."`
	Server string `placeholder:"URL" help:"The gateway to ask. Default: the one that has the store, else the store itself."`
}

func (projectsCmd) Help() string {
	return `For each project and model: what is used of each window, what is parked until when and why, and limits that Google's own answers disclosed.

rpm, ipm, tpm: requests, images and input tokens a minute. rpd: requests a day, which ends at midnight Pacific time.`
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
		printReport(w.stdout, r, time.Now(), p.All)
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
