package pool

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/plantainhq/plantain"
)

// Report is what a person sees of one project.
type Report struct {
	Project plantain.ProjectName `json:"project"`
	Kind    plantain.Upstream    `json:"upstream"`
	Tier    int                  `json:"tier"`
	Parked  *Parking             `json:"parked,omitempty"`
	Windows []WindowReport       `json:"windows,omitempty"` // over all models
	Models  []ModelReport        `json:"models"`
}

// ModelReport is the state of one model on one project.
type ModelReport struct {
	Model   plantain.Model `json:"model"`
	Parked  *Parking       `json:"parked,omitempty"`
	Windows []WindowReport `json:"windows"`
	InAir   int            `json:"in_flight"`
}

// WindowReport is one window: what is used of what, and when it comes back.
type WindowReport struct {
	Limit    plantain.Limit `json:"limit"`
	Used     int64          `json:"used"` // nano-dollars of a spend limit
	Of       int64          `json:"of"`
	Headroom int64          `json:"headroom"`       // what is left of it, never below zero
	Free     time.Time      `json:"free,omitzero"`  // when the next room comes back; zero: none is missing
	Reset    time.Time      `json:"reset,omitzero"` // when all of it is back if nothing else is sent; zero: it is
	// Learnt says where the size comes from if a refusal disclosed it; nil: from the
	// configuration or the tier.
	Learnt *Learnt `json:"learnt,omitempty"`
}

// Report describes every project at an instant. models are shown even where
// nothing was sent yet.
func (p *Pool) Report(now time.Time, models []plantain.Model) []Report {
	p.mu.RLock()
	members, seen := p.members, maps.Clone(p.seen) // thousands take a while, and choices do not wait for it
	p.mu.RUnlock()
	used := map[plantain.ProjectName][]plantain.Model{}
	for k := range seen {
		if k.Model != "" {
			used[k.Project] = append(used[k.Project], k.Model)
		}
	}
	out := make([]Report, 0, len(members))
	for _, m := range members {
		whole := seen[Key{m.Name, ""}]
		r := Report{Project: m.Name, Kind: m.Kind, Tier: m.Tier, Parked: whole.Park.visible(now, m.Fingerprint), Windows: m.windows(Key{m.Name, ""}, &whole, now)}
		for _, model := range sortedOnce(models, used[m.Name]) {
			r.Models = append(r.Models, m.report(model, seen[Key{m.Name, model}], now))
		}
		out = append(out, r)
	}
	return out
}

func sortedOnce(a, b []plantain.Model) []plantain.Model {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func (m Member) report(model plantain.Model, s State, now time.Time) ModelReport {
	return ModelReport{Model: model, Parked: s.Park.visible(now, m.Fingerprint), InAir: len(s.Holds), Windows: m.windows(Key{m.Name, model}, &s, now)}
}

func (m Member) windows(k Key, s *State, now time.Time) (out []WindowReport) {
	limits, used := m.limitsIn(k, s), s.usage(now)
	for _, l := range slices.SortedFunc(maps.Keys(limits), namedBefore) {
		w := WindowReport{Limit: l, Used: used.of(l), Of: limits[l]}
		w.Headroom = max(w.Of-w.Used, 0)
		if w.Used > 0 {
			w.Free, w.Reset = s.roomIn(l, now, w.Used, w.Used-1), s.roomIn(l, now, w.Used, 0)
		}
		if learnt, ok := s.Learnt[l]; ok && s.Under == m.Fingerprint {
			w.Learnt = &learnt
		}
		out = append(out, w)
	}
	return out
}

// Capacity is how many images a minute and requests a day a project may make of a
// model by the limits in force. Below zero: no limit.
func (r Report) Capacity(m plantain.Model) (perMinute, perDay int64) {
	perMinute, perDay = -1, -1
	for _, of := range r.Models {
		if of.Model != m {
			continue
		}
		for _, w := range of.Windows {
			switch w.Limit {
			case plantain.LimitRPM, plantain.LimitIPM:
				perMinute = lower(perMinute, w.Of)
			case plantain.LimitRPD, plantain.LimitIPD:
				perDay = lower(perDay, w.Of)
			default:
			}
		}
	}
	return perMinute, perDay
}

// lower gives the lower of two limits, of which the first may be none.
func lower(a, b int64) int64 {
	if a < 0 {
		return b
	}
	return min(a, b)
}

// byName is the order of limits as people name them: minutes before the day.
var byName = []plantain.Limit{plantain.LimitRPM, plantain.LimitIPM, plantain.LimitTPM, plantain.LimitSpend,
	plantain.LimitRPD, plantain.LimitIPD, plantain.LimitTPD}

func namedBefore(a, b plantain.Limit) int {
	return cmp.Compare(slices.Index(byName, a), slices.Index(byName, b))
}

// visible gives a parking that is in force, else nil.
func (p Parking) visible(now time.Time, fingerprint string) *Parking {
	if at, forever := p.Ends(now, fingerprint); !forever && !at.After(now) {
		return nil
	}
	return &p
}
