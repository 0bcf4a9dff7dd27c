package doctor

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/verdict"
)

// A Doctor examines projects and what is between them and an image. Catalogue,
// Model and InUse are required. It is for one examination.
type Doctor struct {
	Projects  []Project
	Catalogue *gemini.Catalogue
	Model     plantain.Model   // the one that images are wanted of, as it is asked for
	InUse     []plantain.Model // those that are asked for besides, as they are asked for
	Feed      string           // Google Cloud's incidents as JSON; empty: not asked
	Rules     verdict.Rules
	Transport *http.Transport  // nil: one like Go's own
	Now       func() time.Time // nil: time.Now
	// Recheck ends the parkings of a project that is mended; nil: nothing is parked.
	Recheck func(context.Context, plantain.ProjectName) error

	patients []*patient
}

// A Project is what there is to examine of one.
type Project struct {
	Name   plantain.ProjectName
	Kind   plantain.Upstream
	Base   string // the URL it is reached under, without version and trailing slash
	Key    plantain.Secret
	Tier   int      // as it was configured
	Parked []Parked // without an end
}

// Parked is what takes a project out until somebody says that it is mended.
type Parked struct {
	Reason plantain.Class
	Why    string
}

// A patient is a project with what it answered. Both calls are free, and made when
// they are first needed.
type patient struct {
	Project
	list  func() *exchange // of its models
	count func() *exchange // of the tokens of the minimal prompt, for the model
}

// Examine gives the checks that cost nothing. They make their calls under ctx.
func (d *Doctor) Examine(ctx context.Context) []Check {
	if d.Transport == nil {
		d.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	e := d.entry(d.Model)
	var checks []Check
	for _, p := range d.Projects {
		if p.Kind == plantain.Vertex {
			checks = append(checks, Check{Name: "key", Of: string(p.Name), Look: func(context.Context) Finding {
				return skipped("This version reaches projects by API key only, not through Vertex AI.")
			}})
			continue
		}
		d.patients = append(d.patients, &patient{Project: p,
			list: sync.OnceValue(func() *exchange { return d.call(ctx, p, http.MethodGet, "/v1beta/models?pageSize=1000", "") }),
			count: sync.OnceValue(func() *exchange {
				return d.call(ctx, p, http.MethodPost, "/v1beta/models/"+string(e.ID)+":countTokens", minimalCount)
			}),
		})
	}
	hosts := map[string]bool{}
	for _, p := range d.patients {
		if hosts[p.Base] {
			continue
		}
		hosts[p.Base] = true
		checks = append(checks, Check{Name: "connection", Of: string(p.Name), Look: p.connection}, Check{Name: "latency", Of: string(p.Name), Look: p.latency})
	}
	for _, p := range d.patients {
		checks = append(checks, p.checks(d)...)
	}
	return append(checks,
		Check{Name: "lifecycle", Look: d.lifecycle},
		Check{Name: "clock", Look: d.clock},
		Check{Name: "status feed", Look: d.feed})
}

// Able are the projects through which an image may come, as far as can be told for
// nothing; call it after the checks of Examine.
func (d *Doctor) Able() (names []plantain.ProjectName) {
	for _, p := range d.patients {
		l, c := p.list(), p.count()
		if l.good() && (c.good() || p.Kind == plantain.Compatible) || p.unlisted(l) {
			names = append(names, p.Name)
		}
	}
	return names
}

func (d *Doctor) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// entry finds a model that is in the catalogue.
func (d *Doctor) entry(m plantain.Model) gemini.Entry {
	e, ok := d.Catalogue.Lookup(m)
	if !ok {
		e.ID = gemini.BareModel(m)
	}
	return e
}

// inUse are all models that are asked for, that of the doctor first, each once.
func (d *Doctor) inUse() []gemini.Entry {
	var entries []gemini.Entry
	for _, m := range append([]plantain.Model{d.Model}, d.InUse...) {
		e := d.entry(m)
		if !slices.ContainsFunc(entries, func(o gemini.Entry) bool { return o.ID == e.ID }) {
			entries = append(entries, e)
		}
	}
	return entries
}

// Cheapest is the size that costs least of a model.
func Cheapest(e gemini.Entry) string {
	if e.OmitSize || len(e.Sizes) == 0 {
		return ""
	}
	return slices.MinFunc(e.Sizes, func(a, b string) int { return cmp.Compare(e.ImagePrice(a), e.ImagePrice(b)) })
}
