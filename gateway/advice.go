package gateway

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
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
		present, higher := capacities(reports, catalogue, model)
		a.Models = append(a.Models, ledger.Advise(demand[:n], present, higher, wait, perImage(spent, model), catalogue.ServicePercent("batch")))
		demand = demand[n:]
	}
	return a, nil
}

// perImage is what an image of a model cost, all that was tried for it included;
// zero: none was made.
func perImage(r ledger.Report, m plantain.Model) plantain.Nanodollars {
	for _, s := range r.Rows {
		if s.Model == m && s.Images > 0 {
			return s.Cost.Low / plantain.Nanodollars(s.Images)
		}
	}
	return 0
}

// capacities adds up what the projects may make of a model at present, by the limits
// that are in force, and what they might were each of a higher tier.
func capacities(reports []pool.Report, catalogue *gemini.Catalogue, m plantain.Model) (present ledger.Capacity, higher []ledger.TierCapacity) {
	for tier := 1; tier <= 3; tier++ {
		higher = append(higher, ledger.TierCapacity{Tier: tier})
	}
	lowest := 3
	for _, r := range reports {
		has := capacity(r, m)
		addTo(&present, has)
		for i := range higher {
			if t := &higher[i]; r.Tier != 0 && r.Tier < t.Tier {
				l := catalogue.Limits(t.Tier)
				addTo(&t.Capacity, ledger.Capacity{PerMinute: min(l.RPM, l.IPM), PerDay: l.RPD})
			} else {
				addTo(&t.Capacity, has)
			}
		}
		if r.Tier != 0 {
			lowest = min(lowest, max(r.Tier, 0))
		}
	}
	return present, higher[lowest:]
}

// capacity is what one project may make of a model.
func capacity(r pool.Report, m plantain.Model) ledger.Capacity {
	c := ledger.Capacity{PerMinute: -1, PerDay: -1}
	for _, of := range r.Models {
		if of.Model != m {
			continue
		}
		for _, w := range of.Windows {
			switch w.Limit {
			case plantain.LimitRPM, plantain.LimitIPM:
				c.PerMinute = least(c.PerMinute, w.Of)
			case plantain.LimitRPD, plantain.LimitIPD:
				c.PerDay = least(c.PerDay, w.Of)
			default:
			}
		}
	}
	return c
}

// least gives the lower of two limits, of which the first may be none.
func least(a, b int64) int64 {
	if a < 0 {
		return b
	}
	return min(a, b)
}

// addTo adds one project's capacity to that of others; without a limit there is
// none together.
func addTo(sum *ledger.Capacity, c ledger.Capacity) {
	for _, n := range []struct{ sum, add *int64 }{{&sum.PerMinute, &c.PerMinute}, {&sum.PerDay, &c.PerDay}} {
		if *n.add < 0 || *n.sum < 0 {
			*n.sum = -1
			continue
		}
		*n.sum += *n.add
	}
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
