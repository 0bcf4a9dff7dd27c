package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/store"
)

// notedEvery is how often it is written down what was turned away and what was
// spared: with a gateway that is killed, no more than that is forgotten.
const notedEvery = 30 * time.Second

// noted counts requests that made no attempt, which cost no write each: there may be
// very many. The zero value is ready.
type noted struct {
	turned counter[ledger.Demand] // by model and minute
	spared counter[ledger.Spared]
}

// observe counts; it is for [relay.Transport.Watch].
func (n *noted) observe(e relay.Event) {
	switch e.Kind {
	case relay.EventTurnedAway:
		if e.Model != "" {
			n.turned.add(ledger.Demand{Model: e.Model, Minute: e.At.Unix() / 60}, 1)
		}
	case relay.EventSpared:
		n.spared.add(ledger.Spared{Quarter: e.At.UnixNano() / int64(ledger.Quarter), Client: e.Client, Reason: ledger.SparedBy(e.Why), Earlier: e.Earlier}, 1)
	default:
	}
}

// A counter counts by key. It is safe for concurrent use.
type counter[K comparable] struct {
	mu     sync.Mutex
	counts map[K]int64
}

func (c *counter[K]) add(k K, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[K]int64{}
	}
	c.counts[k] += n
}

// write gives what was counted to be written down; what can't be is counted again.
func (c *counter[K]) write(write func(map[K]int64) error) error {
	c.mu.Lock()
	counted := c.counts
	c.counts = nil
	c.mu.Unlock()
	if len(counted) == 0 {
		return nil
	}
	err := write(counted)
	if err != nil {
		for k, n := range counted {
			c.add(k, n)
		}
	}
	return err
}

// books are the store with what is not written down yet.
type books struct {
	*store.Store
	noted *noted
	clock plantain.Clock
}

// Demand implements [gateway.Ledger].
func (b books) Demand(ctx context.Context, since time.Time) ([]ledger.Demand, error) {
	if err := b.write(ctx); err != nil {
		return nil, err
	}
	return b.Store.Demand(ctx, since)
}

// Spend implements [gateway.Ledger].
func (b books) Spend(ctx context.Context, q ledger.Query) (ledger.Report, error) {
	if err := b.write(ctx); err != nil {
		return ledger.Report{}, err
	}
	return b.Store.Spend(ctx, q)
}

// write writes down what was counted.
func (b books) write(ctx context.Context) error {
	return errors.Join(
		b.noted.turned.write(func(counts map[ledger.Demand]int64) error {
			var all []ledger.Demand
			for d, n := range counts {
				d.TurnedAway = n
				all = append(all, d)
			}
			return b.TurnAway(ctx, all, b.clock.Now())
		}),
		b.noted.spared.write(func(counts map[ledger.Spared]int64) error { return b.Spare(ctx, counts) }),
	)
}

// note writes down what was counted, and which keys were used, until the context
// ends, and then the rest.
func (h *house) note(ctx context.Context) {
	tick := time.NewTicker(notedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := h.writeNoted(context.WithoutCancel(ctx)); err != nil {
				h.log.Error("what was turned away or spared, or when keys were used, is not written down", "error", err)
			}
			return
		case <-tick.C:
			_ = h.writeNoted(ctx) // it is tried again; what ails the store, others tell
		}
	}
}

func (h *house) writeNoted(ctx context.Context) error {
	return errors.Join(h.books.write(ctx), h.door.Write(ctx))
}
