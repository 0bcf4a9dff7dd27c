package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gemini"
)

// An order is a request for one picture, as a maker sends it.
type order struct {
	path     string               // of generateContent, or of a thread at a gateway
	estimate string               // where a gateway tells what it would cost
	body     func() io.ReadCloser // made anew each time
	draft    string               // the size that it is a draft for; empty: none, or the gateway knows
	final    plantain.RequestID   // likewise, whose picture it makes at the final size
	notes    []string
}

// calls makes the order a call of a model.
func (o *order) calls(m plantain.Model, c gemini.Call) {
	o.path, o.body = "/v1beta/models/"+string(m)+":generateContent", c.Body
	o.estimate = "/api/v1/estimate?" + url.Values{"model": {string(m)}}.Encode()
}

// wishes is an order for a gateway, which has the thread.
func wishes(id, verb string, wish gallery.Wish) (order, error) {
	text, err := json.Marshal(wish)
	path := threadPath(id) + "/" + verb
	return order{path: path, estimate: path + "?estimate=true", body: func() io.ReadCloser { return io.NopCloser(bytes.NewReader(text)) }}, err
}

// refine orders the next turn of a thread.
func (m *maker) refine(ctx context.Context, id string, wish gallery.Wish) (order, error) {
	if m.at != nil {
		return wishes(id, "refine", wish)
	}
	s, err := m.gallery.Refine(ctx, m.catalogue, plantain.LocalClient, id, wish)
	return m.goOn(ctx, id, s, err)
}

// final orders the picture of a turn at its final size.
func (m *maker) final(ctx context.Context, id string, wish gallery.Wish) (order, error) {
	if m.at != nil {
		return wishes(id, "final", wish)
	}
	s, err := m.gallery.Final(ctx, m.catalogue, plantain.LocalClient, id, wish)
	return m.goOn(ctx, id, s, err)
}

func (m *maker) goOn(ctx context.Context, id string, s *gallery.Sequel, err error) (order, error) {
	if errors.As(err, new(*gallery.UnfitError)) {
		return order{}, fmt.Errorf("%w\n%w", errUsage, err)
	}
	if err != nil {
		return order{}, m.gallery.Whose(ctx, plantain.LocalClient, id, err)
	}
	o := order{draft: s.Draft, final: s.Final, notes: s.Notes}
	o.calls(s.Model, s.Call)
	return o, nil
}

// wall is where the pictures are.
func (m *maker) wall() *wall { return &wall{at: m.at, g: m.gallery} }

// A draft is what is told of one beside its picture.
type draft struct {
	For     string         `json:"for"`                  // the size of the final
	Cost    *plantain.Cost `json:"final_cost,omitempty"` // that it would take; absent: see Why
	Why     string         `json:"why,omitempty"`        // no final can be made of it
	Command string         `json:"final_command"`
}

// refuseDraft says of a draft that no final can be made of it, before it is paid for.
// What else is wrong is said where it is sent.
func (m *maker) refuseDraft(ctx context.Context, o order) error {
	e, err := m.ask(ctx, o)
	if err == nil && e.NoFinal != "" {
		return fmt.Errorf("no final could be made of this draft: %s; without --draft, --size makes the size that you want at once", e.NoFinal)
	}
	return nil
}

// tellFinal finds what the final of a draft would cost, and how it is made.
func (m *maker) tellFinal(of *made) {
	const soon = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.w.ctx), soon) // Ctrl-C may have come for the picture
	defer cancel()
	of.Draft.Command = m.command("generate --final " + string(of.Request))
	o, err := m.final(ctx, string(of.Request), gallery.Wish{Size: of.Draft.For})
	if err == nil {
		e, failed := m.ask(ctx, o)
		of.Draft.Cost, err = &e.Cost, failed
	}
	if err != nil {
		of.Draft.Cost, of.Draft.Why = nil, message(err)
	}
}

// printDraft tells a person how a draft becomes a final.
func (w *world) printDraft(d *draft) {
	if d.Cost == nil {
		fmt.Fprintf(w.stderr, "draft for %s, but no final can be made of it: %s\n", d.For, d.Why)
		return
	}
	fmt.Fprintf(w.stderr, "draft; the final at %s costs %s to %s:\n  %s\n", d.For, money(d.Cost.Low), money(d.Cost.High), d.Command)
}
