package gateway

import (
	"net/http"
	"slices"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/ledger"
)

// An Attempt is an attempt of the ledger as /api/v1 shows it.
type Attempt struct {
	ID          plantain.AttemptID   `json:"id"`
	Request     plantain.RequestID   `json:"request"`
	Number      int                  `json:"attempt"`
	Client      plantain.ClientName  `json:"client"`
	Project     plantain.ProjectName `json:"project"`
	Model       plantain.Model       `json:"model"`
	State       ledger.State         `json:"state"`
	Class       plantain.Class       `json:"verdict"`
	Charged     plantain.Charged     `json:"charged"`
	Explanation string               `json:"explanation,omitempty"`
	Status      int                  `json:"status"` // 0: no answer came
	Opened      time.Time            `json:"opened"`
	Waited      float64              `json:"waited_seconds"` // for room or a back-off, before it
	Took        float64              `json:"took_seconds"`
	Cost        plantain.Cost        `json:"cost"`
	Images      int                  `json:"images"`
	Width       int                  `json:"width,omitempty"`
	Height      int                  `json:"height,omitempty"`
	Differs     string               `json:"differs,omitempty"`   // what of the picture is not as asked
	Draft       string               `json:"draft_for,omitempty"` // the size that its picture is a draft for
	Final       plantain.RequestID   `json:"final_of,omitempty"`  // whose picture it makes at the final size
	// After is the attempt that this one goes on with, by a continuation token that
	// an official SDK sent on by itself.
	After plantain.AttemptID `json:"continues,omitempty"`
}

// Describe gives an attempt and its entry in the shape of /api/v1; after is the one
// that it goes on with.
func Describe(a plantain.Attempt, after plantain.AttemptID, s ledger.State, e ledger.Entry) Attempt {
	if s == ledger.Sent {
		// It is out: nothing is known but what it may cost.
		e.Cost = plantain.Cost{Low: 0, High: a.Estimate}
	}
	return Attempt{
		ID: a.ID, Request: a.Request, Number: a.Number, Client: a.Client, Project: a.Project, Model: a.Model, State: s,
		Class: e.Verdict.Class, Charged: e.Verdict.Charged, Explanation: e.Verdict.Explanation,
		Status: e.Status, Opened: a.Opened, Waited: a.Waited.Seconds(), Took: e.Took.Seconds(), Cost: e.Cost,
		Images: e.Images, Width: e.Width, Height: e.Height, Differs: e.Differs, After: after,
		Draft: a.Draft, Final: a.Final,
	}
}

func (g *Gateway) requests(w http.ResponseWriter, r *http.Request) {
	if attempts, ok := g.attempts(w, r, ""); ok {
		writeJSON(w, http.StatusOK, map[string]any{"attempts": attempts})
	}
}

func (g *Gateway) request(w http.ResponseWriter, r *http.Request) {
	id := plantain.RequestID(r.PathValue("id"))
	if attempts, ok := g.attemptsOf(w, r, id); ok {
		writeJSON(w, http.StatusOK, map[string]any{"id": attempts[0].Request, "attempts": attempts})
	}
}

// attemptsOf gives the attempts of a request that the visitor may see, or answers
// why there are none.
func (g *Gateway) attemptsOf(w http.ResponseWriter, r *http.Request, id plantain.RequestID) ([]Attempt, bool) {
	attempts, ok := g.attempts(w, r, id)
	if !ok {
		return nil, false
	}
	if v := visitorOf(r); !v.admin {
		// Another client's request is as unknown as one that never was.
		attempts = slices.DeleteFunc(attempts, func(a Attempt) bool { return a.Client != v.client })
	}
	if len(attempts) == 0 {
		writeError(w, http.StatusNotFound, NoRequest(id))
		return nil, false
	}
	return attempts, true
}

// NoRequest says that nothing stands in the ledger of a request.
func NoRequest(id plantain.RequestID) string {
	if id == gallery.Last {
		return "no request is in the ledger yet; plantain generate makes one"
	}
	return "no request has the id " + string(id)
}

// attempts reads the ledger, or answers why it could not.
func (g *Gateway) attempts(w http.ResponseWriter, r *http.Request, id plantain.RequestID) ([]Attempt, bool) {
	if g.Attempts == nil {
		g.nothing(w, r)
		return nil, false
	}
	var of plantain.ClientName // all, to an admin
	if v := visitorOf(r); !v.admin {
		of = v.client
	}
	attempts, err := g.Attempts(of, id)
	if err != nil {
		g.log().Error("read the ledger", "error", err)
		writeError(w, http.StatusInternalServerError, "internal: the ledger could not be read; the log says why")
		return nil, false
	}
	return attempts, true
}
