package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
)

// KeyView is a virtual key as /api/v1 and the commands show it.
type KeyView struct {
	Name    plantain.ClientName `json:"name"`
	Key     string              `json:"key,omitempty"` // only where it was just made
	Hint    string              `json:"hint"`
	Admin   bool                `json:"admin"`
	State   string              `json:"state"` // live, ending, expired, revoked
	Created time.Time           `json:"created"`
	Expires time.Time           `json:"expires,omitzero"`
	Revoked time.Time           `json:"revoked,omitzero"`
	Used    time.Time           `json:"last_used,omitzero"`
	Limits  []LimitView         `json:"limits,omitempty"`
	Models  []plantain.Model    `json:"models,omitempty"`   // absent: all
	MaxSize string              `json:"max_size,omitempty"` // absent: every size
	// WarnWeak says that its answers have Plantain-Lint where a prompt needs work.
	WarnWeak bool `json:"warn_weak,omitempty"`
}

// ViewKey describes a key at an instant. account is what its client has used.
func ViewKey(k plantain.VirtualKey, key string, account pool.State, now time.Time) KeyView {
	v := KeyView{
		Name: k.Client, Key: key, Hint: k.Hint, Admin: k.Admin, State: "live", Created: k.Created, Expires: k.Expires, Revoked: k.Revoked, Used: k.Used,
		Limits: viewLimits(pool.Client{Name: k.Client, Allowance: k.Allowance}, account, now), Models: k.Models, MaxSize: k.MaxSize, WarnWeak: k.WarnWeak,
	}
	switch {
	case k.Live(now) && !k.Revoked.IsZero():
		v.State = "ending"
	case k.Live(now):
	case !k.Revoked.IsZero():
		v.State = "revoked"
	default:
		v.State = "expired"
	}
	return v
}

// KeyOrder is what is asked for when a key is made, changed or rotated.
type KeyOrder struct {
	Name    plantain.ClientName `json:"name"`
	Admin   bool                `json:"admin,omitempty"`
	Expires time.Time           `json:"expires,omitzero"`        // zero: never, or as it was
	Endless bool                `json:"endless,omitempty"`       // a key that had an end is to have none
	Grace   float64             `json:"grace_seconds,omitempty"` // how long the rotated key lives on
	pool.AllowanceOrder
}

// Make makes the key that is asked for, and gives it to be shown once.
func (o KeyOrder) Make(catalogue *gemini.Catalogue, now time.Time) (string, plantain.VirtualKey, error) {
	key, k := NewKey(o.Name, o.Admin, now, o.Expires)
	return key, k, o.Apply(&k.Allowance, catalogue)
}

// Change changes a key as it is asked for.
func (o KeyOrder) Change(k *plantain.VirtualKey, catalogue *gemini.Catalogue) error {
	if !o.Expires.IsZero() || o.Endless {
		k.Expires = o.Expires
	}
	return o.Apply(&k.Allowance, catalogue)
}

// Check refuses an order for a key that could not be used, in words for whoever
// gave it.
func (o KeyOrder) Check(now time.Time) error {
	const year = 366 * 24 * time.Hour
	if !o.Expires.IsZero() && !o.Expires.After(now) {
		return errors.New("the key would be expired from the start")
	}
	if o.Grace < 0 || o.Grace > year.Seconds() {
		return errors.New("the grace of a rotated key is from nothing to a year")
	}
	return CheckClient(o.Name)
}

func (g *Gateway) listKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := g.Door.Keys.Keys(r.Context())
	if err != nil {
		g.keyFault(w, err)
		return
	}
	accounts, err := g.Door.Keys.Accounts(r.Context())
	if err != nil {
		g.keyFault(w, err)
		return
	}
	views := make([]KeyView, len(keys))
	for i, k := range keys {
		views[i] = ViewKey(g.Door.seen(k), "", accounts[k.Client], g.Door.now())
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": views})
}

// readOrder reads what is asked for; a name in the path goes before one in the body.
func readOrder(w http.ResponseWriter, r *http.Request, now time.Time) (o KeyOrder, err error) {
	if err := readJSON(w, r, 1<<16, &o); err != nil {
		return o, fmt.Errorf("the body is not the JSON of a key: %w", err)
	}
	if name := r.PathValue("name"); name != "" {
		o.Name = plantain.ClientName(name)
	}
	return o, o.Check(now)
}

func (g *Gateway) createKey(w http.ResponseWriter, r *http.Request) {
	now := g.Door.now()
	order, err := readOrder(w, r, now)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	key, k, err := order.Make(g.catalogue(), now)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	g.changed(w, r, g.Door.Keys.CreateKey(r.Context(), k, now), k, key)
}

func (g *Gateway) changeKey(w http.ResponseWriter, r *http.Request) {
	now := g.Door.now()
	order, err := readOrder(w, r, now)
	if err == nil && (order.Admin || order.Grace != 0) {
		err = errors.New("a change is of expires, endless, limits, models, max_size and warn_weak only")
	}
	if err == nil {
		err = order.Apply(&plantain.Allowance{}, g.catalogue())
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	k, err := g.Door.Keys.ChangeKey(r.Context(), order.Name, now, func(k *plantain.VirtualKey) error { return order.Change(k, g.catalogue()) })
	g.changed(w, r, err, k, "")
}

func (g *Gateway) rotateKey(w http.ResponseWriter, r *http.Request) {
	now := g.Door.now()
	order, err := readOrder(w, r, now)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	key, k := NewKey(order.Name, false, now, time.Time{})
	ends := now.Add(time.Duration(order.Grace * float64(time.Second)))
	k, err = g.Door.Keys.RotateKey(r.Context(), k, now, ends)
	g.changed(w, r, err, k, key)
}

func (g *Gateway) revokeKey(w http.ResponseWriter, r *http.Request) {
	name := plantain.ClientName(r.PathValue("name"))
	now := g.Door.now()
	g.changed(w, r, g.Door.Keys.RevokeKey(r.Context(), name, now), plantain.VirtualKey{Client: name, Revoked: now}, "")
}

// changed ends a change of the keys: the door knows of it before the client does.
func (g *Gateway) changed(w http.ResponseWriter, r *http.Request, err error, k plantain.VirtualKey, key string) {
	if err == nil {
		// Also where the client has left: a key that was revoked must not live on.
		err = g.Door.Load(context.WithoutCancel(r.Context()))
	}
	var accounts map[plantain.ClientName]pool.State
	if err == nil {
		accounts, err = g.Door.Keys.Accounts(r.Context())
	}
	if err != nil {
		g.keyFault(w, err)
		return
	}
	writeJSON(w, http.StatusOK, ViewKey(g.Door.seen(k), key, accounts[k.Client], g.Door.now()))
}

func (g *Gateway) catalogue() *gemini.Catalogue {
	if g.Catalogue == nil {
		return gemini.DefaultCatalogue()
	}
	return g.Catalogue()
}

// keyFault tells a name that is taken or unknown from a fault of the store.
func (g *Gateway) keyFault(w http.ResponseWriter, err error) {
	var theirs interface{ Client() (string, bool) }
	if errors.As(err, &theirs) {
		text, missing := theirs.Client()
		status := http.StatusConflict
		if missing {
			status = http.StatusNotFound
		}
		writeError(w, status, text)
		return
	}
	g.log().Error("keys", "error", err)
	writeError(w, http.StatusInternalServerError, "internal: the keys could not be read or changed; the log says why")
}

// turnedAway answers a visitor without a key as Google answers a bad one: 403
// where none was shown, 400 where it is wrong (gemini-api.md §6), with a detail
// that says whose key is meant, and so does the end of the message.
func turnedAway(w http.ResponseWriter, err error) {
	status, name := http.StatusBadRequest, "INVALID_ARGUMENT"
	message := "API key not valid. Please pass a valid API key."
	googles := []any{errorInfo("API_KEY_INVALID", "googleapis.com", map[string]string{"service": "generativelanguage.googleapis.com"})}
	if errors.Is(err, errNoKey) {
		status, name = http.StatusForbidden, "PERMISSION_DENIED"
		message = "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."
		googles = nil
	}
	message += fmt.Sprintf(" (Plantain, not Google: %s.)", err)
	writeRefusal(w, status, name, message, map[string]string{
		"verdict": "key_invalid", "charged": "no", "attempts": "0",
		"explanation": fmt.Sprintf("Plantain turned this away, not Google: %s. Nothing was sent.", err),
		"next":        "Give your SDK a key of this gateway in the place of Google's; plantain keys create NAME makes one.",
	}, googles...)
}

// writeRefusal writes an error of the gateway in Google's shape, with the details
// that Google would give, and ours.
func writeRefusal(w http.ResponseWriter, status int, name, message string, ours map[string]string, details ...any) {
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"code": status, "message": message, "status": name,
		"details": append(details, errorInfo(strings.ToUpper(ours["verdict"]), "plantain", ours)),
	}})
}

func errorInfo(reason, domain string, meta map[string]string) map[string]any {
	return map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain, "metadata": meta}
}
