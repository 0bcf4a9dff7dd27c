package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/relay"
)

// alertsEvery is how often spend is summed up where something was spent.
const alertsEvery = 30 * time.Second

// alerts tell of spend that passes a threshold.
type alerts struct {
	spent atomic.Bool // since it was summed up last
}

// observe takes note of what costs; it is for [relay.Transport.Watch].
func (a *alerts) observe(e relay.Event) {
	if e.Kind == relay.EventJudged && e.Cost.Low > 0 {
		a.spent.Store(true)
	}
}

// alert tells of thresholds that are passed until the context ends.
func (h *house) alert(ctx context.Context) {
	h.alerts.spent.Store(true)
	tick := time.NewTicker(max(h.clock.Real(alertsEvery), time.Millisecond))
	defer tick.Stop()
	for {
		if err := h.tellAlerts(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("spend alerts", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tellAlerts keeps what is to be told before it tells it, so that it is told once,
// and after a restart too.
func (h *house) tellAlerts(ctx context.Context) error {
	set := h.now.Load().SpendAlerts
	if set.Webhook.Empty() {
		return nil
	}
	now := h.clock.Now()
	if h.alerts.spent.Swap(false) || h.store.Shared() { // another gateway may have spent
		if err := h.keepAlerts(ctx, set, now); err != nil {
			h.alerts.spent.Store(true)
			return err
		}
	}
	due, err := h.store.TakeAlerts(ctx, now)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range due {
		if err := post(ctx, set.Webhook, a.Body); err != nil {
			errs = append(errs, fmt.Errorf("tell %s: %w; it is tried again", a.ID, err))
			continue
		}
		errs = append(errs, h.store.AlertTold(ctx, a.ID, now))
	}
	return errors.Join(errs...)
}

// keepAlerts finds the thresholds that are passed.
func (h *house) keepAlerts(ctx context.Context, set config.SpendAlerts, now time.Time) error {
	for p, amounts := range map[ledger.Period][]plantain.Nanodollars{ledger.Day: set.Day, ledger.Month: set.Month} {
		if len(amounts) == 0 {
			continue
		}
		spent, err := h.store.Spend(ctx, p.Query(now.Local()))
		if err != nil {
			return err
		}
		for _, a := range ledger.Passed(amounts, p, spent) {
			body, err := json.Marshal(a)
			if err != nil {
				return err
			}
			news, err := h.store.KeepAlert(ctx, a.ID, string(body), now)
			if err != nil {
				return err
			}
			if news {
				h.log.Warn(a.Text)
			}
		}
	}
	return nil
}

// webhooks is a client that sends a body where it was told to, and nowhere else.
var webhooks = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// post sends JSON to an address, which no error shows: it often is a secret.
func post(ctx context.Context, to plantain.Secret, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Reveal(), strings.NewReader(body))
	if err != nil {
		return errors.New("the webhook is no URL")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "plantain")
	res, err := webhooks.Do(r)
	if bad := (*url.Error)(nil); errors.As(err, &bad) {
		return bad.Err
	}
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode >= 300 {
		return errors.New("the webhook answers " + res.Status)
	}
	return nil
}
