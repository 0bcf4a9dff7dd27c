package gateway

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/capture"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/verdict"
)

// Explain gives the explanation of an attempt that stands in the ledger.
func Explain(a Attempt, hour capture.Hour) capture.Explanation {
	v := plantain.Verdict{Class: a.Class, Charged: a.Charged, Explanation: a.Explanation}
	e := capture.Of(verdict.Recall(v), hour)
	e.ID = string(a.ID)
	if a.After != "" {
		e.Explanation += " It goes on with attempt " + string(a.After) +
			", whose answer Google had paused: official SDKs ask again by themselves, and each time is billed."
	}
	return e
}

// explain serves POST /api/v1/explain: the body is a capture in any form, or
// ?request= names a request of the ledger. ?status= is the HTTP status where the
// capture lacks it, ?at= an instant in RFC 3339 for what the hour adds.
func (g *Gateway) explain(w http.ResponseWriter, r *http.Request) {
	at, err := askedAt(r.URL.Query().Get("at"))
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	if id := plantain.RequestID(r.URL.Query().Get("request")); id != "" {
		g.explainRequest(w, r, id, at)
		return
	}
	status, err := askedStatus(r.URL.Query().Get("status"))
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, gemini.MaxInline))
	if err != nil {
		writeError(w, http.StatusBadRequest, "the capture could not be read, or is larger than a request may be: "+err.Error())
		return
	}
	if len(text) == 0 && status == 0 {
		writeError(w, http.StatusBadRequest, "send what you got as the body: an HTTP message, JSON, a HAR file, an error text; with ?status= where the body lacks it")
		return
	}
	var rules verdict.Rules
	if g.Rules != nil {
		rules = g.Rules()
	}
	verdicts := []capture.Explanation{}
	for _, x := range capture.Read(text) {
		if x.Facts.Status == 0 {
			x.Facts.Status = status
		}
		verdicts = append(verdicts, capture.Explain(x, rules, g.hour(at, x.At)))
	}
	writeJSON(w, http.StatusOK, map[string]any{"verdicts": verdicts})
}

func (g *Gateway) explainRequest(w http.ResponseWriter, r *http.Request, id plantain.RequestID, at time.Time) {
	attempts, ok := g.attemptsOf(w, r, id)
	if !ok {
		return
	}
	verdicts := []capture.Explanation{}
	for _, a := range attempts {
		verdicts = append(verdicts, Explain(a, g.hour(at, a.Opened)))
	}
	writeJSON(w, http.StatusOK, map[string]any{"verdicts": verdicts})
}

// hour is the instant that an explanation speaks from: what was asked for, that of
// the capture, the present.
func (g *Gateway) hour(asked, captured time.Time) capture.Hour {
	at := asked
	if at.IsZero() {
		at = captured
	}
	if at.IsZero() {
		at = g.Door.now()
	}
	at = at.UTC()
	return capture.Hour{At: at, Midnight: gemini.Midnight(at), Asked: !asked.IsZero()}
}

func askedAt(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return at, errors.New("at=" + strconv.Quote(s) + " is no time; write it like 2026-11-24T14:30:00Z")
	}
	return at, nil
}

func askedStatus(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	status, err := strconv.Atoi(s)
	if err != nil || status < 100 || status > 599 {
		return 0, errors.New("status=" + strconv.Quote(s) + " is no HTTP status; they go from 100 to 599")
	}
	return status, nil
}
