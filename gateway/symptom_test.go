package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/symptom"
)

func TestSymptomsAreFoundOverHTTP(t *testing.T) {
	t.Parallel()
	since := now.Add(-8 * time.Minute)
	g := &Gateway{
		Door: &Door{Now: func() time.Time { return now }},
		Weather: Weather{Now: func() []pool.WeatherReport {
			return []pool.WeatherReport{
				{Sky: pool.Sky{Model: "nb2", Upstream: plantain.Gemini}, Breaker: pool.Open, Why: plantain.Capacity, Since: since, Refused: 7, Attempts: 12},
				{Sky: pool.Sky{Model: "pro", Upstream: plantain.Gemini}, Breaker: pool.Closed, Since: since, Attempts: 3},
			}
		}},
	}
	ask := func(query string) (a symptom.Answer) {
		t.Helper()
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/api/v1/symptoms"+query, nil)
		r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1"
		g.Handler().ServeHTTP(w, r)
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 {
			t.Fatalf("%d, %v: %s", w.Code, err, w.Body)
		}
		return a
	}
	found := ask("?q=endless+spinner")
	if len(found.Fits) == 0 || found.Fits[0].ID != "spinner" || found.Rows != nil || found.Asked != "endless spinner" {
		t.Errorf("endless spinner leads to %+v", found)
	}
	said := strings.Join(found.Fits[0].Says, "\n")
	for _, want := range []string{"It is 12:00 UTC, within the busiest hours", "nb2 (gemini) has been overloaded for 8 min; 7 of 12", "pro (gemini) was served every time, 3 of 3"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}
	if !found.Now.Midnight.Equal(gemini.Midnight(now)) {
		t.Errorf("midnight is at %s", found.Now.Midnight)
	}
	for _, query := range []string{"", "?q=qwertz+uiop"} {
		if a := ask(query); len(a.Fits) != 0 || len(a.Rows) != len(symptom.Rows()) {
			t.Errorf("%q gives %d that fit and %d rows", query, len(a.Fits), len(a.Rows))
		}
	}
}

// Clients learn how readily Google serves, and not through whom.
func TestAClientHearsOfTheWeatherOnly(t *testing.T) {
	t.Parallel()
	key, alice := NewKey("alice", false, now, time.Time{})
	g := &Gateway{
		Door: &Door{Keys: kept{alice}, Now: func() time.Time { return now }},
		Weather: Weather{Now: func() []pool.WeatherReport {
			return []pool.WeatherReport{{Sky: pool.Sky{Model: "nb2", Location: "agg.example"}}}
		}},
	}
	if err := g.Door.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key    string
		status int
	}{{"", http.StatusForbidden}, {key, http.StatusOK}} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/api/v1/symptoms?q=spinner", nil)
		r.Header.Set("X-Goog-Api-Key", c.key)
		g.Handler().ServeHTTP(w, r)
		if w.Code != c.status || strings.Contains(w.Body.String(), "agg.example") || strings.Contains(w.Body.String(), "nb2 was not asked") != (w.Code == http.StatusOK) {
			t.Errorf("with key %q: %d: %s", c.key, w.Code, w.Body)
		}
	}
}
