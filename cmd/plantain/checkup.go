package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/doctor"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// A practice is where the doctor finds books and projects: a running gateway, the
// store, or, before the first image, nothing but the configuration.
type practice struct {
	config    *config.Config // nil: it is wrong
	gateway   *remote        // nil: none runs
	far       bool           // it was named, and may be on another machine
	house     *house         // nil: the store was not opened
	closed    error          // why the store could not be opened
	situation situation
	unasked   error // why the gateway did not tell of it
}

// openPractice looks for a gateway, else opens the store, unless there is none yet
// and nothing is to be sent.
func openPractice(w *world, c *config.Config, server string, spend bool) practice {
	p := practice{config: c, gateway: w.gateway(server, c), far: server != ""}
	switch {
	case p.gateway != nil:
		ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
		defer cancel()
		p.unasked = p.gateway.get(ctx, "/api/v1/projects", &p.situation)
	case c == nil:
	default:
		if _, unmade := unmade(c.Store); spend || !unmade {
			p.closed = p.ready(w)
		}
	}
	if p.gateway == nil && p.house == nil && c != nil {
		if members, _, err := settings(c); err == nil {
			p.situation.Projects = pool.New(members).Report(time.Now(), modelIDs(c))
		}
	}
	return p
}

// ready opens the store, where no gateway has it.
func (p *practice) ready(w *world) error {
	if p.gateway != nil || p.house != nil {
		return nil
	}
	h, err := w.house(p.config)
	if err != nil {
		return err
	}
	p.house = h
	p.situation.Projects = h.pool.Report(h.clock.Now(), modelIDs(p.config))
	return nil
}

// leave gives the store back, after what was sent is finished.
func (p *practice) leave() {
	if p.house != nil {
		_ = p.house.close(context.Background())
	}
}

func (p *practice) report(name plantain.ProjectName) *pool.Report {
	i := slices.IndexFunc(p.situation.Projects, func(r pool.Report) bool { return r.Project == name })
	if i < 0 {
		return nil
	}
	return &p.situation.Projects[i]
}

// parked are the parkings of a project without an end.
func (p *practice) parked(name plantain.ProjectName) (out []doctor.Parked) {
	r := p.report(name)
	if r == nil {
		return nil
	}
	add := func(park *pool.Parking) {
		if park != nil && park.Until.IsZero() {
			out = append(out, doctor.Parked{Reason: park.Reason, Why: park.Why})
		}
	}
	add(r.Parked)
	for _, m := range r.Models {
		add(m.Parked)
	}
	return out
}

// recheck has a project asked again that is parked without an end.
func (p *practice) recheck(ctx context.Context, name plantain.ProjectName) error {
	if p.gateway != nil {
		var done struct{}
		return p.gateway.call(ctx, http.MethodPost, "/api/v1/projects/"+string(name)+"/recheck", struct{}{}, &done)
	}
	return p.house.recheck(ctx, name)
}

// among gives those of some projects that a gateway has, where there is one: its
// configuration may be another. One without a name leaves the choice to it.
func (p *practice) among(able []plantain.ProjectName) []plantain.ProjectName {
	if p.gateway == nil {
		return able
	}
	able = slices.DeleteFunc(able, func(n plantain.ProjectName) bool { return p.report(n) == nil })
	if len(able) == 0 && (p.config == nil || len(p.config.Projects) == 0) || p.unasked != nil {
		return []plantain.ProjectName{""}
	}
	return able
}

// send has a body sent through a project, by the gateway or by this process; both
// keep the books. The first answer is the one to be seen.
func (p *practice) send(ctx context.Context, model plantain.Model, project plantain.ProjectName, body []byte) (*http.Response, error) {
	const patience = 5 * time.Second // for room
	base := here
	if p.gateway != nil {
		base = p.gateway.base
	} else {
		ctx = relay.WithCaller(ctx, relay.Caller{Project: project, Attempts: 1, MaxWait: patience, Fallback: []plantain.Model{}, Force: relay.ForceFiltered})
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1beta/models/"+string(model)+":generateContent", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if p.gateway == nil {
		return p.house.relay.RoundTrip(r)
	}
	if project != "" {
		r.Header.Set("Plantain-Project", string(project))
	}
	r.Header.Set("Plantain-Max-Wait", patience.String())
	r.Header.Set("Plantain-Fallback", "none")
	r.Header.Set("Plantain-Attempts", "1")
	r.Header.Set("Plantain-Force", string(relay.ForceFiltered)) // it is to find out, not to be told what was
	p.gateway.authorize(r)
	return http.DefaultTransport.RoundTrip(r)
}

// checks are those of what this program has: its configuration, store and gateway.
func (v *visit) checks() []doctor.Check {
	checks := []doctor.Check{{Name: "config", Look: v.checkConfig}}
	if v.gateway != nil {
		checks = append(checks, doctor.Check{Name: "gateway", Look: v.checkGateway}, doctor.Check{Name: "weather", Look: v.checkWeather})
	}
	if v.config != nil && !v.far {
		checks = append(checks, doctor.Check{Name: "store", Look: v.checkStore}, doctor.Check{Name: "disk", Look: v.checkDisk})
	}
	for _, r := range v.situation.Projects {
		checks = append(checks, doctor.Check{Name: "quota today", Of: string(r.Project), Look: func(context.Context) doctor.Finding { return quotaToday(r, v.model.ID, time.Now()) }})
	}
	return checks
}

func (v *visit) checkConfig(context.Context) doctor.Finding {
	switch {
	case v.wrong != nil && v.gateway != nil && v.source.path == "":
		return doctor.Finding{State: doctor.Skipped, Says: "There is none here; the gateway has its own."}
	case v.wrong != nil && v.source.path == "":
		return doctor.Finding{State: doctor.Fault, Side: doctor.You, Says: "There is no key and no configuration that can be used.", Evidence: v.wrong.Error(),
			Fix: "Make a key at https://aistudio.google.com/apikey and export GEMINI_API_KEY=…"}
	case v.wrong != nil && v.gateway != nil && v.config != nil:
		return doctor.Finding{State: doctor.Skipped, Says: "The environment here lacks the keys that it names; the gateway has them."}
	case v.wrong != nil && v.config != nil:
		return doctor.Finding{State: doctor.Fault, Side: doctor.You, Says: "The environment lacks the keys that it names.", Evidence: v.wrong.Error(),
			Fix: "Export the variables that are named."}
	case v.wrong != nil:
		return doctor.Finding{State: doctor.Fault, Side: doctor.You, Says: "The configuration can't be used.", Evidence: v.wrong.Error(),
			Fix: "Correct what is named, by line and column."}
	}
	says := "No file, and the key of the environment."
	if v.source.path != "" {
		says = fmt.Sprintf("%s, %s.", filepath.Base(v.source.path), count(len(v.config.Projects), "project"))
	}
	f := doctor.Finding{State: doctor.OK, Says: says}
	google, gemini := strings.TrimSpace(v.w.env("GOOGLE_API_KEY")), strings.TrimSpace(v.w.env("GEMINI_API_KEY"))
	if v.source.path == "" && google != "" && gemini != "" && google != gemini {
		f.State, f.Side, f.Says = doctor.Warning, doctor.You, "GOOGLE_API_KEY and GEMINI_API_KEY are both set, and differ; the former is used."
		f.Evidence, f.Fix = "Google's SDKs choose so too", "Unset the one that is not meant."
	}
	return f
}

func (v *visit) checkGateway(ctx context.Context) doctor.Finding {
	var ready struct{ Status string }
	if err := v.gateway.get(ctx, "/readyz", &ready); err != nil {
		return doctor.Finding{State: doctor.Fault, Side: doctor.You, Says: "The gateway on " + v.gateway.base + " is not ready.", Evidence: v.unready(ctx, err),
			Fix: "Mend what it names; its log says more. It goes on by itself."}
	}
	if v.unasked != nil {
		return doctor.Finding{State: doctor.Warning, Side: doctor.You, Says: "The gateway runs, and does not tell of its projects.", Evidence: v.unasked.Error(),
			Fix: "Put the key of an admin into PLANTAIN_KEY: plantain keys create NAME --admin."}
	}
	return doctor.Finding{State: doctor.OK, Says: "It runs on " + v.gateway.base + "."}
}

// unready is the reason that a gateway gives.
func (v *visit) unready(ctx context.Context, err error) string {
	r, failed := http.NewRequestWithContext(ctx, http.MethodGet, v.gateway.base+"/readyz", nil)
	if failed != nil {
		return err.Error()
	}
	res, failed := http.DefaultClient.Do(r)
	if failed != nil {
		return failed.Error()
	}
	defer res.Body.Close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(http.MaxBytesReader(nil, res.Body, 1<<16)) // what came of it is shown
	return text.String()
}

func (v *visit) checkWeather(context.Context) doctor.Finding {
	for _, r := range v.situation.Weather {
		if r.Model == v.model.ID && r.Breaker != pool.Closed {
			return doctor.Finding{State: doctor.Fault, Side: doctor.Google, Says: "The gateway finds the model overloaded or failing.", Evidence: weather(r, time.Now()),
				Fix: "Wait: the gateway tries by itself and goes on when it is over. Another model may be served meanwhile: fallback_models."}
		}
	}
	return doctor.Finding{State: doctor.OK, Says: "The gateway finds no model overloaded."}
}

func (v *visit) checkStore(context.Context) doctor.Finding {
	path, isFile := storeFile(v.config.Store)
	switch {
	case v.gateway != nil:
		return doctor.Finding{State: doctor.OK, Says: "The gateway has it."}
	case v.closed != nil:
		return doctor.Finding{State: doctor.Fault, Side: doctor.You, Says: "The store can't be opened.", Evidence: v.closed.Error(),
			Fix: "Mend what is named, or put the store elsewhere: store: sqlite:FILE in plantain.yaml."}
	case v.house == nil:
		return doctor.Finding{State: doctor.OK, Says: fmt.Sprintf("There is none yet; %s will be made.", path)}
	}
	if err := v.house.relay.Ready(); err != nil {
		return doctor.Finding{State: doctor.Fault, Side: doctor.You, Says: "What is paid for could not be kept.", Evidence: err.Error(), Fix: "Make room for it or mend it: nothing is sent before."}
	}
	if isFile {
		return doctor.Finding{State: doctor.OK, Says: path + " can be read and written."}
	}
	return doctor.Finding{State: doctor.OK, Says: "The database answers."}
}

const (
	// scarce is room for some images of 4K and their signatures, and full for hardly one.
	scarce = 1 << 30
	full   = 64 << 20
)

// checkDisk looks at the folders that are written to.
func (v *visit) checkDisk(context.Context) doctor.Finding {
	var folders []string
	if path, isFile := storeFile(v.config.Store); isFile {
		folders = append(folders, filepath.Dir(path))
	}
	if images, err := imagesFolder(v.config.Images); err == nil {
		folders = append(folders, images)
	}
	worst := doctor.Finding{State: doctor.Skipped, Says: "Nothing is written to this machine's disk."}
	for _, folder := range folders {
		f := disk(folder)
		if worst.State == doctor.Skipped || f.State == doctor.Fault || f.State == doctor.Warning && worst.State == doctor.OK {
			worst = f
		}
	}
	return worst
}

func disk(folder string) doctor.Finding {
	if whole, err := filepath.Abs(folder); err == nil {
		folder = whole
	}
	there := existing(folder)
	try, err := os.CreateTemp(there, ".plantain-*")
	if err == nil {
		_, err = try.Write(make([]byte, 64<<10))
		err = errors.Join(err, try.Close(), os.Remove(try.Name()))
	}
	if err != nil {
		return doctor.Finding{State: doctor.Fault, Side: doctor.You, Says: fmt.Sprintf("Nothing can be written to %s.", folder), Evidence: err.Error(),
			Fix: "Make room, give this user the right to write there, or name another folder: store and images in plantain.yaml."}
	}
	free, ok := freeBytes(there)
	if !ok {
		return doctor.Finding{State: doctor.OK, Says: "Store and images can be written.", Evidence: folder}
	}
	f := doctor.Finding{State: doctor.OK, Says: size(free) + " free for store and images.", Evidence: folder}
	if free < scarce {
		f.State, f.Side, f.Fix = doctor.Warning, doctor.You, "Make room: a 4K image takes 20 to 30 MB with its signature."
	}
	if free < full {
		f.State = doctor.Fault
	}
	return f
}

// existing is a folder, or the nearest one above it that is there.
func existing(folder string) string {
	for {
		if _, err := os.Stat(folder); err == nil || folder == filepath.Dir(folder) {
			return folder
		}
		folder = filepath.Dir(folder)
	}
}

func size(bytes uint64) string {
	if bytes >= 10<<30 {
		return fmt.Sprintf("%d GB", bytes>>30)
	}
	return fmt.Sprintf("%d MB", bytes>>20)
}

// aDay are what the limits a day count.
var aDay = map[plantain.Limit]string{plantain.LimitRPD: "requests", plantain.LimitIPD: "images", plantain.LimitTPD: "tokens"}

// quotaToday tells how much of the Pacific day's quota of a model is left, as far as
// it was used from here.
func quotaToday(r pool.Report, model plantain.Model, now time.Time) doctor.Finding {
	i := slices.IndexFunc(r.Models, func(m pool.ModelReport) bool { return m.Model == model })
	if i < 0 {
		return doctor.Finding{State: doctor.Skipped, Says: "Nothing is known of it."}
	}
	reset := "midnight Pacific is at " + soon(gemini.Midnight(now), now)
	const fix = "Wait for midnight Pacific, add a project, or ask Google for a higher tier."
	if p := r.Models[i].Parked; p != nil && p.Reason == plantain.RateDay {
		return doctor.Finding{State: doctor.Fault, Side: doctor.You, Says: fmt.Sprintf("Google says that today's quota of %s is used up.", model), Evidence: parked(*p, now), Fix: fix}
	}
	f := doctor.Finding{State: doctor.Skipped, Says: "No limit a day is known."}
	for _, w := range r.Models[i].Windows {
		if aDay[w.Limit] == "" {
			continue
		}
		left := max(w.Of-w.Used, 0)
		f = doctor.Finding{State: doctor.OK, Says: fmt.Sprintf("%d of %d %s left for %s.", left, w.Of, aDay[w.Limit], model), Evidence: "as counted here; " + reset}
		switch {
		case left == 0:
			f.State, f.Side, f.Fix = doctor.Fault, doctor.You, fix
			return f
		case left*10 < w.Of:
			f.State, f.Side, f.Fix = doctor.Warning, doctor.You, fix
			return f
		}
	}
	return f
}
