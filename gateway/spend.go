package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/ledger"
)

// SpendQueries reads what GET /api/v1/spend and plantain spend are asked for:
//
//	by      dimensions, several by commas; default: model
//	since   the first day or instant, or how far back: 2026-11-01, 2026-11-01T09:00:00Z, 7d, 12h.
//	        Days are whole: 7d is today and the six days before it.
//	until   the last day, or the instant at which it ends; default: now
//	zone    of hours and days: Europe/Berlin, UTC, +01:00; default: that of the program
//	client  only that one
//	project only those, several by repeating it
//
// Without since there are two: today, and this month. Its error is for whoever asked.
func SpendQueries(v url.Values, now time.Time) ([]ledger.Query, error) {
	q := ledger.Query{Client: plantain.ClientName(v.Get("client")), Zone: time.Local}
	for d := range strings.SplitSeq(cmp.Or(strings.Join(v["by"], ","), string(ledger.ByModel)), ",") {
		q.By = append(q.By, ledger.Dimension(strings.TrimSpace(d)))
	}
	q.Projects = projectsIn(v)
	var err error
	if name := v.Get("zone"); name != "" {
		if q.Zone, err = parseZone(name); err != nil {
			return nil, err
		}
	}
	now = now.In(q.Zone)
	q.Until = midnight(now).AddDate(0, 0, 1)
	if s := v.Get("until"); s != "" {
		if q.Until, err = parseWhen("until", s, q.Zone, 1); err != nil {
			return nil, err
		}
	}
	queries := []ledger.Query{q}
	switch since := v.Get("since"); {
	case since != "":
		queries[0].Since, err = parseSince(since, now)
	case v.Get("until") != "":
		err = errors.New("until goes with since: say from when on, too")
	default:
		month := q
		queries[0].Since = midnight(now)
		month.Since = midnight(now).AddDate(0, 0, 1-now.Day())
		queries = append(queries, month)
	}
	return queries, errors.Join(err, queries[0].Check())
}

// projectsIn are those that a question names; none: all.
func projectsIn(v url.Values) (projects []plantain.ProjectName) {
	for _, p := range v["project"] {
		projects = append(projects, plantain.ProjectName(p))
	}
	return projects
}

// midnight begins the day of an instant, in its zone.
func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func parseSince(s string, now time.Time) (time.Time, error) {
	d, err := plantain.ParseSpan(s)
	if err != nil {
		return parseWhen("since", s, now.Location(), 0)
	}
	if strings.HasSuffix(s, "d") {
		return midnight(now).AddDate(0, 0, 1-max(int(d/(24*time.Hour)), 1)), nil
	}
	return now.Add(-d), nil
}

// parseWhen reads a day, to which whole days may be added, or an instant.
func parseWhen(what, s string, zone *time.Location, days int) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return t.AddDate(0, 0, days), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%s=%q is no time; write it like 2026-11-24, 2026-11-24T14:30:00Z or, for since, 7d", what, s)
	}
	return t, nil
}

// parseZone reads the name of a zone, or how far it is from UTC.
func parseZone(s string) (*time.Location, error) {
	if strings.EqualFold(s, "UTC") {
		return time.UTC, nil
	}
	if t, err := time.Parse("-07:00", s); err == nil {
		_, seconds := t.Zone()
		return time.FixedZone(s, seconds), nil
	}
	zone, err := time.LoadLocation(s)
	if err != nil || s == "Local" {
		return nil, fmt.Errorf("zone=%q is no time zone; write it like Europe/Berlin, UTC or +01:00", s)
	}
	return zone, nil
}

// spend serves GET /api/v1/spend. Whoever is no admin sees its own.
func (g *Gateway) spend(w http.ResponseWriter, r *http.Request) {
	if g.Ledger == nil {
		g.nothing(w, r)
		return
	}
	values := r.URL.Query()
	if v := visitorOf(r); !v.admin {
		values.Set("client", string(v.client))
	}
	queries, err := SpendQueries(values, g.Door.now())
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	periods := []ledger.Report{}
	for _, q := range queries {
		report, err := g.Ledger.Spend(r.Context(), q)
		if err != nil {
			if r.Context().Err() == nil {
				g.log().Error("sum up spend", "error", err)
				writeError(w, http.StatusInternalServerError, "internal: the ledger could not be read; the log says why")
			}
			return
		}
		periods = append(periods, report)
	}
	writeJSON(w, http.StatusOK, map[string]any{"periods": periods})
}

// A Ledger tells what was spent.
type Ledger interface {
	Spend(ctx context.Context, q ledger.Query) (ledger.Report, error)
	// Charges tells it in the detail that a bill is compared with.
	Charges(ctx context.Context, q ledger.Query) ([]ledger.Charge, error)
	// Demand tells when requests came, by model and minute.
	Demand(ctx context.Context, since time.Time) ([]ledger.Demand, error)
}

// An AskedError says what is wrong with what was asked, for whoever asked.
type AskedError struct{ error }

func (e *AskedError) Unwrap() error { return e.error }

// checkBill serves POST /api/v1/spend/check: the body is a billing export, ?project=
// names what is on it.
func (g *Gateway) checkBill(w http.ResponseWriter, r *http.Request) {
	if g.Ledger == nil {
		g.nothing(w, r)
		return
	}
	bill, err := ledger.ReadBill(http.MaxBytesReader(w, r.Body, gemini.MaxInline), g.catalogue())
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	charges, err := g.Ledger.Charges(r.Context(), bill.Query(projectsIn(r.URL.Query())))
	g.answerOrErr(w, ledger.Compare(bill, charges, g.catalogue(), g.Door.now()), err)
}

// answerOrErr answers what was read of the ledger, or why it was not.
func (g *Gateway) answerOrErr(w http.ResponseWriter, v any, err error) {
	switch bad := (*AskedError)(nil); {
	case errors.As(err, &bad):
		writeError(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, context.Canceled): // who asked is gone
	case err != nil:
		g.log().Error("read the ledger", "error", err)
		writeError(w, http.StatusInternalServerError, "internal: the ledger could not be read; the log says why")
	default:
		writeJSON(w, http.StatusOK, v)
	}
}
