package gateway

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
)

// Advised is what would have been enough for the demand of some days.
type Advised struct {
	Since  time.Time       `json:"since"`
	Wait   float64         `json:"wait_seconds"` // that a request may take
	Models []ledger.Advice `json:"models"`
}

// Advise reads what plantain spend --advice and GET /api/v1/spend/advice are asked
// for, and answers it:
//
//	last  how many days; default: 14d
//	wait  how long a request may wait for room; default: 2m
func (g *Gateway) Advise(ctx context.Context, v url.Values) (Advised, error) {
	days, err := plantain.ParseSpan(cmp.Or(v.Get("last"), "14d"))
	if err != nil {
		return Advised{}, &AskedError{err}
	}
	wait, err := plantain.ParseSpan(cmp.Or(v.Get("wait"), "2m"))
	if err != nil {
		return Advised{}, &AskedError{err}
	}
	now := g.Door.now()
	a := Advised{Since: now.Add(-days), Wait: wait.Seconds(), Models: []ledger.Advice{}}
	demand, err := g.Ledger.Demand(ctx, a.Since)
	if err != nil {
		return a, err
	}
	spent, err := g.Ledger.Spend(ctx, ledger.Query{Since: a.Since, Until: now, By: []ledger.Dimension{ledger.ByModel}, Zone: time.UTC})
	if err != nil {
		return a, err
	}
	reports, catalogue := g.Projects(), g.catalogue()
	for len(demand) > 0 {
		model, n := demand[0].Model, 0
		for n < len(demand) && demand[n].Model == model {
			n++
		}
		var projects []ledger.ProjectCapacity
		for _, r := range reports {
			minute, day := r.Capacity(model)
			projects = append(projects, ledger.ProjectCapacity{Tier: r.Tier, Capacity: ledger.Capacity{PerMinute: minute, PerDay: day}})
		}
		present, higher := ledger.Capacities(projects, catalogue)
		a.Models = append(a.Models, ledger.Advise(demand[:n], present, higher, wait, spent.PerImage(model), catalogue.ServicePercent("batch")))
		demand = demand[n:]
	}
	return a, nil
}

// advice serves GET /api/v1/spend/advice.
func (g *Gateway) advice(w http.ResponseWriter, r *http.Request) {
	if g.Ledger == nil || g.Projects == nil {
		g.nothing(w, r)
		return
	}
	a, err := g.Advise(r.Context(), r.URL.Query())
	g.answerOrErr(w, a, err)
}
