package pool

import (
	"context"
	"sync"
)

// Memory is a [Store] that forgets with the process. The zero value is ready.
type Memory struct {
	mu     sync.Mutex
	states map[Key]State
}

// Update implements [Store].
func (m *Memory) Update(_ context.Context, keys []Key, fn func(States) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	states := States{}
	for _, k := range keys {
		s := m.states[k]
		c := s.Clone()
		states[k] = &c
	}
	if err := fn(states); err != nil {
		return err
	}
	if m.states == nil {
		m.states = map[Key]State{}
	}
	for k, s := range states {
		m.states[k] = *s
	}
	return nil
}
