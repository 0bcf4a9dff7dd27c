package gateway

import (
	"net/http"
	"net/url"

	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/relay"
)

// estimate serves POST /api/v1/estimate?model=MODEL: the body is that of
// generateContent, the answer a [relay.Estimate], or the refusal that the request
// itself would get. Nothing is sent.
func (g *Gateway) estimate(w http.ResponseWriter, r *http.Request) {
	model := r.URL.Query().Get("model")
	if model == "" {
		writeError(w, http.StatusBadRequest, "name the model, ?model=gemini-3.1-flash-image, and send the body of generateContent")
		return
	}
	caller, err := callerOf(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	caller.Estimate = true
	asked := r.WithContext(relay.WithCaller(r.Context(), caller))
	asked.URL = &url.URL{Path: "/v1beta/models/" + model + ":generateContent"}
	asked.Body = http.MaxBytesReader(w, r.Body, gemini.MaxInline)
	g.relay(w, asked)
}
