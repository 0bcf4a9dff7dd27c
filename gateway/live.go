package gateway

import (
	"slices"
	"sync"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/relay"
)

// live are the stories of running requests that carry an idempotency key, so
// that whoever sent one can follow it. The zero value is ready.
type live struct {
	mu      sync.Mutex
	stories map[storyKey]*story
}

// A storyKey names a request by who sent it and its idempotency key.
type storyKey struct {
	client plantain.ClientName
	key    string
}

// A story is what happened to a request so far.
type story struct {
	mu    sync.Mutex
	seen  []relay.Event
	users int // guarded by live.mu
}

// begin opens the story of a key; done ends it.
func (l *live) begin(key storyKey) (s *story, done func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stories == nil {
		l.stories = map[storyKey]*story{}
	}
	s = l.stories[key]
	if s == nil {
		s = &story{}
		l.stories[key] = s
	}
	s.users++
	return s, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(l.stories, key)
		}
	}
}

func (l *live) events(key storyKey) ([]relay.Event, bool) {
	l.mu.Lock()
	s := l.stories[key]
	l.mu.Unlock()
	if s == nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen), true
}

func (s *story) add(e relay.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, e)
}
