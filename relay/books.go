package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// ErrNotOut says that an attempt cannot be settled, because it is not out: it
// was settled before, given up as unknown, or never opened.
var ErrNotOut = errors.New("the attempt is not out")

// ErrClaimed says that an attempt cannot be opened, because another request claims
// its Idempotency-Key.
var ErrClaimed = errors.New("another request has the key")

// Books is the one interface through which an attempt changes state. Both verbs
// are one transaction each: all of it happens or nothing does. The suite
// relay/bookstest says in full what is promised.
type Books interface {
	// Open writes an attempt as sent, before anything is, and takes its room: fn
	// is called on the true states of keys. Where fn gives an error nothing is
	// written and Open gives that error as it is. fn must not block and may be
	// called again. With the attempt goes the claim of its request, where it has one:
	// where processes share the books and another one was first, nothing is written
	// and Open gives ErrClaimed.
	Open(ctx context.Context, a plantain.Attempt, keys []pool.Key, fn func(pool.States) error) error
	// Settle ends an attempt that is out, with its entry and the answer that is owed
	// from then on, and applies fn to the states of keys. It gives ErrNotOut, and changes nothing, where the attempt
	// is not out.
	Settle(ctx context.Context, e ledger.Entry, keys []pool.Key, fn func(pool.States) error) error
}

// Memory is Books that forget with the process, for a program that embeds the
// Transport, and keep no claims or answers. The zero value is ready.
type Memory struct {
	mu      sync.Mutex
	windows pool.Memory
	out     map[plantain.AttemptID]bool // opened and not settled
}

// Open implements [Books].
func (m *Memory) Open(ctx context.Context, a plantain.Attempt, keys []pool.Key, fn func(pool.States) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.out[a.ID] {
		return fmt.Errorf("attempt %s was opened before", a.ID)
	}
	if err := m.windows.Update(ctx, keys, fn); err != nil {
		return err
	}
	if m.out == nil {
		m.out = map[plantain.AttemptID]bool{}
	}
	m.out[a.ID] = true
	return nil
}

// Settle implements [Books].
func (m *Memory) Settle(ctx context.Context, e ledger.Entry, keys []pool.Key, fn func(pool.States) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.out[e.Attempt] {
		return ErrNotOut
	}
	if err := m.windows.Update(ctx, keys, fn); err != nil {
		return err
	}
	delete(m.out, e.Attempt)
	return nil
}

// Update implements [pool.Store].
func (m *Memory) Update(ctx context.Context, keys []pool.Key, fn func(pool.States) error) error {
	return m.windows.Update(ctx, keys, fn)
}
