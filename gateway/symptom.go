package gateway

import (
	"net/http"
	"time"

	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/symptom"
)

// symptoms serves GET /api/v1/symptoms: ?q= are the words for what somebody sees.
// Without it the whole table is given.
func (g *Gateway) symptoms(w http.ResponseWriter, r *http.Request) {
	at := g.Door.now().UTC().Truncate(time.Second)
	now := symptom.Now{At: at, Midnight: gemini.Midnight(at).UTC()}
	if g.Weather.Now != nil {
		for _, report := range g.Weather.Now() {
			v := weatherOf(report)
			if !visitorOf(r).admin {
				v.Where = "" // through whom the gateway asks is the admins' affair
			}
			now.Weather = append(now.Weather, v)
		}
	}
	writeJSON(w, http.StatusOK, symptom.Ask(r.URL.Query().Get("q"), now))
}

func weatherOf(r pool.WeatherReport) symptom.Weather {
	v := symptom.Weather{Model: r.Model, Where: r.Where(), Why: r.Why, Refused: r.Refused, Attempts: r.Attempts}
	if v.Why != "" {
		v.Since = r.Since
	}
	return v
}
