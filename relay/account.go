package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// client is whose account pays for a request; false: no account is kept.
func (a *ask) client() (pool.Client, bool) {
	if a.caller.Allowance == nil {
		return pool.Client{}, false
	}
	return pool.Client{Name: a.caller.Client, Allowance: *a.caller.Allowance}, true
}

// charges is what an attempt holds of the client's account: one picture and what it
// is expected to cost at the most. A request counts once, whatever its attempts.
func (a *ask) charges(n int) pool.Amount {
	c := pool.Amount{Images: a.need.Images, Spend: a.need.Spend}
	if n == 1 {
		c.Requests = 1
	}
	return c
}

// charge adds the account of the client to what opening an attempt changes.
func (a *ask) charge(o *out, keys []pool.Key, take func(pool.States) error) ([]pool.Key, func(pool.States) error) {
	c, ok := a.client()
	if !ok {
		return keys, take
	}
	o.charged = a.charges(o.attempt.Number)
	o.charged.Spend = o.took.Spend // by the price of the project
	return append(keys, pool.AccountKey(c.Name)), func(s pool.States) error {
		if err := c.Take(s, o.attempt.Opened, o.attempt, o.charged); err != nil {
			return err
		}
		return take(s)
	}
}

// pay adds the account of the client to what settling an attempt changes.
func (a *ask) pay(r *result, now time.Time, keys []pool.Key) ([]pool.Key, func(pool.States)) {
	c, ok := a.client()
	if !ok {
		return keys, func(pool.States) {}
	}
	really := used(r)
	return append(keys, pool.AccountKey(c.Name)), func(s pool.States) {
		c.Settle(s, now, r.attempt, r.charged, really)
	}
}

// used is what an attempt really took of its client's account. Of one whose end was
// not seen that is all it held: what it may have cost beyond, were there ten pictures
// in the answer, is for the ledger.
func used(r *result) pool.Amount {
	u := pool.Amount{Requests: r.charged.Requests, Images: int64(finals(r.facts.Body.Parts)), Spend: r.cost.High}
	if !r.cost.Known() && !ledger.Counted(r.verdict, r.facts.Body) {
		u.Images, u.Spend = max(u.Images, r.charged.Images), min(u.Spend, r.charged.Spend)
	}
	return u
}

// allows asks the books whether the client may use what an attempt needs, and
// changes nothing. Where it can't be asked, the attempt itself will be.
func (t *Transport) allows(a *ask, n int) error {
	c, ok := a.client()
	windows, can := t.books.(pool.Store)
	if !ok || !can || len(c.Limits) == 0 || a.route.free() {
		return nil
	}
	key := pool.AccountKey(c.Name)
	err := windows.Update(context.Background(), []pool.Key{key}, func(s pool.States) error {
		return c.Allows(s[key], t.now(), a.charges(n))
	})
	if errors.As(err, new(*pool.OverLimit)) {
		return err
	}
	return nil
}

// awaitsOthers reports that a request should wait a while, because other requests of
// its client hold what it needs and may give it back.
func (t *Transport) awaitsOthers(f *flight, err error, wait time.Duration) bool {
	over := (*pool.OverLimit)(nil)
	if !errors.As(err, &over) || !over.Waits {
		return false
	}
	return t.now().Add(wait).Before(t.until(f).patience)
}

// permit refuses a model or a size that the client may not use.
func (t *Transport) permit(a *ask) error {
	err := t.mayUse(a, a.entry)
	if no := (*forbidden)(nil); errors.As(err, &no) {
		return no.refusal()
	}
	return nil
}

// mayUse gives a *forbidden where the client may not use a model for a request.
func (t *Transport) mayUse(a *ask, e gemini.Entry) error {
	c, ok := a.client()
	if !ok {
		return nil
	}
	if len(c.Models) > 0 && !slices.ContainsFunc(c.Models, func(name plantain.Model) bool {
		allowed, known := t.set().catalogue().Lookup(name)
		return known && allowed.ID == e.ID || name == e.ID
	}) {
		return &forbidden{c.Name, plantain.ClientModels, string(e.ID), plantain.Join(c.Models)}
	}
	size := a.asked.Size
	if size == "" {
		size = e.DefaultSize
	}
	if c.MaxSize != "" && gemini.CompareSizes(size, c.MaxSize) > 0 {
		return &forbidden{c.Name, plantain.ClientSize, size, "sizes up to " + c.MaxSize}
	}
	return nil
}

// forbidden says that a client may not use a model or a size.
type forbidden struct {
	client      plantain.ClientName
	limit       plantain.Limit
	asked, only string
}

func (f *forbidden) Error() string {
	return fmt.Sprintf("client %s may not use %s, only %s", f.client, f.asked, f.only)
}

func (f *forbidden) refusal() *refusal {
	return &refusal{status: http.StatusForbidden, message: f.Error(), more: map[string]string{"allowed": f.only},
		verdict: plantain.Verdict{Class: plantain.ClientLimit, Charged: plantain.ChargedNo, Retry: plantain.RetryAfterFix, Limit: f.limit,
			Explanation: "This gateway refused the request, not Google: " + f.Error() + ". Nothing was sent or charged.",
			Fix:         "Ask for " + f.only + ", or have whoever gave the key out allow more: plantain keys set " + string(f.client)}}
}

// overLimit refuses a client that may not use more, and tells when it may.
func overLimit(o *pool.OverLimit, now time.Time) *refusal {
	v := plantain.Verdict{Class: plantain.ClientLimit, Charged: plantain.ChargedNo, Retry: plantain.RetryAfterFix, Limit: o.Limit}
	r := &refusal{status: http.StatusTooManyRequests, message: o.Error(), more: map[string]string{
		"most": o.Limit.Quantity(o.Most), "used": o.Limit.Quantity(o.Used), "held": o.Limit.Quantity(o.Held), "left": o.Limit.Quantity(o.Left()),
	}}
	more := "have whoever gave the key out allow more: plantain keys set " + string(o.Client)
	switch {
	case !o.At.IsZero():
		v.Retry = plantain.RetryLater
		v.Wait, v.Fix = max(o.At.Sub(now), time.Second), "Send it again after the time in Retry-After, or "+more
		r.after = v.Wait
		r.more["resets"] = o.At.UTC().Format(time.RFC3339)
		r.message += ", until " + r.more["resets"]
	case o.Need > o.Most:
		v.Fix = "This request alone is more than the limit, so no wait helps: ask for less, or " + more
	case o.HeldOnly():
		v.Retry = plantain.RetryLater
		v.Fix = "Send it again when a request that runs is answered, which no Retry-After can foretell, or " + more
	default:
		v.Fix = "No wait helps; " + more
	}
	v.Explanation = "This gateway refused the request, not Google: " + r.message + ". Nothing was sent or charged."
	r.verdict = v
	return r
}
