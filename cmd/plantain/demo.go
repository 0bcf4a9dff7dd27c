package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/sim"
)

type demoCmd struct {
	Once bool   `help:"End after the image; the last line printed is its path."`
	Dir  string `default:"plantain-demo" help:"The folder for the image and the demo's books."`
}

func (demoCmd) Help() string {
	return `Google is simulated on this machine, so nothing is sent anywhere and nothing costs anything. Three projects of tier 1 are behind the gateway, and trouble is planted: a filtered answer, a used-up minute, an overloaded model.

Without --once the gateway keeps running, to be tried with an SDK.`
}

// The prompts of the demo: the first one is filtered, as a prompt with a brand
// in it may be; the second says the same without it.
const (
	filteredPrompt = "The famous cartoon mouse eating a red apple, in the style of its studio"
	demoPrompt     = "A red apple on a white background, soft window light from the left, close-up, photorealistic"
)

func (d *demoCmd) Run(w *world) error {
	show, err := d.open(w)
	if err != nil {
		return err
	}
	defer show.close()
	hang(w.stdout, "", "", fmt.Sprintf("Google is simulated on %s, the gateway runs on %s, with three projects of tier 1. "+
		"Nothing leaves this machine; the dollars are what Google would charge.", show.google.address, show.gateway.address))
	fmt.Fprintln(w.stdout)
	if err := show.filtered(w); err != nil {
		return err
	}
	made, err := show.image(w)
	if err != nil {
		return err
	}
	if d.Once {
		fmt.Fprintf(w.stdout, "The image: %dx%d, $%s.\n", made.Width, made.Height, made.Cost)
		fmt.Fprintln(w.stdout, made.Path)
		return nil
	}
	fmt.Fprintf(w.stdout, `The image is %s (%dx%d, $%s).

Try it yourself while this runs:
  GOOGLE_GEMINI_BASE_URL=http://%s GEMINI_API_KEY=anything python your_script.py
  plantain projects --server http://%s
Ctrl-C ends it.
`, made.Path, made.Width, made.Height, made.Cost, show.gateway.address, show.gateway.address)
	<-w.ctx.Done()
	return nil
}

// A show is the running demo.
type show struct {
	dir     string
	sim     *sim.Server
	google  *server
	gateway *server
	house   *house
}

func (d *demoCmd) open(w *world) (_ *show, err error) {
	s := &show{dir: d.Dir, sim: sim.New(sim.Options{})}
	if s.google, err = listen("127.0.0.1:0", s.sim, false); err != nil {
		return nil, err
	}
	s.google.start()
	c := config.Default()
	c.Store = plantain.NewSecret("sqlite:" + filepath.Join(d.Dir, "plantain.db"))
	c.Retention.Filtered = 0 // it tells the same story each time
	c.Images = "file:" + filepath.Join(d.Dir, "images")
	for _, name := range []string{"apple", "banana", "cherry"} {
		c.Projects = append(c.Projects, config.Project{
			Name: plantain.ProjectName(name), Upstream: plantain.Gemini, Tier: 1, PricePermille: 1000, Weight: 1,
			APIKey: plantain.NewSecret("sim-1-" + name), BaseURL: "http://" + s.google.address,
		})
	}
	if s.house, err = w.house(&c); err != nil {
		return nil, err
	}
	handler := s.house.gateway.Handler()
	if s.gateway, err = listen(c.Listen, handler, false); err != nil {
		// The usual port is taken, perhaps by a real gateway: any other will do.
		if s.gateway, err = listen("127.0.0.1:0", handler, false); err != nil {
			return nil, err
		}
	}
	if err := s.house.announce(s.gateway.address); err != nil {
		return nil, err
	}
	s.gateway.start()
	return s, nil
}

func (s *show) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = s.gateway.Shutdown(ctx)
	_ = s.house.close(ctx)
	_ = s.google.Close()
}

func (s *show) remote() *remote { return &remote{"http://" + s.gateway.address, s.house.door.Operator} }

// plant tells the simulator what goes wrong next.
func (s *show) plant(faults ...map[string]any) error {
	body, err := json.Marshal(faults)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+s.google.address+"/sim/faults", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(res.Body)
		return fmt.Errorf("plant trouble: %s", text)
	}
	return nil
}

// filtered asks for what is filtered: one attempt, never repeated.
func (s *show) filtered(w *world) error {
	if err := s.plant(map[string]any{"fault": "safety_image", "next": 1}); err != nil {
		return err
	}
	hang(w.stdout, "1. ", "   ", fmt.Sprintf("A prompt that Google filters: %q", filteredPrompt))
	_, id, err := s.ask(w, filteredPrompt)
	if none := (*noPictureError)(nil); !errors.As(err, &none) {
		return fmt.Errorf("the demo expected a filtered answer: %w", err)
	}
	if err := s.story(w, id); err != nil {
		return err
	}
	hang(w.stdout, "   ", "   ", "An answer without an image may cost money, so the gateway never repeats it by itself.")
	fmt.Fprintln(w.stdout)
	return nil
}

// image makes the image through a used-up minute and an overload.
func (s *show) image(w *world) (*made, error) {
	if err := s.plant(map[string]any{"fault": "rate_minute", "next": 1}, map[string]any{"fault": "capacity", "next": 1, "after": "0s"}); err != nil {
		return nil, err
	}
	hang(w.stdout, "2. ", "   ", fmt.Sprintf("The same apple without the brand: %q", demoPrompt))
	m, id, err := s.ask(w, demoPrompt)
	if err != nil {
		return nil, err
	}
	if err := s.story(w, id); err != nil {
		return nil, err
	}
	hang(w.stdout, "   ", "   ", "The used-up minute cost no time: another project had room. The overload was waited out.")
	fmt.Fprintln(w.stdout)
	m.Path, err = writeNew(filepath.Join(s.dir, "apple"+extension(m.mime)), m.picture)
	return m, err
}

// ask sends a prompt through the gateway and gives the picture and the request.
func (s *show) ask(w *world, prompt string) (*made, plantain.RequestID, error) {
	way := &maker{w: w, through: http.DefaultTransport, at: s.remote(), catalogue: gemini.DefaultCatalogue()}
	o, err := (&generateCmd{Prompt: []string{prompt}}).order(w.ctx, way)
	if err != nil {
		return nil, "", err
	}
	m, err := way.make(w.ctx, o)
	if none := (*noPictureError)(nil); errors.As(err, &none) {
		return nil, none.request, err
	}
	if err != nil {
		return nil, "", err
	}
	return m, m.Request, nil
}

// story prints what the ledger says of a request.
func (s *show) story(w *world, id plantain.RequestID) error {
	var got struct{ Attempts []gateway.Attempt }
	if err := s.remote().get(w.ctx, "/api/v1/requests/"+string(id), &got); err != nil {
		return err
	}
	rows := [][]string{{"   attempt", "project", "verdict", "waited", "took", "cost"}}
	for i, a := range got.Attempts {
		waited := time.Duration(0)
		if i > 0 {
			before := got.Attempts[i-1]
			waited = a.Opened.Sub(before.Opened) - time.Duration(before.Took*float64(time.Second))
		}
		rows = append(rows, []string{fmt.Sprintf("   %d", a.Number), string(a.Project), a.Class.String(),
			span(max(waited, 0)), span(time.Duration(a.Took * float64(time.Second))), a.Cost.String()})
	}
	var b strings.Builder
	table(&b, rows)
	_, err := io.WriteString(w.stdout, b.String())
	return err
}
