package main

import (
	"context"
	"fmt"
	"time"

	"github.com/plantainhq/plantain/sim"
)

type simCmd struct {
	Listen  string        `default:"127.0.0.1:9797" placeholder:"HOST:PORT" help:"Where to listen."`
	Latency time.Duration `default:"0s" help:"How long an image takes to make."`
	Clock   clock         `embed:"" prefix:"clock-"`
}

func (simCmd) Help() string {
	return `An API key sim-free-NAME, sim-1-NAME, sim-2-NAME or sim-3-NAME is a project of that tier.

  GET  /sim/requests   what arrived, with project, model and status
  GET  /sim/bill       what Google would charge, by project and request
  POST /sim/faults     what goes wrong next: {"fault": "capacity", "next": 2}
  POST /sim/reset      forget everything`
}

func (s *simCmd) latency(string, string) time.Duration { return s.Latency }

func (s *simCmd) Run(w *world) error {
	c := s.Clock.clock()
	server, err := listen(s.Listen, sim.New(sim.Options{Now: c.Now, Latency: s.latency}))
	if err != nil {
		return err
	}
	fmt.Fprintf(w.stderr, "plantain sim listens on http://%s; stop it with Ctrl-C\n", server.address)
	failed := server.start()
	select {
	case err := <-failed:
		return err
	case <-w.ctx.Done():
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			return server.Close()
		}
		return nil
	}
}
