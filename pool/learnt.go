package pool

import (
	"maps"
	"time"

	"github.com/plantainhq/plantain"
)

// A Learnt limit is one that a refusal disclosed. It is trusted more than the
// configuration, which is trusted more than the tier.
type Learnt struct {
	Value int64     `json:"value"`
	At    time.Time `json:"at"`
	From  string    `json:"from"` // what Google said, for a person
	// Probe is when one request may be sent beyond it, where [Member.ProbeLimits]
	// allows that; zero: a day after it was learnt.
	Probe time.Time `json:"probe,omitzero"`
}

// Learn takes note of the limit that a refusal disclosed, if it did. It holds for
// as long as the project's configuration is the one it was learnt under.
func (m Member) Learn(states States, now time.Time, model plantain.Model, v plantain.Verdict) {
	s := states[Key{m.Name, model}]
	if m.ProbeLimits && s.Under == m.Fingerprint && forQuota(v.Class) {
		s.restProbes(now)
	}
	if !v.Disclosed || v.Value <= 0 || (v.Class != plantain.RateMinute && v.Class != plantain.RateDay) {
		return
	}
	if s.Under != m.Fingerprint {
		s.Learnt, s.Under = nil, m.Fingerprint
	}
	if known, ok := m.limitsIn(Key{m.Name, model}, s)[v.Limit]; ok && known == v.Value {
		return
	}
	s.relearn(v.Limit, func(l *Learnt) { *l = Learnt{Value: v.Value, At: now, From: v.Explanation} })
}

func forQuota(c plantain.Class) bool {
	return c == plantain.RateMinute || c == plantain.RateDay || c == plantain.QuotaUnknown
}

// limitsIn gives the limits of a key with what was learnt of them.
func (m Member) limitsIn(k Key, s *State) Limits { return m.learnt(m.limits(k), s) }

// learnt puts what was learnt in the place of what the configuration says.
func (m Member) learnt(limits Limits, s *State) Limits {
	if len(s.Learnt) == 0 || s.Under != m.Fingerprint {
		return limits
	}
	known := maps.Clone(limits)
	if known == nil {
		known = Limits{}
	}
	for l, learnt := range s.Learnt {
		known[l] = learnt.Value
	}
	return known
}
