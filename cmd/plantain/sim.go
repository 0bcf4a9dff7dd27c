package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/plantainhq/plantain/sim"
)

type simCmd struct {
	Listen     string        `default:"127.0.0.1:9797" placeholder:"HOST:PORT" help:"Where to listen."`
	Scenario   string        `type:"existingfile" placeholder:"FILE" help:"What goes wrong, from the start: a JSON list of faults; see sim/scenarios."`
	Latency    time.Duration `default:"0s" help:"How long an image takes to make."`
	Recorded   bool          `help:"Take as long for an image as recorded ones did."`
	Filtered   string        `enum:"charged,free" default:"charged" help:"Who pays for what was filtered without a word on it: charged or free."`
	Window     string        `enum:"sliding,fixed" default:"sliding" help:"How a minute is counted: the last sixty seconds (sliding) or by the clock (fixed)."`
	Signatures string        `enum:"on,real,off" default:"on" help:"Whether the turns of a model must bring their thought signatures: on, real (Google's placeholder will not do) or off."`
	Late       bool          `hidden:"" help:"A streamed picture brings its signature behind it."`
	Seed       uint64        `hidden:""`
	Clock      clock         `embed:"" prefix:"clock-"`
}

func (simCmd) Help() string {
	return `An API key sim-free-NAME, sim-1-NAME, sim-2-NAME or sim-3-NAME is a project of that tier. Plantain asks it instead of Google with
base_url: http://127.0.0.1:9797 in a project of plantain.yaml, or without a file:

    export PLANTAIN_UPSTREAM=http://127.0.0.1:9797 GEMINI_API_KEY=sim-1-me

  GET  /sim/requests   what arrived, with project, model and status
  GET  /sim/bill       what Google would charge, by project and request
  GET  /sim/bill.csv   the same as Google exports it; ?project=NAME
  POST /sim/faults     what goes wrong next: {"fault": "capacity", "next": 2}
  POST /sim/reset      forget everything
  POST /sim/status     what Google's status page says: {"status": "red"}

A wrong name of a fault is answered with the list of the right ones. A prompt with [sim:capacity] in it fails that way.`
}

// options turns the flags into what the simulator takes.
func (s *simCmd) options() (sim.Options, error) {
	o := sim.Options{Now: s.Clock.clock().Now, Filtered: s.Filtered, Window: s.Window, Signatures: s.Signatures, SignatureLast: s.Late, Seed: s.Seed}
	switch {
	case s.Recorded:
		o.Latency = sim.Recorded
	case s.Latency > 0:
		o.Latency = func(string, string) time.Duration { return s.Latency }
	}
	if s.Scenario == "" {
		return o, nil
	}
	f, err := os.Open(s.Scenario)
	if err != nil {
		return o, err
	}
	defer func() { _ = f.Close() }()
	if o.Scenario, err = sim.LoadScenario(f); err != nil {
		return o, fmt.Errorf("%s: %w", s.Scenario, err)
	}
	return o, nil
}

func (s *simCmd) Run(w *world) error {
	o, err := s.options()
	if err != nil {
		return err
	}
	server, err := listen(s.Listen, sim.New(o), false)
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
