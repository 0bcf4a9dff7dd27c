package pool

import (
	"time"

	"github.com/plantainhq/plantain"
)

// A Parking takes a project out, for one model or as a whole. The zero value is
// not parked.
type Parking struct {
	Reason plantain.Class `json:"reason,omitempty"`
	Since  time.Time      `json:"since,omitzero"`
	// Until is when it ends; zero with a Reason: not by itself. Such a parking
	// holds as long as the project's configuration is the one it was made under, or
	// until somebody says that the project is mended.
	Until time.Time `json:"until,omitzero"`
	Under string    `json:"under,omitempty"` // Member.Fingerprint at that time
	Why   string    `json:"why,omitempty"`   // for a person
	// Probe is when one attempt may be made in spite of the parking, because the
	// response named a delay that is not believed; zero: never. Probed says that
	// it was made.
	Probe  time.Time `json:"probe,omitzero"`
	Probed bool      `json:"probed,omitempty"`
}

// Ends says when a parking lets the next attempt through. forever is true where
// only a change of configuration does.
func (p Parking) Ends(now time.Time, fingerprint string) (at time.Time, forever bool) {
	switch {
	case p.Reason == "":
		return now, false
	case p.Until.IsZero():
		return time.Time{}, p.Under == fingerprint
	case p.Probes():
		return p.Probe, false
	default:
		return p.Until, false
	}
}

// Probes reports that one attempt is still to be made in spite of the parking, at
// Probe.
func (p Parking) Probes() bool {
	return !p.Probe.IsZero() && !p.Probed && p.Probe.Before(p.Until)
}

// probing notes that the one probe is on its way.
func (s *State) probing(now time.Time) {
	if p := &s.Park; !p.Probe.IsZero() && !p.Probed && !now.Before(p.Probe) {
		p.Probed = true
		s.Seq++
	}
}

// Scope says what a parking takes out.
type Scope string

// The scopes of a consequence. Zero: nothing is parked.
const (
	ScopeNone     Scope = ""
	ScopeModel    Scope = "model"    // one model on one project
	ScopeProject  Scope = "project"  // the whole project
	ScopeUpstream Scope = "upstream" // every project reached by the same kind of upstream
)

// After says what a verdict means for the pool, by the retry table of the
// design: what is parked, and until when. backOff is how long this request would
// wait before its next attempt; it bounds what is not known better.
func After(v plantain.Verdict, now time.Time, backOff time.Duration) (Scope, Parking) {
	p := Parking{Reason: v.Class, Since: now, Why: v.Explanation}
	switch v.Class {
	case plantain.QuotaUnknown:
		p.Until = now.Add(backOff)
		return ScopeModel, p
	case plantain.RateMinute:
		p.Until = now.Add(backOff)
		if v.Wait > 0 {
			p.Until = now.Add(v.Wait + Margin)
		}
		return ScopeModel, p
	case plantain.RateDay:
		p.Until = dayEnds(now)
		if told := now.Add(v.Wait); told.After(p.Until) {
			p.Until = told
		}
		if v.Stated > 0 {
			p.Probe = now.Add(v.Stated + Margin)
		}
		return ScopeModel, p
	case plantain.QuotaZero:
		return ScopeModel, p
	case plantain.Billing:
		// The ten-minute spend limit ends by itself; a cap or missing credit does not.
		if v.Wait > 0 {
			p.Until = now.Add(v.Wait + Margin)
		}
		return ScopeProject, p
	case plantain.Permission:
		if Foreign(v) {
			return ScopeNone, Parking{}
		}
		return ScopeProject, p
	case plantain.KeyInvalid:
		return ScopeProject, p
	case plantain.ClientLimit:
		// Its upstream is a gateway itself, where the key has an allowance.
		if v.Wait == 0 {
			return ScopeNone, Parking{}
		}
		p.Until = now.Add(v.Wait + Margin)
		return ScopeProject, p
	case plantain.Region:
		return ScopeUpstream, p
	case plantain.Unclassifiable, plantain.Success, plantain.Capacity, plantain.ServerError, plantain.Timeout,
		plantain.Unanswered, plantain.ThoughtSignature, plantain.BadRequest, plantain.ModelNotFound,
		plantain.SafetyPrompt, plantain.SafetyImage, plantain.Recitation, plantain.NoImage, plantain.Truncated:
		return ScopeNone, Parking{}
	default:
		return ScopeNone, Parking{}
	}
}

// Foreign reports a refusal for what the request names, a file or a cache that this
// project does not have: whoever sends such a request must not be able to take
// projects out.
func Foreign(v plantain.Verdict) bool {
	return v.Class == plantain.Permission && v.Retry == plantain.RetryAfterFix
}

// Parks puts a parking on a state. A longer one that is there already stays, and
// so does the knowledge that its probe was made.
func (s *State) Parks(p Parking) {
	old := s.Park
	if old.Reason == p.Reason && old.Probed && p.Since.Before(old.Until) {
		p.Probed = true
	}
	same := old.Under == p.Under
	if old.Reason != "" && same && (old.Until.IsZero() || (!p.Until.IsZero() && old.Until.After(p.Until))) {
		return
	}
	s.Park = p
	s.Seq++
}

// Unpark ends a parking: an attempt came through in spite of it.
func (s *State) Unpark() {
	if s.Park != (Parking{}) {
		s.Park = Parking{}
		s.Seq++
	}
}

// Endless are the windows that are parked without an end.
func (p *Pool) Endless() (keys []Key) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for k, s := range p.seen {
		if s.Park.endless() {
			keys = append(keys, k)
		}
	}
	return keys
}

// Mended ends the parkings without an end, so that the next attempt shows whether
// what they were for is mended.
func Mended(states States) {
	for _, s := range states {
		if s.Park.endless() {
			s.Unpark()
		}
	}
}

func (p Parking) endless() bool { return p.Reason != "" && p.Until.IsZero() }

// Counts reports whether an attempt counts against Google's quota, by the last
// column of the retry table.
func Counts(c plantain.Class) bool {
	switch c {
	case plantain.QuotaZero, plantain.Billing, plantain.KeyInvalid, plantain.Permission, plantain.Region, plantain.ClientLimit:
		return false
	default:
		return true
	}
}
