package gateway

import (
	"time"

	"github.com/plantainhq/plantain"
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
