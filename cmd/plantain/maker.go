package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/thread"
)

// A maker sends one request and follows it.
type maker struct {
	w         *world
	through   http.RoundTripper
	at        *remote          // nil: this process makes it
	gallery   *gallery.Gallery // of this process
	catalogue *gemini.Catalogue
	force     relay.Force
	server    string // of --server; empty: not named
}

// command is a command that finds the same gateway, or store.
func (m *maker) command(words string) string {
	words = "plantain " + words
	if m.server != "" {
		words += " --server " + m.server
	}
	if m.w.config != "" {
		words += " --config " + m.w.config
	}
	return words
}

func (m *maker) make(ctx context.Context, o order) (*made, error) {
	p := newProgress(m.w)
	defer p.stop()
	interrupted := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	e := &errand{way: m, p: p, cancel: cancel}
	defer m.w.lastWords.Store(nil)
	key := rand.Text()
	if m.at != nil {
		defer m.follow(interrupted, key, e)()
	} else {
		ctx = relay.WithCaller(ctx, relay.Caller{Watch: e.show, Force: m.force, Draft: o.draft, Final: o.final})
		defer context.AfterFunc(interrupted, e.interrupt)()
	}
	r, err := m.request(ctx, o, key)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	a, err := exchange(m.through, r)
	if err != nil && m.at != nil {
		err = m.at.unanswered(err)
	}
	if err != nil {
		return nil, e.ended(err)
	}
	if m.at != nil && a.header.Get("Plantain-Request-Id") == "" {
		return nil, m.at.refusal(a)
	}
	made, err := read(a, time.Since(begun))
	if err != nil {
		return nil, err
	}
	made.Notes = append(made.Notes, o.notes...)
	if size := cmp.Or(made.draftFor, o.draft); size != "" {
		made.Draft = &draft{For: size}
	}
	return made, nil
}

// request is an order as it is sent. What a gateway is told by headers, the relay of
// this process has by the context.
func (m *maker) request(ctx context.Context, o order, key string) (*http.Request, error) {
	base := here
	if m.at != nil {
		base = m.at.base
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+o.path, o.body())
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	if m.at == nil {
		return r, nil
	}
	m.at.authorize(r)
	m.hints(r, o)
	return r, nil
}

// hints sets the headers by which a gateway is told of an order what its body lacks.
func (m *maker) hints(r *http.Request, o order) {
	if m.force != "" {
		r.Header.Set("Plantain-Force", string(m.force))
	}
	if o.draft != "" {
		r.Header.Set("Plantain-Draft", o.draft)
	}
}

// follow asks a gateway what happens to a request while it runs, and once more
// before it is interrupted.
func (m *maker) follow(interrupted context.Context, key string, e *errand) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(interrupted))
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		ctrlC := interrupted.Done()
		for shown := 0; ctx.Err() == nil; {
			var got struct{ Events []relay.Event }
			if m.at.get(ctx, "/api/v1/live/"+key, &got) == nil {
				for ; shown < len(got.Events); shown++ {
					e.show(got.Events[shown])
				}
			}
			if ctrlC == nil {
				e.interrupt()
			}
			select {
			case <-ctx.Done():
			case <-ctrlC:
				ctrlC = nil // look once more, then decide
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}

// read takes the picture out of an answer, or says why there is none.
func read(a answer, took time.Duration) (*made, error) {
	b, h := a.facts(), a.header
	attempts, _ := strconv.Atoi(h.Get("Plantain-Attempts"))
	m := &made{Cost: h.Get("Plantain-Cost-Usd"), Attempts: attempts, Took: took.Seconds(), Differs: h.Get("Plantain-Image"),
		Project: plantain.ProjectName(h.Get("Plantain-Project")), Request: plantain.RequestID(h.Get("Plantain-Request-Id"))}
	m.Notes, m.draftFor, m.Healed = h.Values("Plantain-Note"), h.Get("Plantain-Draft"), thread.How(h.Get("Plantain-Healed"))
	if m.Differs == "as-asked" {
		m.Differs = ""
	}
	for _, p := range b.Parts {
		if p.Kind == gemini.KindImage && !p.Thought && p.Data.Len > 0 {
			data, err := decode(a.body[p.Data.Start:p.Data.Start+p.Data.Len], p.Data.Escaped)
			if err != nil {
				return nil, fmt.Errorf("the picture in the answer is damaged: %w", err)
			}
			m.picture, m.mime, m.Width, m.Height = data, p.MIME, p.Width, p.Height
		}
	}
	if m.picture == nil {
		return nil, noPicture(h, b)
	}
	return m, nil
}

func decode(text []byte, escaped bool) ([]byte, error) {
	if escaped {
		var s string
		if err := json.Unmarshal([]byte(`"`+string(text)+`"`), &s); err != nil {
			return nil, err
		}
		text = []byte(s)
	}
	return base64.StdEncoding.AppendDecode(nil, text)
}

// A noPictureError says why there is none, whether it was charged, and what to do.
type noPictureError struct {
	request plantain.RequestID
	class   string
	text    string
}

// filtered reports whether Google's filter had a say.
func (e *noPictureError) filtered() bool {
	switch plantain.Class(e.class) {
	case plantain.SafetyImage, plantain.SafetyPrompt, plantain.Recitation:
		return true
	default:
		return false
	}
}

func (e *noPictureError) Error() string { return e.text }

func noPicture(h http.Header, b gemini.Body) error {
	verdict := h.Get("Plantain-Verdict")
	e := &noPictureError{request: plantain.RequestID(h.Get("Plantain-Request-Id")), class: verdict}
	why := b.FinishMessage
	for _, layer := range b.Errors {
		if layer.Domain == "plantain" && layer.Metadata["explanation"] != "" {
			e.text = fmt.Sprintf("no image (%s): %s %s", verdict, layer.Metadata["explanation"], layer.Metadata["next"])
			return e
		}
		why = layer.Message
	}
	if why == "" {
		why = strings.TrimSpace(b.FinishReason + " " + b.BlockReason)
	}
	e.text = fmt.Sprintf("no image (%s): %s", verdict, why)
	if h.Get("Plantain-Attempts") == "0" { // it was filtered before: why says all of it
		e.text = strings.Replace(e.text, "set the header Plantain-Force: filtered", "add --force", 1)
		return e
	}
	e.text += fmt.Sprintf(" Cost: $%s. Plantain does not ask again by itself, because that may cost again.", h.Get("Plantain-Cost-Usd"))
	return e
}
