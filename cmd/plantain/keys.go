package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/store"
)

type keysCmd struct {
	Create keysCreate `cmd:"" help:"Make a key; it is shown this once."`
	List   keysList   `cmd:"" help:"List the keys: whose, what they begin with, whether they live, what they may use and have used."`
	Set    keysSet    `cmd:"" help:"Change what a client's key may use, or when it ends. What is not named stays."`
	Rotate keysRotate `cmd:"" help:"Put a new key in the place of a client's."`
	Revoke keysRevoke `cmd:"" help:"End a client's keys at once."`

	atFlag
}

func (keysCmd) Help() string {
	return `A client shows its key where an SDK puts Google's: as x-goog-api-key, as ?key=, or as Authorization: Bearer. Only a hash of it is kept.

What a key may use is bounded where you say so: requests a minute, images a day, dollars a day, a month or in total, models, sizes. Days and months are those of Google's limits and bills, midnight Pacific time. ` + keyLimits + `

Until the first key is made, the gateway is open, but to this machine only. From then on everyone must show one, and the gateway may listen elsewhere. The commands on this machine find the gateway and its key by themselves.`
}

const keyLimits = `Room for the one picture that is asked for, at the most that it may cost, is taken before a request is sent and settled with what it did cost, so that no number of requests at once, on any number of gateways, goes over a limit. An attempt whose end nobody saw counts as that much. The one way over is an answer that brings more than was asked for, such as a second picture: it counts in full, and nothing is sent until there is room again.`

type keysCreate struct {
	Name    plantain.ClientName `arg:"" help:"Whose key it is; it stands in the ledger."`
	Admin   bool                `help:"The key may also see all requests and the pool, and make keys."`
	Expires string              `placeholder:"30d" help:"When it ends: 12h, 30d. Default: never."`
	allowanceFlags
}

type keysSet struct {
	Name    plantain.ClientName `arg:""`
	Expires string              `placeholder:"30d" help:"When it ends from now on: 12h, 30d, or never."`
	allowanceFlags
}

type keysList struct{}

type keysRotate struct {
	Name  plantain.ClientName `arg:""`
	Grace string              `placeholder:"1d" help:"How long the old key lives on beside the new one: 12h, 1d. Default: it ends at once."`
}

type keysRevoke struct {
	Name plantain.ClientName `arg:""`
}

func (keysCreate) Help() string { return keyLimits }

func (k *keysCreate) Run(w *world, c *cli) error {
	order, err := k.order(k.Name, k.Expires)
	if err != nil {
		return err
	}
	order.Admin = k.Admin
	return w.keys(c, openStore, func(at *remote, s *store.Store) (v gateway.KeyView, err error) {
		if at != nil {
			err = at.call(w.ctx, "POST", "/api/v1/keys", order, &v)
			return v, err
		}
		now := time.Now()
		key, kept, err := order.Make(w.catalogue(), now)
		if err == nil {
			err = s.CreateKey(w.ctx, kept, now)
		}
		if err != nil {
			return v, err
		}
		return viewKey(w.ctx, s, kept, key, now)
	})
}

func (k *keysSet) Run(w *world, c *cli) error {
	expires := k.Expires
	if expires == "never" {
		expires = ""
	}
	order, err := k.order(k.Name, expires)
	if err != nil {
		return err
	}
	order.Endless = k.Expires == "never"
	if len(order.Limits) == 0 && order.Models == nil && order.MaxSize == nil && order.WarnWeak == nil && k.Expires == "" {
		return fmt.Errorf("%w\nname what is to change; plantain keys set --help shows it", errUsage)
	}
	return w.keys(c, openExisting, func(at *remote, s *store.Store) (v gateway.KeyView, err error) {
		if at != nil {
			err = at.call(w.ctx, "PATCH", "/api/v1/keys/"+url.PathEscape(string(k.Name)), order, &v)
			return v, err
		}
		now := time.Now()
		kept, err := s.ChangeKey(w.ctx, k.Name, now, func(k *plantain.VirtualKey) error { return order.Change(k, w.catalogue()) })
		if err != nil {
			return v, err
		}
		return viewKey(w.ctx, s, kept, "", now)
	})
}

// viewKey describes a key with what its client has used.
func viewKey(ctx context.Context, s *store.Store, k plantain.VirtualKey, key string, now time.Time) (gateway.KeyView, error) {
	accounts, err := s.Accounts(context.WithoutCancel(ctx))
	return gateway.ViewKey(k, key, accounts[k.Client], now), err
}

func (k *keysRotate) Run(w *world, c *cli) error {
	var grace time.Duration
	var err error
	if k.Grace != "" {
		grace, err = plantain.ParseSpan(k.Grace)
	}
	order := gateway.KeyOrder{Name: k.Name, Grace: grace.Seconds()}
	if err := errors.Join(err, order.Check(time.Now())); err != nil {
		return fmt.Errorf("%w\n%w", errUsage, err)
	}
	return w.keys(c, openExisting, func(at *remote, s *store.Store) (v gateway.KeyView, err error) {
		if at != nil {
			err = at.call(w.ctx, "POST", "/api/v1/keys/"+url.PathEscape(string(k.Name))+"/rotate", order, &v)
			return v, err
		}
		now := time.Now()
		key, kept := gateway.NewKey(k.Name, false, now, time.Time{})
		kept, err = s.RotateKey(w.ctx, kept, now, now.Add(grace))
		if err != nil {
			return v, err
		}
		return viewKey(w.ctx, s, kept, key, now)
	})
}

func (k *keysRevoke) Run(w *world, c *cli) error {
	return w.keys(c, openExisting, func(at *remote, s *store.Store) (v gateway.KeyView, err error) {
		if at != nil {
			err = at.call(w.ctx, "DELETE", "/api/v1/keys/"+url.PathEscape(string(k.Name)), nil, &v)
			return v, err
		}
		now := time.Now()
		return gateway.KeyView{Name: k.Name, State: "revoked", Revoked: now}, s.RevokeKey(w.ctx, k.Name, now)
	})
}

// keys runs a change of the keys through the gateway to ask, or on the store, and
// prints what came of it.
func (w *world) keys(c *cli, open opener, change func(*remote, *store.Store) (gateway.KeyView, error)) error {
	var v gateway.KeyView
	err := w.withStore(c.Keys.Server, open, func(at *remote, s *store.Store) (err error) {
		v, err = change(at, s)
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case w.output == "json":
		w.json(v)
	case v.Key != "":
		fmt.Fprintf(w.stderr, "The key of %s. It is shown this once; only its hash is kept.\n", v.Name)
		fmt.Fprintln(w.stdout, v.Key)
	default:
		fmt.Fprintf(w.stdout, "%s: %s\n", v.Name, v.State)
	}
	if w.output != "json" {
		for _, line := range may(v) {
			wrap(w.stderr, "", string(v.Name)+": "+line)
		}
	}
	return nil
}

func (keysList) Run(w *world, c *cli) error {
	got := struct{ Keys []gateway.KeyView }{[]gateway.KeyView{}}
	err := w.withStore(c.Keys.Server, openExisting, func(at *remote, s *store.Store) error {
		if at != nil {
			return at.get(w.ctx, "/api/v1/keys", &got)
		}
		ctx := context.WithoutCancel(w.ctx)
		keys, err := s.Keys(ctx)
		if err != nil {
			return err
		}
		accounts, err := s.Accounts(ctx)
		for _, k := range keys {
			got.Keys = append(got.Keys, gateway.ViewKey(k, "", accounts[k.Client], time.Now()))
		}
		return err
	})
	if err != nil {
		return err
	}
	if w.output == "json" {
		w.json(map[string]any{"keys": got.Keys})
		return nil
	}
	rows := [][]string{{"name", "begins", "state", "admin", "created", "expires", "last used"}}
	for _, k := range got.Keys {
		admin := ""
		if k.Admin {
			admin = "admin"
		}
		rows = append(rows, []string{string(k.Name), k.Hint + "…", k.State, admin, orNever(k.Created), orNever(k.Expires), orNever(k.Used)})
	}
	list(w.stdout, rows)
	fmt.Fprintf(w.stdout, "\nTimes are those of the zone %s.\n", localZone())
	said := ""
	for _, k := range got.Keys {
		if k.State == "revoked" || k.State == "expired" || k.Name == plantain.ClientName(said) {
			continue
		}
		for i, line := range may(k) {
			if i == 0 {
				fmt.Fprintf(w.stdout, "\n%s\n", k.Name)
				said = string(k.Name)
			}
			wrap(w.stdout, "  ", line)
		}
	}
	return nil
}

// orNever gives an instant to the minute; the zero one is never.
func orNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}
