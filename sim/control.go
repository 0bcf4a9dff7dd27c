package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// control serves /sim/…: what a test sets and asks.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /sim/requests":
		s.show(w, r)
	case "GET /sim/bill":
		say(w, http.StatusOK, s.Bill())
	case "GET /sim/bill.csv":
		s.export(w, r.URL.Query().Get("project"))
	case "GET /sim/faults":
		say(w, http.StatusOK, s.Faults())
	case "POST /sim/faults":
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		list, err2 := readFaults(body)
		for _, e := range []error{err, err2} {
			if e != nil {
				complain(w, e)
				return
			}
		}
		if err := s.Inject(list...); err != nil {
			complain(w, err)
			return
		}
		say(w, http.StatusOK, s.Faults())
	case "GET /sim/status":
		say(w, http.StatusOK, s.statusNow())
	case "POST /sim/status":
		s.setStatus(w, r)
	case "POST /sim/reset":
		s.Reset()
		say(w, http.StatusOK, struct{}{})
	default:
		say(w, http.StatusNotFound, map[string]string{"error": "no such endpoint"})
	}
}

// complain answers 400; where a fault's name was wrong the text lists the valid ones.
func complain(w http.ResponseWriter, err error) {
	say(w, http.StatusBadRequest, map[string]any{"error": err.Error(), "faults": FaultNames()})
}

func say(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	enc.Encode(v)
}

// show lists requests, filtered by ?project=, ?model= and ?since= (an id, exclusive, or a time).
func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, idErr := strconv.Atoi(q.Get("since"))
	since, timeErr := time.Parse(time.RFC3339Nano, q.Get("since"))
	if q.Has("since") && idErr != nil && timeErr != nil {
		say(w, http.StatusBadRequest, map[string]string{"error": "since is a request id or an RFC 3339 time"})
		return
	}
	list := slices.DeleteFunc(s.Requests(), func(e Request) bool {
		p := project{e.Project, e.Tier}
		return q.Has("project") && q.Get("project") != p.name && q.Get("project") != p.id() ||
			q.Has("model") && q.Get("model") != e.Model && q.Get("model") != e.ServedModel ||
			idErr == nil && e.ID <= after || timeErr == nil && e.Time.Before(since)
	})
	say(w, http.StatusOK, list)
}
