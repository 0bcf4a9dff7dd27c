package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/plantainhq/plantain/relay"
)

// estimate tells what a request would cost and when it could be sent.
func (m *maker) estimate(ctx context.Context, o order) error {
	e, err := m.ask(ctx, o)
	if err != nil {
		return err
	}
	if m.w.output == "json" {
		m.w.json(e)
		return nil
	}
	printEstimate(m.w.stdout, e, time.Now())
	return nil
}

func (m *maker) ask(ctx context.Context, o order) (e relay.Estimate, err error) {
	address := here + o.path
	if m.at != nil {
		address = m.at.base + o.estimate
	}
	ctx = relay.WithCaller(ctx, relay.Caller{Estimate: true, Draft: o.draft})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, o.body())
	if err != nil {
		return e, err
	}
	r.Header.Set("Content-Type", "application/json")
	if m.at != nil {
		m.hints(r, o)
		return e, m.at.read(r, &e)
	}
	a, err := exchange(m.through, r)
	if err != nil {
		return e, err
	}
	if a.status != http.StatusOK {
		return e, noPicture(a.header, a.facts())
	}
	return e, json.Unmarshal(a.body, &e)
}

func printEstimate(to io.Writer, e relay.Estimate, now time.Time) {
	wrap(to, "", fmt.Sprintf("%s at %s: %s to %s, by how much text comes beside the picture; at most %s, should the answer bring ten pictures",
		e.Model, e.Size, money(e.Cost.Low), money(e.Cost.High), money(e.Most)))
	switch {
	case e.Never:
		wrap(to, "", "it can't be sent: "+e.Why)
	case e.Wait > 0:
		wrap(to, "", fmt.Sprintf("room at %s through %s: %s", soon(e.At, now), e.Project, e.Why))
	case e.Why != "":
		wrap(to, "", "room as soon as a request that runs is answered: "+e.Why)
	default:
		wrap(to, "", fmt.Sprintf("room now, through %s", e.Project))
	}
	if e.NoFinal != "" {
		wrap(to, "", "no final can be made of it: "+e.NoFinal)
	}
}
