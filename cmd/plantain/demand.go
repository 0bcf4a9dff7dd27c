package main

import (
	"context"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/store"
)

// demandEvery is how often it is written down what was turned away: with a gateway
// that is killed, no more than that is forgotten.
const demandEvery = 30 * time.Second

// turnedAway counts requests for which there was no room in time, which cost no
// write each: there may be very many. The zero value is ready.
type turnedAway struct {
	mu     sync.Mutex
	counts map[ledger.Demand]int64 // by model and minute
}

// observe counts; it is for [relay.Transport.Watch].
func (t *turnedAway) observe(e relay.Event) {
	if e.Kind != relay.EventTurnedAway || e.Model == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[ledger.Demand]int64{}
	}
	t.counts[ledger.Demand{Model: e.Model, Minute: e.At.Unix() / 60}]++
}

// take gives what was counted and begins anew.
func (t *turnedAway) take() (all []ledger.Demand) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for d, n := range t.counts {
		d.TurnedAway = n
		all = append(all, d)
	}
	t.counts = nil
	return all
}

// give takes back what could not be written.
func (t *turnedAway) give(all []ledger.Demand) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[ledger.Demand]int64{}
	}
	for _, d := range all {
		n := d.TurnedAway
		d.TurnedAway = 0
		t.counts[d] += n
	}
}

// books are the store with what is not written down yet.
type books struct {
	*store.Store
	turned *turnedAway
	clock  plantain.Clock
}

// Demand implements [gateway.Ledger].
func (b books) Demand(ctx context.Context, since time.Time) ([]ledger.Demand, error) {
	if err := b.write(ctx); err != nil {
		return nil, err
	}
	return b.Store.Demand(ctx, since)
}

// write writes down what was turned away.
func (b books) write(ctx context.Context) error {
	counted := b.turned.take()
	if len(counted) == 0 {
		return nil
	}
	err := b.TurnAway(ctx, counted, b.clock.Now())
	if err != nil {
		b.turned.give(counted)
	}
	return err
}

// noteDemand writes down what was turned away until the context ends, and then the
// rest.
func (h *house) noteDemand(ctx context.Context) {
	tick := time.NewTicker(demandEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := h.books.write(context.WithoutCancel(ctx)); err != nil {
				h.log.Error("what was turned away is not written down", "error", err)
			}
			return
		case <-tick.C:
			_ = h.books.write(ctx) // it is tried again; what ails the store, others tell
		}
	}
}
