// Package doctor finds out whether it is Google or you: it looks at projects, the
// network, Google's status page and a prompt, and says of each what was found, on
// what evidence, and what to do. It knows no configuration, no store and no
// gateway: what is to be seen of those is handed in as checks.
package doctor

import (
	"cmp"
	"context"
	"slices"

	"github.com/plantainhq/plantain"
)

// State is how a thing was found.
type State string

// The states of a finding. Only a fault keeps images from coming.
const (
	OK      State = "ok"
	Warning State = "warning" // it works, and may not for long, or could not be told
	Fault   State = "fault"
	Skipped State = "skipped" // nothing could be found out
)

// Side is whose a trouble is. Empty: nobody's, or it can't be told.
type Side string

// The sides.
const (
	You     Side = "you"
	Google  Side = "google"
	Network Side = "network" // what is in between
)

// A Finding is what came of a check.
type Finding struct {
	Check    string `json:"check"`
	Of       string `json:"of,omitempty"` // the project; empty: it is about none
	State    State  `json:"state"`
	Side     Side   `json:"side,omitempty"`
	Says     string `json:"says"`               // one sentence
	Evidence string `json:"evidence,omitempty"` // what was seen
	Fix      string `json:"fix,omitempty"`      // what to do; there always is something for a fault
	Paid     *Paid  `json:"paid,omitempty"`     // of a prompt that was sent; nil: nothing was
}

// Paid is what a prompt came to.
type Paid struct {
	Request plantain.RequestID `json:"request,omitempty"` // under which it stands in the ledger
	Verdict plantain.Class     `json:"verdict"`
	Charged plantain.Charged   `json:"charged"`
	Cost    string             `json:"cost_usd"` // dollars; "low-high" where it is not known
}

// A Check looks at one thing. Look ends with its context, and need not fill in Check
// and Of.
type Check struct {
	Name string
	Of   string
	Look func(context.Context) Finding
}

// atOnce is how many checks run at the same time.
const atOnce = 8

// Run runs checks in parallel and gives their findings in the order of the checks.
// told hears of each in that order too, as soon as those before it are told; nil:
// nobody does.
func Run(ctx context.Context, checks []Check, told func(Finding)) []Finding {
	found := make([]Finding, len(checks))
	ended := make([]chan struct{}, len(checks))
	for i := range ended {
		ended[i] = make(chan struct{})
	}
	slots := make(chan struct{}, atOnce)
	for i, c := range checks {
		go func() {
			slots <- struct{}{}
			f := c.Look(ctx)
			<-slots
			f.Check, f.Of = c.Name, cmp.Or(f.Of, c.Of)
			found[i] = f
			close(ended[i])
		}()
	}
	for i := range checks {
		<-ended[i]
		if told != nil {
			told(found[i])
		}
	}
	return found
}

// Sides are whose the faults are, each once.
func Sides(found []Finding) (sides []Side) {
	for _, f := range found {
		if f.State == Fault && f.Side != "" && !slices.Contains(sides, f.Side) {
			sides = append(sides, f.Side)
		}
	}
	return sides
}

func fine(says string) Finding { return Finding{State: OK, Says: says} }

func skipped(says string) Finding { return Finding{State: Skipped, Says: says} }
