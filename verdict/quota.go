package verdict

import (
	"slices"
	"strings"

	"github.com/plantainhq/plantain"
)

// A span of a quota, by the time to its reset.
type span int

const (
	unnamed span = iota
	minute
	day
)

// A quota is one limit that an error names.
type quota struct {
	span      span
	limit     plantain.Limit // as of a minute; empty: of what is not said
	value     int64
	disclosed bool
	model     string
}

// quotaMarks stand in the words of a layer that names a limit.
var quotaMarks = []string{"quota exceeded for", "quota_limit", "quota_id", "quotaid", "quotametric", "your quota will reset"}

// hasQuota reports that a layer names a limit, be it only in its words.
func (l *layer) hasQuota() bool {
	if len(l.Violations) > 0 || l.Metadata["quota_limit"] != "" || l.Metadata["quota_metric"] != "" {
		return true
	}
	low := l.low()
	if legacyLimit(low) {
		return true
	}
	return strings.Contains(low, "quota") && slices.ContainsFunc(quotaMarks, func(mark string) bool { return strings.Contains(low, mark) })
}

// legacyLimit finds the older "…requests per day…" without the words before it,
// and the "limit exceeded: …per-day" of routers.
func legacyLimit(low string) bool {
	return strings.Contains(low, "requests per day") || strings.Contains(low, "requests per minute") ||
		strings.Contains(low, "limit exceeded") && spanOf(low) != unnamed
}

// quota judges the limits that a layer names. A limit of zero outranks all, then
// the one with the longest reset binds. Layers around it may hold the value that
// an SDK left out.
func (l *layer) quota(around []layer) finding {
	bind, ok := binding(l.quotas())
	if !ok {
		return l.unnamedQuota()
	}
	for i := 0; i < len(around) && !bind.disclosed; i++ {
		if q, ok := binding(around[i].quotas()); ok && q.limit == bind.limit {
			bind.value, bind.disclosed = q.value, q.disclosed
		}
	}
	n := finding{limit: bind.limit, value: bind.value, disclosed: bind.disclosed, model: bind.model}
	switch {
	case bind.limit == plantain.LimitSpend:
		n.class, n.cause = plantain.Billing, spendBurst
	case bind.zero():
		n.class = plantain.QuotaZero
		if l.Metadata["quota_location"] != "" && l.Metadata["quota_location"] != "global" {
			n.cause = zeroRegion
		}
		if bind.span == day {
			n.limit = byDay(bind.limit)
		}
	case bind.span == day:
		n.class, n.limit = plantain.RateDay, byDay(bind.limit)
	case bind.span == minute:
		n.class = plantain.RateMinute
	default:
		n.class, n.cause = plantain.QuotaUnknown, openQuota
	}
	return n
}

// binding is the quota that keeps a request back for longest.
func binding(all []quota) (bind quota, ok bool) {
	for i, q := range all {
		if i == 0 || q.outranks(bind) {
			bind = q
		}
	}
	return bind, len(all) > 0
}

func (q quota) zero() bool { return q.disclosed && q.value == 0 }

func (q quota) outranks(r quota) bool {
	if q.zero() != r.zero() {
		return q.zero()
	}
	return q.span > r.span
}

func byDay(l plantain.Limit) plantain.Limit {
	switch l {
	case plantain.LimitRPM:
		return plantain.LimitRPD
	case plantain.LimitIPM:
		return plantain.LimitIPD
	case plantain.LimitTPM:
		return plantain.LimitTPD
	default:
		return l
	}
}

// unnamedQuota is a quota that is said to be used up and not which: the reason
// and the stated wait tell what they can (settleWindow).
func (l *layer) unnamedQuota() finding {
	if n, ok := reasons[l.Reason]; ok {
		return n
	}
	return finding{class: plantain.QuotaUnknown, cause: openQuota}
}

// settleWindow uses the stated wait where a limit was named without its window:
// a minute's returns within one, a longer wait is a longer window.
func settleWindow(n finding) finding {
	if n.class == plantain.QuotaUnknown && n.cause == openQuota && n.stated > 0 {
		n.class, n.cause = plantain.RateMinute, ""
	}
	if n.class == plantain.RateMinute && n.stated > daily {
		n.class, n.cause, n.retry = plantain.RateDay, longReset, ""
		n.limit = byDay(n.limit)
	}
	return n
}
