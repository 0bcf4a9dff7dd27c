package ledger

import "github.com/plantainhq/plantain/gemini"

// Capacity is how many images of a model may be made. A number below zero is no
// limit.
type Capacity struct {
	PerMinute int64 `json:"images_a_minute"`
	PerDay    int64 `json:"requests_a_day"` // a Pacific day
}

// A TierCapacity is what all projects together may make were each of a tier, at least.
type TierCapacity struct {
	Tier int `json:"tier"`
	Capacity
	Late int64 `json:"late_requests"` // that would not have been served in time then
}

// A ProjectCapacity is what one project may make by the limits in force. Tier 0: it has
// none of Google's.
type ProjectCapacity struct {
	Tier int
	Capacity
}

// Capacities adds up what projects may make at present, and what they might were each
// of a higher tier than the lowest among them.
func Capacities(projects []ProjectCapacity, catalogue *gemini.Catalogue) (present Capacity, higher []TierCapacity) {
	for tier := 1; tier <= 3; tier++ {
		higher = append(higher, TierCapacity{Tier: tier})
	}
	lowest := 3
	for _, p := range projects {
		present.add(p.Capacity)
		for i := range higher {
			t := &higher[i]
			if p.Tier == 0 || p.Tier >= t.Tier {
				t.add(p.Capacity)
				continue
			}
			l := catalogue.Limits(t.Tier)
			t.add(Capacity{PerMinute: min(l.RPM, l.IPM), PerDay: l.RPD})
		}
		if p.Tier != 0 {
			lowest = min(lowest, max(p.Tier, 0))
		}
	}
	return present, higher[lowest:]
}

// add adds another capacity; without a limit on either there is none together.
func (c *Capacity) add(o Capacity) {
	c.PerMinute, c.PerDay = addLimits(c.PerMinute, o.PerMinute), addLimits(c.PerDay, o.PerDay)
}

func addLimits(a, b int64) int64 {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}
