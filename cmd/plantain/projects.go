package main

import (
	"fmt"
	"time"

	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

type projectsCmd struct {
	All   bool `short:"a" help:"Show the models of which nothing is used, too."`
	Hours bool `help:"Show for each hour of the day what was refused and how long images took."`
	atFlag
}

func (projectsCmd) Help() string {
	return `For each project and model: what is used of each window, what is parked until when and why, and limits that Google's own answers disclosed.

rpm, ipm, tpm: requests, images and input tokens a minute. rpd: requests a day, which ends at midnight Pacific time.

The weather is how readily Google serves a model. It belongs to the model and not to a project: while it is overloaded one attempt at a time tries whether it still is.`
}

// A situation is what there is to know before asking: of the projects, and of Google.
type situation struct {
	Projects []pool.Report        `json:"projects"`
	Weather  []pool.WeatherReport `json:"weather,omitempty"` // of a running gateway
	Hours    []ledger.Hour        `json:"hours"`
}

func (p *projectsCmd) Run(w *world) error {
	s, err := p.situation(w)
	if err != nil {
		return err
	}
	if w.output == "json" {
		w.json(s)
		return nil
	}
	now := time.Now()
	for i, r := range s.Projects {
		if i > 0 {
			fmt.Fprintln(w.stdout)
		}
		printReport(w.stdout, r, now, p.All)
	}
	printWeather(w.stdout, s.Weather, s.Hours, now)
	if p.Hours {
		printHours(w.stdout, s.Hours)
	}
	return nil
}

func (p *projectsCmd) situation(w *world) (s situation, err error) {
	err = w.withHouse(p.Server, func(at *remote, h *house) (err error) {
		if at != nil {
			return at.get(w.ctx, "/api/v1/projects", &s)
		}
		s.Projects = h.pool.Report(h.clock.Now(), modelIDs(h.built))
		s.Hours, err = h.gateway.Weather.Hours(w.ctx)
		return err
	})
	return s, err
}
