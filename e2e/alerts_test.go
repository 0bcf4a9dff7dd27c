package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A hook is a webhook that fails as often as it is told to.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	fail   int
	bodies []string // that were accepted
}

func startHook(t *testing.T, fail int) *hook {
	h := &hook{fail: fail}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.fail > 0 {
			h.fail--
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		h.bodies = append(h.bodies, string(body))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) told() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.bodies...)
}

func TestAThresholdOfSpendIsToldOnce(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	hook := startHook(t, 1)
	dir := t.TempDir()
	config := func(month string) {
		writeConfig(t, dir, sim.URL, two, `spend_alerts: {webhook: "`+hook.URL+`/services/very-secret", day_usd: [0.10, 5], month_usd: `+month+`}`)
	}
	config("[0.05]")
	now := time.Now()
	noon := time.Date(now.Year(), now.Month(), 15, 12, 0, 0, 0, now.Location())
	serve := func() *process { // by a quick clock that is far from the end of a day
		return start(t, dir, nil, "serve", "--listen", "127.0.0.1:0", "--clock-rate", "100", "--clock-shift="+noon.Sub(now).String())
	}
	gw := serve()
	gw.generate(nb2, prompt) // $0.067
	waitFor(t, "the month's alert, in spite of a failure", func() bool { return len(hook.told()) == 1 })
	gw.generate(nb2, prompt)
	waitFor(t, "the day's alert", func() bool { return len(hook.told()) == 2 })

	var month, day struct {
		ID, Text, Period string
		Threshold        int64 `json:"threshold_nanodollars"`
		Since, Until     time.Time
		sums
	}
	for i, into := range []any{&month, &day} {
		if err := json.Unmarshal([]byte(hook.told()[i]), into); err != nil {
			t.Fatal(err)
		}
	}
	if month.Period != "month" || month.Threshold != 50_000_000 || month.Images != 1 || !strings.Contains(month.Text, "which passes $0.050") {
		t.Errorf("the month: %+v", month)
	}
	if day.Period != "day" || day.Threshold != 100_000_000 || day.Cost.Low != sim.billed() || day.Until.Sub(day.Since) != 24*time.Hour {
		t.Errorf("the day: %+v", day)
	}
	for _, secret := range []string{"sim-1-a", "very-secret"} {
		if strings.Contains(strings.Join(hook.told(), ""), secret) || strings.Contains(gw.output(), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	if gw.told("the webhook answers 503") != 1 {
		t.Error("the log does not tell that the webhook failed")
	}

	gw.kill()
	config("[0.05, 0.15]")
	serve().generate(nb2, prompt)
	waitFor(t, "the alert that is new", func() bool { return len(hook.told()) >= 3 })
	if told := hook.told(); len(told) != 3 || !strings.Contains(told[2], "which passes $0.150") {
		t.Errorf("after a restart it tells again: %q", told)
	}
}
