package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/lint"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/thread"
)

type generateCmd struct {
	Prompt []string `arg:"" optional:"" help:"What to make, or how to change the pictures given with -i."`
	Image  []string `short:"i" type:"existingfile" placeholder:"IMG" help:"A picture to work from; may be given several times."`
	Out    string   `short:"O" placeholder:"FILE" help:"Where to write the picture; - is standard output. Its ending is that of the picture's true type. Default: named after the prompt, in this folder; nothing is overwritten."`
	Model  string   `short:"m" placeholder:"MODEL" help:"nb2, pro, original, lite or a model id. Default: nb2; of a thread, its own."`
	Size   string   `placeholder:"SIZE" help:"512, 1K, 2K or 4K, as far as the model makes it. Default: 1K; of a thread, as before; of a final, the largest."`
	Aspect string   `placeholder:"W:H" help:"The ratio, such as 16:9. Default: that of the first picture given, else 1:1; of a thread, as before."`
	Draft  bool     `help:"Make the cheapest size, to judge it by, and tell what the final costs; --size is then that of the final."`
	Refine string   `placeholder:"ID" help:"Go on with an earlier image: the next turn of its conversation. ID is a request or an image, as much of its beginning as is the only one, or last."`
	Final  string   `placeholder:"ID" help:"Make the very same picture at its final size, by going on with its conversation. ID is as for --refine."`
	Force  bool     `help:"Send it although the same was filtered before."`
	DryRun bool     `help:"Send nothing: tell the price, and the earliest second at which there is room."`
	atFlag
}

func (generateCmd) Help() string {
	return `On a terminal it shows what happens: the attempt, why it waits, and until when. On a pipe it prints the path of the picture to standard output and nothing else.

Ctrl-C ends a request that waits. One that is out is paid for, so its picture is waited for and written; Ctrl-C again leaves at once and names the request.

  plantain generate "A red apple on a white background, soft window light"
  plantain generate -i cat.jpg "Make the blanket blue" --size 2K -O blue.jpg

A draft is cheap, may be changed turn by turn, and then be made large once; plantain thread shows the turns:

  plantain generate --draft "A poster of a lighthouse, flat colors"
  plantain generate --refine last "Make the sky darker"
  plantain generate --final last`
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
	Healed   thread.How           `json:"healed,omitempty"`
	Notes    []string             `json:"notes,omitempty"`
	Draft    *draft               `json:"draft,omitempty"`
	picture  []byte
	mime     string
	draftFor string // as the gateway says; empty: it does not
}

func (g *generateCmd) Run(w *world) error {
	c, err := w.loadConfig()
	at := w.gateway(g.Server, c)
	if c == nil {
		d := config.Default()
		c = &d
	}
	if err := g.check(c.Catalogue); err != nil {
		return err
	}
	if err != nil && at == nil {
		return err
	}
	way, done, err := g.way(w, c, at)
	if err != nil {
		return err
	}
	defer done()
	if g.DryRun {
		o, err := g.order(w.ctx, way)
		if err != nil {
			return err
		}
		return way.estimate(w.ctx, o)
	}
	return g.make(w, way)
}

func (g *generateCmd) make(w *world, way *maker) error {
	name, err := g.name(w.ctx, way)
	if err != nil {
		return err
	}
	to, err := aim(w, g.Out, name)
	if err != nil {
		return err
	}
	o, err := g.order(w.ctx, way)
	if err != nil {
		return err
	}
	if g.Draft {
		if err := way.refuseDraft(w.ctx, o); err != nil {
			return err
		}
	}
	m, err := way.make(w.ctx, o)
	if err != nil {
		return g.advise(err)
	}
	if m.Path, err = to.write(w, m); err != nil {
		return err
	}
	if m.Draft != nil {
		way.tellFinal(m)
	}
	w.printMade(m)
	return nil
}

// advise adds to what was filtered why that may be, and a prompt that may pass.
func (g *generateCmd) advise(err error) error {
	none := (*noPictureError)(nil)
	if !errors.As(err, &none) || !none.filtered() || g.text() == "" {
		return err
	}
	r := lint.Lint(g.text())
	says := []string{none.text}
	if advice := r.Advice(g.text(), true); advice != "" && !strings.Contains(none.text, advice) {
		says = append(says, advice)
	}
	if offer := r.Offer(); offer != "" && !strings.Contains(none.text, offer) {
		says = append(says, "A prompt that says the same and may pass: "+offer)
	}
	return errors.New(strings.Join(says, "\n"))
}

// check finds what can't work before anything is asked.
func (g *generateCmd) check(c *gemini.Catalogue) error {
	switch {
	case g.Refine != "" && g.Final != "":
		return fmt.Errorf("%w\n--refine changes a picture, and --final makes the same one larger; use one of the two", errUsage)
	case g.Final != "" && (g.text() != "" || len(g.Image) > 0 || g.Aspect != "" || g.Draft):
		return fmt.Errorf("%w\na final is the same picture, larger: it takes --size and --model; --refine changes it", errUsage)
	case g.Final != "":
		return nil // the rest is for whoever has the thread
	case g.text() == "" && len(g.Image) == 0:
		return fmt.Errorf("%w\nthere is no prompt; write plantain generate \"what to make\"", errUsage)
	case g.text() == "":
		return fmt.Errorf("%w\nthere is no prompt; say what to make of the picture, such as \"Make the blanket blue\"", errUsage)
	case g.Refine != "":
		return nil
	}
	_, err := g.fits(c)
	return err
}

// fits gives the model of a request that begins a thread, or says what it can't do.
func (g *generateCmd) fits(c *gemini.Catalogue) (gemini.Entry, error) {
	e, ok := c.Lookup(plantain.Model(cmp.Or(g.Model, "nb2")))
	if !ok {
		return e, fmt.Errorf("%w\nmodel %q is not known; plantain models shows them", errUsage, g.Model)
	}
	if err := errors.Join(e.CheckSize(g.Size), e.CheckRatio(g.Aspect)); err != nil {
		return e, fmt.Errorf("%w\n%w", errUsage, err)
	}
	if len(g.Image) > e.MaxImages {
		return e, fmt.Errorf("%w\n%s takes %d pictures; %d were given", errUsage, e.ID, e.MaxImages, len(g.Image))
	}
	if g.Draft {
		if _, _, err := e.Draft(g.Size); err != nil {
			return e, fmt.Errorf("%w\n%w", errUsage, err)
		}
	}
	return e, nil
}

func (g *generateCmd) text() string { return strings.TrimSpace(strings.Join(g.Prompt, " ")) }

// name is what a picture is called unless -O says otherwise.
func (g *generateCmd) name(ctx context.Context, way *maker) (string, error) {
	if g.Final == "" || g.Out != "" {
		return slug(g.text()), nil
	}
	t, err := way.wall().thread(ctx, g.Final)
	return slug(t.Prompt) + "-final", err
}

// order is what is to be sent.
func (g *generateCmd) order(ctx context.Context, way *maker) (order, error) {
	if g.Final != "" {
		return way.final(ctx, g.Final, gallery.Wish{Model: plantain.Model(g.Model), Size: g.Size})
	}
	images, err := g.images()
	if err != nil {
		return order{}, err
	}
	if g.Refine != "" {
		return way.refine(ctx, g.Refine, gallery.Wish{
			Prompt: g.text(), Images: images, Model: plantain.Model(g.Model), Size: g.Size, Ratio: g.Aspect, Draft: g.Draft})
	}
	e, err := g.fits(way.catalogue)
	if err != nil {
		return order{}, err
	}
	var o order
	size := g.Size
	if g.Draft {
		if size, o.draft, err = e.Draft(g.Size); err != nil {
			return o, err
		}
	}
	if e.OmitSize {
		size = ""
	}
	o.calls(e.ID, g.call(size, images))
	return o, nil
}

// call is a request that begins a thread.
func (g *generateCmd) call(size string, images []gallery.Given) gemini.Call {
	turn := gemini.CallTurn{Role: "user", Parts: []gemini.CallPart{{Text: g.text()}}}
	for _, i := range images {
		turn.Parts = append(turn.Parts, i.Part())
	}
	return gemini.Call{Turns: []gemini.CallTurn{turn}, Size: size, Ratio: g.Aspect}
}

// images reads the pictures to work from.
func (g *generateCmd) images() (images []gallery.Given, err error) {
	for _, name := range g.Image {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		mime := http.DetectContentType(data)
		if !strings.HasPrefix(mime, "image/") {
			return nil, fmt.Errorf("%w\n%s is no picture that can be sent (it looks like %s); use PNG, JPEG or WebP", errUsage, filepath.Base(name), mime)
		}
		images = append(images, gallery.Given{MIME: mime, Data: data})
	}
	return images, nil
}

// way finds who makes the picture: a running gateway, or this process.
func (g *generateCmd) way(w *world, c *config.Config, at *remote) (*maker, func(), error) {
	m := &maker{w: w, through: http.DefaultTransport, at: at, catalogue: c.Catalogue, server: g.Server}
	if g.Force {
		m.force = relay.ForceFiltered
	}
	if at != nil {
		return m, func() {}, nil
	}
	h, err := w.house(c)
	if err != nil {
		return nil, nil, err
	}
	m.through, m.gallery = h.relay, h.gallery
	return m, func() { _ = h.close(context.Background()) }, nil
}

// printMade prints the result: all of it to a person, the path alone to a pipe.
func (w *world) printMade(m *made) {
	if w.output == "json" {
		w.json(m)
		return
	}
	if w.tty {
		fmt.Fprintf(w.stderr, "%dx%d, $%s, %s, %s, through %s\nrequest %s\n",
			m.Width, m.Height, m.Cost, count(m.Attempts, "attempt"), span(time.Duration(m.Took*float64(time.Second))), m.Project, m.Request)
		if m.Differs != "" {
			fmt.Fprintln(w.stderr, "differs from what was asked:", m.Differs)
		}
	}
	if m.Healed == thread.Placeholder || m.Healed == thread.Flattened {
		fmt.Fprintf(w.stderr, "plantain: thought signatures of the turns before are not kept any more (healed: %s); the picture may follow them less\n", m.Healed)
	}
	for _, note := range m.Notes {
		fmt.Fprintln(w.stderr, "plantain:", note)
	}
	if m.Path != "" { // else the picture itself is on standard output
		fmt.Fprintln(w.stdout, m.Path)
	}
	if m.Draft != nil {
		w.printDraft(m.Draft)
	}
}
