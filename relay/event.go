package relay

import (
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/thread"
)

// EventKind says what an Event tells.
type EventKind string

// What can be told of a running request.
const (
	EventWaiting EventKind = "waiting" // for room or for a back-off, until Until
	EventSent    EventKind = "sent"    // an attempt went out
	EventJudged  EventKind = "judged"  // its verdict is in
	// EventTurnedAway ends a request for which there was no room in time, so that nothing
	// of it was sent.
	EventTurnedAway EventKind = "turned-away"
	// EventSpared ends a request that is answered without an attempt, because Earlier was
	// paid for: Why is "repeat" or "filtered".
	EventSpared EventKind = "spared"
)

// An Event is one step of a request, for whoever watches it.
type Event struct {
	At      time.Time            `json:"at"`
	Kind    EventKind            `json:"kind"`
	Request plantain.RequestID   `json:"request"`
	Attempt int                  `json:"attempt"`
	Model   plantain.Model       `json:"model,omitempty"` // empty: none that the catalogue knows
	Asked   plantain.Model       `json:"asked,omitempty"` // the model asked for, where Model serves in its place
	Client  plantain.ClientName  `json:"-"`
	Project plantain.ProjectName `json:"project,omitempty"`
	Until   time.Time            `json:"until,omitzero"` // of a wait
	Why     string               `json:"why,omitempty"`  // of a wait, or of what was not sent
	Earlier plantain.RequestID   `json:"earlier,omitempty"`
	// Waited is how long an attempt that is sent waited, since the request came or its
	// last attempt ended.
	Waited  time.Duration    `json:"-"`
	Healed  thread.How       `json:"-"` // what it took to send an attempt that is judged
	Class   plantain.Class   `json:"verdict"`
	Charged plantain.Charged `json:"charged"`
	Cost    plantain.Cost    `json:"cost,omitzero"`
}

func (t *Transport) tell(a *ask, e Event) {
	e.At, e.Request, e.Client, e.Asked = t.now(), a.id, a.caller.Client, a.fallback.from
	if _, known := t.set().catalogue().Lookup(a.entry.ID); known {
		e.Model = a.entry.ID
	}
	switch e.Kind {
	case EventSent:
		e.Waited = e.At.Sub(a.idle)
		a.waited += e.Waited
	case EventJudged:
		a.idle = e.At
	case EventWaiting, EventTurnedAway, EventSpared:
	}
	if t.Watch != nil {
		t.Watch(e)
	}
	if a.caller.Watch != nil {
		a.caller.Watch(e)
	}
}
