package gateway

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/relay"
)

// limits count what each client has running. The zero value lets everything in.
type limits struct {
	mu      sync.Mutex
	most    int                         // of one client at once; zero: as many as it likes
	running map[plantain.ClientName]int // requests
	out     map[plantain.ClientName]int // attempts, which outlive a client that hangs up
}

// Limit sets how many requests a client may have running at once; zero: as many
// as it likes.
func (g *Gateway) Limit(most int) {
	g.busy.mu.Lock()
	defer g.busy.mu.Unlock()
	g.busy.most = most
}

// enter reports whether a client may run one more; then it must leave.
func (l *limits) enter(c plantain.ClientName) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && max(l.running[c], l.out[c]) >= l.most {
		return false
	}
	add(&l.running, c, 1)
	return true
}

func (l *limits) leave(c plantain.ClientName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	add(&l.running, c, -1)
}

// observe counts the attempts that are out.
func (l *limits) observe(e relay.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Kind {
	case relay.EventSent:
		add(&l.out, e.Client, 1)
	case relay.EventJudged:
		add(&l.out, e.Client, -1)
	case relay.EventWaiting, relay.EventTurnedAway, relay.EventSpared:
	}
}

// add keeps no client that has nothing.
func add(to *map[plantain.ClientName]int, c plantain.ClientName, n int) {
	if *to == nil {
		*to = map[plantain.ClientName]int{}
	}
	if (*to)[c] += n; (*to)[c] == 0 {
		delete(*to, c)
	}
}

// tooBusy refuses a client that has as many requests running as it may. When one of
// them ends nobody knows, so it states no Retry-After.
func tooBusy(w http.ResponseWriter, c plantain.ClientName) {
	message := fmt.Sprintf("client %s has as many requests running as it may (clients.concurrency)", c)
	writeRefusal(w, http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", message, map[string]string{
		"verdict": "rate_minute", "charged": "no", "attempts": "0",
		"explanation": message + ". Nothing was sent.", "next": "Send it again when one of them is answered, which no Retry-After can foretell; one whose client hung up counts until Google has answered it.",
	})
}
