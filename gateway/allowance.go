package gateway

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

// LimitView is a limit of a client, and what it has used of it: dollars of a budget.
type LimitView struct {
	Limit  plantain.Limit `json:"limit"`
	Of     json.Number    `json:"of"`
	Used   json.Number    `json:"used"`
	Held   json.Number    `json:"held"` // by attempts that are out
	Left   json.Number    `json:"left"`
	Resets time.Time      `json:"resets,omitzero"` // zero: never, or nothing is used
}

func viewLimits(c pool.Client, account pool.State, now time.Time) []LimitView {
	var views []LimitView
	for _, u := range c.Use(&account, now) {
		amount := func(n int64) json.Number { return json.Number(u.Limit.Quantity(n)) }
		views = append(views, LimitView{u.Limit, amount(u.Of), amount(u.Used), amount(u.Held), amount(u.Left()), utc(u.Reset)})
	}
	return views
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// ownKey shows a client its own key.
func (g *Gateway) ownKey(w http.ResponseWriter, r *http.Request) {
	k, ok := g.Door.key(visitorOf(r))
	if !ok {
		writeError(w, http.StatusNotFound, "no key of a client was shown")
		return
	}
	accounts, err := g.Door.Keys.Accounts(r.Context())
	if err != nil {
		g.keyFault(w, err)
		return
	}
	writeJSON(w, http.StatusOK, ViewKey(g.Door.seen(k), "", accounts[k.Client], g.Door.now()))
}
