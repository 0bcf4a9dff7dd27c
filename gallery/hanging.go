package gallery

import (
	"context"
	"slices"
	"sync"

	"github.com/plantainhq/plantain"
)

// hanging are the pictures that clients have and the rows do not yet: whoever goes on
// with one that it has just got must find it. The zero value is ready.
type hanging struct {
	mu sync.Mutex
	of map[plantain.ClientName][]chan struct{} // closed when they hang
}

// Announce says that a client is about to have pictures that are hung right after,
// until hung is called; earlier waits for those that were announced before. Both must
// be called by one goroutine, earlier first if at all.
func (g *Gallery) Announce(c plantain.ClientName) (earlier, hung func()) {
	h := &g.hanging
	mine := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	before := slices.Clone(h.of[c])
	if h.of == nil {
		h.of = map[plantain.ClientName][]chan struct{}{}
	}
	h.of[c] = append(h.of[c], mine)
	earlier = func() {
		for _, done := range before {
			<-done
		}
	}
	return earlier, func() { h.end(c, mine) }
}

func (h *hanging) end(c plantain.ClientName, mine chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(mine)
	h.of[c] = slices.DeleteFunc(h.of[c], func(done chan struct{}) bool { return done == mine })
	if len(h.of[c]) == 0 {
		delete(h.of, c)
	}
}

// wait returns when what was announced of a client, of all where it is empty, hangs,
// or the context ends.
func (h *hanging) wait(ctx context.Context, c plantain.ClientName) error {
	h.mu.Lock()
	var all []chan struct{}
	for of, some := range h.of {
		if c == "" || of == c {
			all = append(all, some...)
		}
	}
	h.mu.Unlock()
	for _, done := range all {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
