package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/relay"
)

type generateCmd struct {
	Prompt []string `arg:"" help:"What to make, or how to change the pictures given with -i."`
	Image  []string `short:"i" type:"existingfile" placeholder:"IMG" help:"A picture to work from; may be given several times."`
	Out    string   `short:"O" placeholder:"FILE" help:"Where to write the picture; - is standard output. Its ending is that of the picture's true type. Default: named after the prompt, in this folder; nothing is overwritten."`
	Model  string   `short:"m" default:"nb2" help:"nb2, pro, original, lite or a model id."`
	Size   string   `placeholder:"SIZE" help:"512, 1K, 2K or 4K, as far as the model makes it. Default: 1K."`
	Aspect string   `placeholder:"W:H" help:"The ratio, such as 16:9. Default: that of the first picture given, else 1:1."`
	Force  bool     `help:"Send it although the same was filtered before."`
	DryRun bool     `help:"Send nothing: tell the price, and the earliest second at which there is room."`
	atFlag
}

func (generateCmd) Help() string {
	return `On a terminal it shows what happens: the attempt, why it waits, and until when. On a pipe it prints the path of the picture and nothing else.

Ctrl-C ends a request that waits. One that is out is paid for, so its picture is waited for and written; Ctrl-C again leaves at once and names the request.

  plantain generate "A red apple on a white background, soft window light"
  plantain generate -i cat.jpg "Make the blanket blue" --size 2K -O blue.jpg`
}

// A made picture, and what it took.
type made struct {
	Path     string               `json:"path"`
	Width    int                  `json:"width"`
	Height   int                  `json:"height"`
	Cost     string               `json:"cost_usd"`
	Attempts int                  `json:"attempts"`
	Project  plantain.ProjectName `json:"project"`
	Request  plantain.RequestID   `json:"request"`
	Differs  string               `json:"differs,omitempty"`
	Took     float64              `json:"took_seconds"`
	picture  []byte
	mime     string
}

func (g *generateCmd) Run(w *world) error {
	c, err := w.loadConfig()
	at := w.gateway(g.Server, c)
	if err != nil && at == nil {
		return err
	}
	if c == nil {
		d := config.Default()
		c = &d
	}
	entry, err := g.check(c.Catalogue)
	if err != nil {
		return err
	}
	body, err := g.body()
	if err != nil {
		return err
	}
	var to *target
	if !g.DryRun {
		if to, err = aim(w, g.Out, strings.Join(g.Prompt, " ")); err != nil {
			return err
		}
	}
	way, done, err := g.way(w, c, at)
	if err != nil {
		return err
	}
	defer done()
	if g.DryRun {
		return way.estimate(w.ctx, entry.ID, body)
	}
	m, err := way.make(w.ctx, entry.ID, body)
	if err != nil {
		return err
	}
	if m.Path, err = to.write(w, m); err != nil {
		return err
	}
	w.printMade(m)
	return nil
}

// check finds what can't work before anything is asked.
func (g *generateCmd) check(c *gemini.Catalogue) (gemini.Entry, error) {
	e, ok := c.Lookup(plantain.Model(g.Model))
	if !ok {
		return e, fmt.Errorf("%w\nmodel %q is not known; plantain models shows them", errUsage, g.Model)
	}
	if err := errors.Join(e.CheckSize(g.Size), e.CheckRatio(g.Aspect)); err != nil {
		return e, fmt.Errorf("%w\n%w", errUsage, err)
	}
	if len(g.Image) > e.MaxImages {
		return e, fmt.Errorf("%w\n%s takes %d pictures; %d were given", errUsage, e.ID, e.MaxImages, len(g.Image))
	}
	if strings.TrimSpace(strings.Join(g.Prompt, "")) == "" && len(g.Image) == 0 {
		return e, fmt.Errorf("%w\nthe prompt is empty; say what to make", errUsage)
	}
	return e, nil
}

type part struct {
	Text       string      `json:"text,omitempty"`
	InlineData *inlineData `json:"inlineData,omitempty"`
}

type inlineData struct {
	MIME string `json:"mimeType"`
	Data []byte `json:"data"`
}

// body is the request in Google's shape.
func (g *generateCmd) body() ([]byte, error) {
	parts := []part{{Text: strings.Join(g.Prompt, " ")}}
	for _, name := range g.Image {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		mime := http.DetectContentType(data)
		if !strings.HasPrefix(mime, "image/") {
			return nil, fmt.Errorf("%s is no picture that can be sent (it looks like %s); use PNG, JPEG or WebP", name, mime)
		}
		parts = append(parts, part{InlineData: &inlineData{mime, data}})
	}
	image := map[string]string{}
	if g.Size != "" {
		image["imageSize"] = g.Size
	}
	if g.Aspect != "" {
		image["aspectRatio"] = g.Aspect
	}
	config := map[string]any{"responseModalities": []string{"TEXT", "IMAGE"}}
	if len(image) > 0 {
		config["imageConfig"] = image
	}
	return json.Marshal(map[string]any{
		"contents":         []any{map[string]any{"role": "user", "parts": parts}},
		"generationConfig": config,
	})
}

// way finds who makes the picture: a running gateway, or this process.
func (g *generateCmd) way(w *world, c *config.Config, at *remote) (*maker, func(), error) {
	var force relay.Force
	if g.Force {
		force = relay.ForceFiltered
	}
	if at != nil {
		return &maker{w: w, through: http.DefaultTransport, at: at, force: force}, func() {}, nil
	}
	h, err := build(w.ctx, c, slog.New(slog.DiscardHandler), plantain.Clock{})
	if err != nil {
		return nil, nil, err
	}
	return &maker{w: w, through: h.relay, force: force}, func() { _ = h.close(context.Background()) }, nil
}

// A maker sends one request and follows it.
type maker struct {
	w       *world
	through http.RoundTripper
	at      *remote // nil: this process makes it
	force   relay.Force
}

func (m *maker) make(ctx context.Context, model plantain.Model, body []byte) (*made, error) {
	p := newProgress(m.w)
	defer p.stop()
	interrupted := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	e := &errand{w: m.w, p: p, cancel: cancel, at: m.at}
	defer m.w.lastWords.Store(nil)
	key := rand.Text()
	base := "http://plantain"
	if m.at != nil {
		base = m.at.base
		defer m.follow(interrupted, key, e)()
	} else {
		ctx = relay.WithCaller(ctx, relay.Caller{Watch: e.show, Force: m.force})
		defer context.AfterFunc(interrupted, e.interrupt)()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1beta/models/"+string(model)+":generateContent", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	if m.at != nil {
		m.at.authorize(r)
		if m.force != "" {
			r.Header.Set("Plantain-Force", string(m.force))
		}
	}
	begun := time.Now()
	res, err := m.through.RoundTrip(r)
	if err != nil {
		return nil, e.ended(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, e.ended(fmt.Errorf("read the answer: %w", err))
	}
	return read(res, answer, time.Since(begun))
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
func read(res *http.Response, answer []byte, took time.Duration) (*made, error) {
	scan := gemini.NewScanner(res.Header.Get("Content-Type"))
	_, _ = scan.Write(answer)
	b := scan.Finish()
	h := res.Header
	attempts, _ := strconv.Atoi(h.Get("Plantain-Attempts"))
	m := &made{Cost: h.Get("Plantain-Cost-Usd"), Attempts: attempts, Took: took.Seconds(), Differs: h.Get("Plantain-Image"),
		Project: plantain.ProjectName(h.Get("Plantain-Project")), Request: plantain.RequestID(h.Get("Plantain-Request-Id"))}
	if m.Differs == "as-asked" {
		m.Differs = ""
	}
	for _, p := range b.Parts {
		if p.Kind == gemini.KindImage && !p.Thought && p.Data.Len > 0 {
			data, err := decode(answer[p.Data.Start:p.Data.Start+p.Data.Len], p.Data.Escaped)
			if err != nil {
				return nil, fmt.Errorf("the picture in the answer is damaged: %w", err)
			}
			m.picture, m.mime, m.Width, m.Height = data, p.MIME, p.Width, p.Height
		}
	}
	if m.picture == nil {
		return nil, noPicture(res, b)
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
	text    string
}

func (e *noPictureError) Error() string { return e.text }

func noPicture(res *http.Response, b gemini.Body) error {
	e := &noPictureError{request: plantain.RequestID(res.Header.Get("Plantain-Request-Id"))}
	verdict := res.Header.Get("Plantain-Verdict")
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
	e.text = fmt.Sprintf("no image (%s): %s Cost: $%s. Plantain does not ask again by itself, because that may cost again.",
		verdict, why, res.Header.Get("Plantain-Cost-Usd"))
	return e
}

// printMade prints the result: all of it to a person, the path alone to a pipe.
func (w *world) printMade(m *made) {
	if w.output == "json" {
		w.json(m)
		return
	}
	if w.tty {
		fmt.Fprintf(w.stderr, "%dx%d, $%s, %d attempt(s), %s, through %s (%s)\n",
			m.Width, m.Height, m.Cost, m.Attempts, span(time.Duration(m.Took*float64(time.Second))), m.Project, m.Request)
		if m.Differs != "" {
			fmt.Fprintln(w.stderr, "differs from what was asked:", m.Differs)
		}
	}
	if m.Path != "" { // else the picture itself is on standard output
		fmt.Fprintln(w.stdout, m.Path)
	}
}
