package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/store"
)

// A remote is a running gateway and the key that a command shows it.
type remote struct {
	base string
	key  plantain.Secret
}

// atFlag names the gateway that a command asks. The key in PLANTAIN_KEY is for that
// one; a gateway of this machine is shown its own.
type atFlag struct {
	Server string `placeholder:"URL" help:"The gateway to ask, with a key of its in PLANTAIN_KEY. Default: the one on this machine that has the store, else the store itself."`
}

// gateway is the one to ask: the one that is named, else the one that has the store;
// nil: none.
func (w *world) gateway(server string, c *config.Config) *remote {
	switch {
	case server != "":
		return &remote{base(server), plantain.NewSecret(w.env("PLANTAIN_KEY"))}
	case c != nil:
		return running(c.Store)
	default:
		return nil
	}
}

// base is the address of a gateway as it may be typed: with http:// or without.
func base(server string) string {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	return strings.TrimSuffix(server, "/")
}

// withStore finds the gateway to ask, or opens the store by open.
func (w *world) withStore(server string, open opener, use func(*remote, *store.Store) error) error {
	c, err := w.loadKeyless()
	if err != nil && server == "" {
		return err
	}
	if at := w.gateway(server, c); at != nil {
		return use(at, nil)
	}
	s, err := open(w.ctx, c.Store)
	if err != nil {
		return err
	}
	return errors.Join(use(nil, s), s.Close())
}

// An opener is openStore or openExisting.
type opener func(context.Context, plantain.Secret) (*store.Store, error)

// withHouse finds the gateway to ask, or builds a house.
func (w *world) withHouse(server string, use func(*remote, *house) error) error {
	c, err := w.loadConfig()
	if at := w.gateway(server, c); at != nil {
		return use(at, nil)
	}
	if err != nil {
		return err
	}
	h, err := w.house(c)
	if err != nil {
		return err
	}
	return errors.Join(use(nil, h), h.close(context.Background()))
}

// house builds a house that logs nothing, for a command that lives as long as one
// request. Close it.
func (w *world) house(c *config.Config) (*house, error) {
	return build(w.ctx, c, slog.New(slog.DiscardHandler), plantain.Clock{})
}

// running is the gateway that has a store for itself; nil where none has, as on
// PostgreSQL, which every command may use beside it.
func running(at plantain.Secret) *remote {
	path, isFile := storeFile(at)
	if !isFile {
		return nil
	}
	if h, ok := store.HeldBy(path); ok && h.Address != "" {
		return &remote{"http://" + h.Address, h.Operator}
	}
	return nil
}

// authorize shows the key of a remote.
func (r *remote) authorize(req *http.Request) {
	if !r.key.Empty() {
		req.Header.Set("Authorization", "Bearer "+r.key.Reveal())
	}
}

// download writes what stands under a path.
func (r *remote) download(ctx context.Context, path string, to io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, nil)
	if err != nil {
		return fmt.Errorf("ask the gateway: %w", err)
	}
	r.authorize(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return r.unanswered(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // what came of it
		return r.refusal(answer{res.StatusCode, res.Header, body})
	}
	_, err = io.Copy(to, res.Body)
	return err
}

// unanswered says of which gateway there is no answer.
func (r *remote) unanswered(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err // it names method and path
	}
	return fmt.Errorf("no answer from a gateway at %s: %w", r.base, err)
}

// refusal is what a gateway says in the place of what it was asked for.
func (r *remote) refusal(a answer) error {
	err := fmt.Errorf("the gateway says: %w", a.refusal())
	if a.status == http.StatusForbidden && r.key.Empty() {
		err = fmt.Errorf("%w; put a key of it in PLANTAIN_KEY, which plantain keys create NAME makes there", err)
	}
	return err
}

// get reads JSON from a gateway.
func (r *remote) get(ctx context.Context, path string, into any) error {
	return r.call(ctx, http.MethodGet, path, nil, into)
}

// call sends JSON, unless body is nil, and reads JSON.
func (r *remote) call(ctx context.Context, method, path string, body, into any) error {
	if body == nil {
		return r.send(ctx, method, path, "application/json", nil, into)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return r.send(ctx, method, path, "application/json", bytes.NewReader(text), into)
}

// send sends a body of any kind, and reads JSON.
func (r *remote) send(ctx context.Context, method, path, kind string, body io.Reader, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, body)
	if err != nil {
		return fmt.Errorf("ask the gateway: %w", err)
	}
	req.Header.Set("Content-Type", kind)
	return r.read(req, into)
}

// read sends a request, with the key of a remote, and reads JSON.
func (r *remote) read(req *http.Request, into any) error {
	r.authorize(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return r.unanswered(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return r.unanswered(err)
	}
	if res.StatusCode != http.StatusOK {
		return r.refusal(answer{res.StatusCode, res.Header, text})
	}
	return json.Unmarshal(text, into)
}
