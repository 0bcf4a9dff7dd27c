package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/lint"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/store"
	"github.com/plantainhq/plantain/thread"
	"github.com/plantainhq/plantain/verdict"
)

// defaultConfig is read where it lies in the folder of the command.
const defaultConfig = "plantain.yaml"

// loadConfig reads the configuration that was named, the one in this folder, or
// the environment.
func (w *world) loadConfig() (*config.Config, error) { return w.source("").load() }

// loadKeyless is loadConfig for what sends nothing to Google: it needs no project.
func (w *world) loadKeyless() (*config.Config, error) {
	c, err := w.loadConfig()
	if bad := (*config.Error)(nil); errors.As(err, &bad) && bad.Keyless {
		return c, nil
	}
	return c, err
}

// A source is where a configuration comes from. It stays what it is: a file that
// is gone for a moment does not make the environment the configuration.
type source struct {
	path   string // empty: the environment
	env    func(string) string
	listen string // of the command line, which goes before the file; empty: none
}

func (w *world) source(listen string) source {
	s := source{path: w.config, env: w.env, listen: listen}
	if s.path == "" {
		if _, err := os.Stat(defaultConfig); !errors.Is(err, fs.ErrNotExist) {
			s.path = defaultConfig
		}
	}
	return s
}

func (s source) load() (c *config.Config, err error) {
	if s.path == "" {
		c, err = config.FromEnv(s.env)
	} else {
		c, err = config.Load(s.path, s.env)
	}
	if c != nil && s.listen != "" {
		c.Listen = s.listen
	}
	return c, err
}

// A house is the assembled program: everything between a request and Google.
type house struct {
	store *store.Store
	pool  *pool.Pool
	relay *relay.Transport
	clock plantain.Clock
	log   *slog.Logger
	spool *spool.Spool
	door  *gateway.Door

	answers    *gallery.Answers
	gallery    *gallery.Gallery
	signatures *thread.Memory // nil: none are kept

	gateway *gateway.Gateway
	hours   hours
	alerts  alerts
	noted   noted
	books   books

	built *config.Config                // what it was built from
	now   atomic.Pointer[config.Config] // what is in force of a later one
}

// build assembles a house from a configuration. Close it.
func build(ctx context.Context, c *config.Config, log *slog.Logger, clock plantain.Clock) (_ *house, err error) {
	images, err := imagesFolder(c.Images)
	if err != nil {
		return nil, err
	}
	h := &house{log: log, built: c}
	h.now.Store(c)
	if h.store, err = openStore(ctx, c.Store); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = h.closeBooks()
		}
	}()
	clock.Lead = h.store.Lead
	h.clock = clock
	if lead := h.store.Lead(); lead.Abs() > 2*time.Second {
		log.Warn("this machine's clock is not that of the database, which counts", "database_ahead", lead.Round(time.Millisecond))
	}
	if err := h.recover(ctx, images); err != nil {
		return nil, unwritable("images", err)
	}
	operator, _ := gateway.NewKey(plantain.LocalClient, true, clock.Now(), time.Time{})
	h.door = &gateway.Door{Keys: h.store, Operator: plantain.NewSecret(operator), Now: clock.Now}
	if err := h.door.Load(ctx); err != nil {
		return nil, err
	}
	members, settings, err := settings(c)
	if err != nil {
		return nil, err
	}
	h.pool = pool.New(members)
	windows, err := h.store.Windows(ctx)
	if err != nil {
		return nil, err
	}
	h.pool.Saw(windows)
	if err := h.setBack(ctx); err != nil {
		return nil, err
	}
	h.relay = &relay.Transport{Settings: settings, Pool: h.pool, Books: h.store, Filters: h.store, Spool: h.spool, Answers: h.answers, Signatures: h.signatures, Clock: clock, Log: log}
	h.relay.Suggest = func(prompt string) relay.Suggestion {
		r := lint.Lint(prompt)
		return relay.Suggestion{Why: r.Advice(prompt, h.now.Load().Retention.Prompts), Prompt: r.Offer()}
	}
	if err := h.relay.LoadFilters(ctx); err != nil {
		return nil, err
	}
	if keeps(c.Retention.Images, c.Retention.ImagesMax) {
		h.relay.Gallery = h.gallery
	}
	h.books = books{h.store, &h.noted, clock}
	h.gateway = &gateway.Gateway{
		Relay:     h.relay,
		Door:      h.door,
		Ready:     h.relay.Ready,
		Projects:  func() []pool.Report { return h.pool.Report(h.clock.Now(), modelIDs(h.now.Load())) },
		Recheck:   h.recheck,
		Weather:   gateway.Weather{Now: h.relay.Weather, Hours: h.hours.read(h.store, clock)},
		Attempts:  h.attempts,
		Answers:   h.answers,
		Gallery:   h.gallery,
		Ledger:    h.books,
		Rules:     func() verdict.Rules { return verdict.Rules{Filtered: h.now.Load().Billing.Filtered} },
		Catalogue: func() *gemini.Catalogue { return h.now.Load().Catalogue },
		Load:      func() gateway.Load { return gateway.Load{Waiting: h.relay.Waiting(), Spooled: h.spool.Used()} },
		Build:     buildFacts(),
		Log:       h.log,
	}
	h.gateway.Limit(c.Clients.Concurrency)
	h.relay.Watch = func(e relay.Event) {
		h.gateway.Observe(e)
		h.alerts.observe(e)
		h.noted.observe(e)
	}
	_ = h.relay.Examine() // what is wrong is logged, told to every client, and may be mended
	return h, nil
}

// recover opens the spool and clears up what an earlier process left behind.
func (h *house) recover(ctx context.Context, folder string) error {
	swept, err := h.openSpool(filepath.Join(folder, "spool"))
	if err != nil {
		return err
	}
	unknown, err := h.store.Recover(ctx, h.clock.Now())
	if err != nil {
		return err
	}
	shelf, err := gallery.NewShelf(filepath.Join(folder, "answers"))
	if err != nil {
		return err
	}
	h.answers = &gallery.Answers{Rows: h.store, Shelf: shelf, Max: h.built.Retention.IdempotencyMax}
	if _, err := h.answers.Tidy(ctx, h.clock.Now(), !h.store.Shared()); err != nil {
		return err
	}
	if h.gallery, err = openGallery(h.built, h.store); err != nil {
		return err
	}
	if _, err := h.gallery.Tidy(ctx, h.clock.Now(), !h.store.Shared()); err != nil {
		h.log.Error("tidy up the gallery", "error", err) // what it holds can be served all the same
	}
	if err := h.openSignatures(filepath.Join(folder, "signatures")); err != nil {
		return err
	}
	if swept > 0 || unknown > 0 {
		h.log.Warn("the last process did not end in order", "attempts_unknown", unknown, "spool_files_swept", swept)
	}
	return nil
}

// galleryFolder is where in the images folder the pictures are.
const galleryFolder = "gallery"

// openSignatures finds what the turns of models carried, where that is to be kept.
func (h *house) openSignatures(folder string) (err error) {
	r := h.built.Retention
	if !keeps(r.Signatures, r.SignaturesMax) {
		return nil
	}
	if h.signatures, err = thread.Open(folder); err != nil {
		return err
	}
	h.signatures.Age, h.signatures.Max = r.Signatures, r.SignaturesMax
	if err := h.signatures.Tidy(h.clock.Now(), !h.store.Shared()); err != nil {
		h.log.Error("tidy up the thought signatures", "error", err) // what is there can be given back all the same
	}
	return nil
}

// openGallery finds the pictures of a configuration.
func openGallery(c *config.Config, rows *store.Store) (*gallery.Gallery, error) {
	folder, err := imagesFolder(c.Images)
	if err != nil {
		return nil, err
	}
	g := &gallery.Gallery{Rows: rows, Age: c.Retention.Images, Max: c.Retention.ImagesMax, Wordless: !c.Retention.Prompts}
	if g.Shelf, err = gallery.NewShelf(filepath.Join(folder, galleryFolder)); err != nil {
		return nil, err
	}
	g.Thumbs, err = gallery.NewShelf(filepath.Join(folder, "thumbnails"))
	return g, err
}

// setBack brings back to now what a clock left in the windows and accounts that was ahead.
func (h *house) setBack(ctx context.Context) error {
	now := h.clock.Now()
	keys := h.pool.Ahead(now)
	accounts, err := h.store.Accounts(ctx)
	if err != nil {
		return err
	}
	for client, s := range accounts {
		if s.Ahead(now) {
			keys = append(keys, pool.AccountKey(client))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	h.log.Warn("the clock was set back: what it counted until then counts from now", "now", now.UTC().Format(time.RFC3339), "windows", len(keys))
	return h.update(ctx, keys, func(s pool.States) { pool.SetBack(s, now) })
}

// update changes windows, and what the pool has seen of them.
func (h *house) update(ctx context.Context, keys []pool.Key, change func(pool.States)) error {
	left := pool.States{}
	err := h.store.Update(ctx, keys, func(s pool.States) error {
		change(s)
		left = s
		return nil
	})
	if err != nil {
		return err
	}
	h.pool.Saw(left)
	return nil
}

// openSpool opens the spool and empties it. Beside a store that others may use, so
// may the folder be: then only what nobody uses is swept.
func (h *house) openSpool(folder string) (swept int, err error) {
	memory := h.built.Spool.Memory
	if h.store.Shared() {
		h.spool, swept, err = spool.Share(folder, memory)
		return swept, err
	}
	if h.spool, err = spool.New(folder, memory); err != nil {
		return 0, err
	}
	return h.spool.Sweep()
}

// close finishes what was sent, until the context ends, and gives the store back.
func (h *house) close(ctx context.Context) error {
	return errors.Join(h.relay.Close(ctx), h.closeBooks())
}

func (h *house) closeBooks() error {
	var err error
	if h.spool != nil {
		err = h.spool.Close()
	}
	return errors.Join(err, h.store.Close())
}

func (h *house) attempts(c plantain.ClientName, id plantain.RequestID) ([]gateway.Attempt, error) {
	return attempts(context.Background(), h.store, c, id)
}

// attempts reads the ledger as [gateway.Gateway] asks for it, at most a hundred.
func attempts(ctx context.Context, s *store.Store, c plantain.ClientName, id plantain.RequestID) ([]gateway.Attempt, error) {
	if id == gallery.Last {
		newest, err := s.Newest(ctx, c)
		if err != nil || newest == "" {
			return nil, err
		}
		id = newest
	}
	rows, err := s.Attempts(ctx, id, 100)
	if err != nil {
		return nil, err
	}
	described := make([]gateway.Attempt, len(rows))
	for i, r := range rows {
		described[i] = gateway.Describe(r.Attempt, r.After, r.State, r.Entry)
	}
	return described, nil
}

// openStore opens the books where the configuration says they are.
func openStore(ctx context.Context, at plantain.Secret) (*store.Store, error) {
	if path, isFile := storeFile(at); isFile {
		s, err := store.Open(ctx, path)
		return s, unwritable("store", err)
	}
	return store.Connect(ctx, at)
}

// openExisting opens the books where there are some already.
func openExisting(ctx context.Context, at plantain.Secret) (*store.Store, error) {
	if path, unmade := unmade(at); unmade {
		return nil, fmt.Errorf("there is no store yet (%s), so nothing was made or spent from here: plantain serve makes one; -c names another configuration, --server a gateway elsewhere", path)
	}
	return openStore(ctx, at)
}

// unmade reports that the store is still to be made.
func unmade(at plantain.Secret) (path string, unmade bool) {
	path, isFile := storeFile(at)
	_, err := os.Stat(path)
	return path, isFile && errors.Is(err, fs.ErrNotExist)
}

// storeFile gives the file of a "sqlite:FILE" store.
func storeFile(at plantain.Secret) (path string, isFile bool) {
	return strings.CutPrefix(at.Reveal(), "sqlite:")
}

// imagesFolder gives the folder of a "file:FOLDER" shelf.
func imagesFolder(s string) (string, error) {
	folder, ok := strings.CutPrefix(s, "file:")
	if !ok {
		return "", errors.New("images: this version keeps images in a folder only; write images: file:./images")
	}
	return folder, nil
}

// settings turns a configuration into the members of the pool and what of the
// relay may change while it runs.
func settings(c *config.Config) ([]pool.Member, relay.Settings, error) {
	s := relay.Settings{
		Ways: map[plantain.ProjectName]relay.Way{}, Catalogue: c.Catalogue,
		Policy: relay.Policy{Attempts: c.Retry.Attempts, Base: c.Retry.Base, Cap: c.Retry.Cap, MaxWait: c.Retry.MaxWait,
			NoImage: c.Retry.NoImage, Unknown: c.Retry.Unknown, Budget: c.Retry.Budget},
		Rules:   verdict.Rules{Filtered: c.Billing.Filtered},
		Timeout: c.Timeout, MaxWait: c.Queue.MaxWait, MaxQueue: c.Queue.MaxLength,
		Fallback: c.FallbackModels,
		Remember: c.Retention.Idempotency,
		Filtered: c.Retention.Filtered,
	}
	if !keeps(c.Retention.Idempotency, c.Retention.IdempotencyMax) {
		s.Remember = -1
	}
	if !keeps(c.Retention.Filtered, config.Unlimited) {
		s.Filtered = -1
	}
	var members []pool.Member
	for _, p := range c.Projects {
		if p.Upstream == plantain.Vertex {
			return nil, s, fmt.Errorf("project %s: this version reaches projects by API key only, not through Vertex AI", p.Name)
		}
		members = append(members, member(c.Catalogue, p))
		s.Ways[p.Name] = relay.Way{
			Upstream: relay.KeyUpstream{Base: p.BaseURL, Key: p.APIKey},
			Factor:   ledger.Factor(p.PricePermille),
		}
	}
	return members, s, nil
}

// keeps reports that something is to be kept, by its retention.
func keeps(age time.Duration, most int64) bool { return age > 0 && most > 0 }

func member(catalogue *gemini.Catalogue, p config.Project) pool.Member {
	tier := catalogue.Limits(p.Tier)
	return pool.Member{
		Project:     plantain.Project{Name: p.Name, Kind: p.Upstream, Tier: p.Tier},
		Location:    location(p),
		Fingerprint: fingerprint(p),
		Whole:       whole(p, tier),
		Weight:      p.Weight,
		ProbeLimits: p.ProbeLimits,
		Price:       p.PricePermille,
		Limits: func(m plantain.Model) pool.Limits {
			l := pool.Limits{plantain.LimitRPM: tier.RPM, plantain.LimitIPM: tier.IPM, plantain.LimitTPM: tier.TPM, plantain.LimitRPD: tier.RPD}
			if p.Upstream == plantain.Compatible && p.Tier == 0 {
				// An aggregator has limits of its own, which nobody has named.
				clear(l)
			}
			maps.Copy(l, p.Limits[m])
			return l
		},
	}
}

// location is where a project is served, which is how far an overload reaches.
func location(p config.Project) string {
	if p.Vertex.Location != "" {
		return p.Vertex.Location
	}
	u, err := url.Parse(p.BaseURL)
	if err != nil || u.Scheme+"://"+u.Host == relay.GoogleBase {
		return ""
	}
	return u.Host
}

// whole are the limits of a project over all its models: Google's spend limit
// over any ten minutes. What an aggregator has of its own, nobody has named.
func whole(p config.Project, tier gemini.Limits) pool.Limits {
	if p.Upstream == plantain.Compatible && p.Tier == 0 {
		return nil
	}
	return pool.Limits{plantain.LimitSpend: int64(tier.Spend)}
}

// fingerprint changes with whatever could end a parking: the key, the address,
// the tier and the limits. Eight bytes of a hash tell nothing of the key.
func fingerprint(p config.Project) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%v", p.APIKey.Reveal(), p.BaseURL, p.Tier, p.Limits))
	return hex.EncodeToString(sum[:8])
}

// modelIDs are the models that a report shows even before they are used.
func modelIDs(c *config.Config) []plantain.Model {
	var ids []plantain.Model
	for _, e := range c.Catalogue.Models() {
		ids = append(ids, e.ID)
	}
	return ids
}
