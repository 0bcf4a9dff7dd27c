package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Status is what Google Cloud's status page says: "green" (also empty), "red", or "unreachable".
type Status struct {
	State string    `json:"status"`
	Text  string    `json:"text,omitempty"`    // of a red one; empty: a usual sentence
	Since time.Time `json:"since,omitzero"`    // begin of a red one; zero: when it was set
	Ends  time.Time `json:"ends,omitzero"`     // zero: still open
	Which string    `json:"product,omitempty"` // empty: Vertex Gemini API
}

type statusPage struct {
	mu  sync.Mutex
	now Status
}

// SetStatus changes the status page; it errs on an unknown state.
func (s *Server) SetStatus(st Status) error {
	switch st.State {
	case "", "green", "red", "unreachable":
	default:
		return fmt.Errorf("unknown status %q; valid: green, red, unreachable", st.State)
	}
	if st.State == "" {
		st.State = "green"
	}
	if st.State == "red" && st.Since.IsZero() {
		st.Since = s.now()
	}
	s.status.mu.Lock()
	defer s.status.mu.Unlock()
	s.status.now = st
	return nil
}

func (s *Server) statusNow() Status {
	s.status.mu.Lock()
	defer s.status.mu.Unlock()
	return s.status.now
}

// setStatus serves POST /sim/status.
func (s *Server) setStatus(w http.ResponseWriter, r *http.Request) {
	var st Status
	dec := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	dec.DisallowUnknownFields()
	err := dec.Decode(&st)
	if err == nil {
		err = s.SetStatus(st)
	}
	if err != nil {
		say(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	say(w, http.StatusOK, s.statusNow())
}

type titled struct {
	Title string `json:"title"`
	ID    string `json:"id"`
}

type statusUpdate struct {
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
	When     time.Time `json:"when"`
	Text     string    `json:"text"`
	Status   string    `json:"status"`
}

// incident has the field names of the feed at status.cloud.google.com/incidents.json.
type incident struct {
	ID        string         `json:"id"`
	Number    string         `json:"number"`
	Begin     time.Time      `json:"begin"`
	Created   time.Time      `json:"created"`
	End       time.Time      `json:"end,omitzero"`
	Modified  time.Time      `json:"modified"`
	Desc      string         `json:"external_desc"`
	Updates   []statusUpdate `json:"updates"`
	Latest    statusUpdate   `json:"most_recent_update"`
	Impact    string         `json:"status_impact"`
	Severity  string         `json:"severity"`
	ServiceID string         `json:"service_key"`
	Service   string         `json:"service_name"`
	Products  []titled       `json:"affected_products"`
	URI       string         `json:"uri"`
	Current   []titled       `json:"currently_affected_locations"`
	Previous  []titled       `json:"previously_affected_locations"`
}

// incidents serves the feed. A green one is not empty: it holds an old incident that ended.
func (s *Server) incidents(w http.ResponseWriter) {
	st := s.statusNow()
	if st.State == "unreachable" {
		panic(http.ErrAbortHandler)
	}
	month := s.now().Add(-30 * 24 * time.Hour).UTC().Truncate(time.Hour)
	list := []incident{newIncident("sim4old1", "Cloud Storage", "Elevated latency in one region", month, month.Add(3*time.Hour))}
	if st.State == "red" {
		text, product := st.Text, st.Which
		if text == "" {
			text = "We are experiencing elevated error rates (503) for Gemini image models."
		}
		if product == "" {
			product = "Vertex Gemini API"
		}
		list = append([]incident{newIncident("sim7now2", product, text, st.Since.UTC(), st.Ends)}, list...)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(pretty(list))
}

func newIncident(id, product, text string, begin, end time.Time) incident {
	place := []titled{{"Global", "global"}}
	i := incident{ID: id, Number: id, Begin: begin, Created: begin, Modified: begin, End: end, Desc: text,
		Impact: "SERVICE_DISRUPTION", Severity: "medium", ServiceID: "zall", Service: "Multiple Products",
		Products: []titled{{product, "Z0FZJAMvEB4j3NbCJs6B"}}, URI: "incidents/" + id, Current: place, Previous: []titled{}}
	i.Latest = statusUpdate{begin, begin, begin, text, "SERVICE_DISRUPTION"}
	if !end.IsZero() {
		i.Modified, i.Current, i.Previous = end, []titled{}, place
		i.Latest = statusUpdate{end, end, end, "The issue has been resolved.", "AVAILABLE"}
	}
	i.Updates = []statusUpdate{i.Latest}
	return i
}
