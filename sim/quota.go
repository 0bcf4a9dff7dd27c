package sim

import (
	"cmp"
	"sync"
	"time"
	_ "time/tzdata" // the day ends at midnight Pacific, on machines without zones too
)

// Limits are what one project may do with one model. In Options the zero value of a field is the tier's own figure;
// a negative one is no limit.
type Limits struct {
	RPM   int   // requests a minute
	IPM   int   // images a minute
	RPD   int   // requests a Pacific day
	TPM   int   // input tokens a minute
	Spend int64 // nano-dollars in ten minutes, over all models of the project

	none bool // the free tier: image models have limit 0
}

// The tiers. Google prints no such figures any more (gemini-api.md §8): these are the claimed ones.
var tierLimits = map[string]Limits{
	"free": {none: true},
	"1":    {RPM: 10, IPM: 10, RPD: 1000, TPM: 1_000_000, Spend: 10e9},
	"2":    {RPM: 30, IPM: 30, RPD: 5000, TPM: 1_000_000, Spend: 50e9},
	"3":    {RPM: 60, IPM: 60, RPD: 10000, TPM: 1_000_000, Spend: 200e9},
}

// over replaces what is set in l.
func (l Limits) over(base Limits) Limits {
	base.RPM, base.IPM = cmp.Or(l.RPM, base.RPM), cmp.Or(l.IPM, base.IPM)
	base.RPD, base.TPM, base.Spend = cmp.Or(l.RPD, base.RPD), cmp.Or(l.TPM, base.TPM), cmp.Or(l.Spend, base.Spend)
	base.none = base.none && l == Limits{}
	return base
}

// pacific is where Google's day ends (gemini-api.md §8).
var pacific = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic(err) // time/tzdata is compiled in
	}
	return zone
})

// untilMidnight is the rest of the Pacific day: 23 or 25 hours long twice a year.
func untilMidnight(now time.Time) time.Duration {
	t := now.In(pacific())
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, pacific()).Sub(now)
}

// quota counts. An instant counts when the request's body was read whole.
type quota struct {
	fixed bool // minutes by the clock instead of the last sixty seconds

	mu     sync.Mutex
	models map[bucket]*usageWindow
	spent  map[string][]spending // by project id
}

// bucket: limits belong to a project and a model, never to a key.
type bucket struct{ project, model string }

type usageWindow struct {
	recent []arrival // of the last minute, oldest first
	day    string
	inDay  int
}

type arrival struct {
	at             time.Time
	tokens, images int
}

type spending struct {
	at     time.Time
	amount int64
}

func (q *quota) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.models, q.spent = map[bucket]*usageWindow{}, map[string][]spending{}
}

// admit takes room for one request, or says what is exceeded. A refused request takes no room.
func (q *quota) admit(now time.Time, p project, model string, l Limits, tokens, images int) *refusal {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.none {
		return quotaZero(p, model)
	}
	if r := q.overspent(now, p, l); r != nil {
		return r
	}
	key := bucket{p.id(), model}
	w := q.models[key]
	if w == nil {
		w = &usageWindow{}
		q.models[key] = w
	}
	w.roll(now, q.fixed)
	if r := w.exceeded(now, q.fixed, p, model, l, tokens, images); r != nil {
		return r
	}
	w.recent = append(w.recent, arrival{now, tokens, images})
	w.inDay++
	return nil
}

// roll forgets what no longer counts.
func (w *usageWindow) roll(now time.Time, fixed bool) {
	from := now.Add(-time.Minute)
	if fixed {
		from = now.Truncate(time.Minute).Add(-1)
	}
	for len(w.recent) > 0 && !w.recent[0].at.After(from) {
		w.recent = w.recent[1:]
	}
	if day := now.In(pacific()).Format(time.DateOnly); day != w.day {
		w.day, w.inDay = day, 0
	}
}

// exceeded lists every window without room, with the longest wait.
func (w *usageWindow) exceeded(now time.Time, fixed bool, p project, model string, l Limits, tokens, images int) *refusal {
	var found []violation
	var wait time.Duration
	minute := func(limit, more int, of func(arrival) int, metric, id string) {
		used := more
		for _, a := range w.recent {
			used += of(a)
		}
		if limit <= 0 || used <= limit {
			return
		}
		found = append(found, newViolation(metric, id, model, int64(limit)))
		free := now.Add(time.Minute)
		if fixed {
			free = now.Truncate(time.Minute).Add(time.Minute)
		} else {
			for _, a := range w.recent {
				if used -= of(a); used <= limit {
					free = a.at.Add(time.Minute)
					break
				}
			}
		}
		wait = max(wait, free.Sub(now))
	}
	one := func(arrival) int { return 1 }
	minute(l.RPM, 1, one, "generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel")
	// No example of this id was ever found (gemini-api.md §14); metric and id follow their neighbours.
	minute(l.IPM, images, func(a arrival) int { return a.images }, "generated_images_paid_tier_"+p.tier+"_per_model",
		"GeneratedImagesPerMinutePerProjectPerModel-PaidTier"+p.tier)
	metric, id := "generate_content_paid_tier_input_token_count", "GenerateContentPaidTierInputTokensPerModelPerMinute"
	if p.tier != "1" {
		metric = "generate_content_paid_tier_" + p.tier + "_input_token_count"
		id += "-PaidTier" + p.tier
	}
	minute(l.TPM, tokens, func(a arrival) int { return a.tokens }, metric, id)
	if l.RPD > 0 && w.inDay >= l.RPD {
		found = append(found, newViolation("generate_requests_per_model_per_day",
			"GenerateRequestsPerDayPerProjectPerModel", model, int64(l.RPD)))
		wait = max(wait, untilMidnight(now))
	}
	if found == nil {
		return nil
	}
	return quotaExceeded(model, wait, found...)
}

// quotaZero is what a free project gets for an image model: several violations, all of limit 0 (gemini-api.md §6).
// The delay it states is untrue; real ones are of this size.
func quotaZero(_ project, model string) *refusal {
	return quotaExceeded(model, 36*time.Second+157_823_604,
		newViolation("generate_content_free_tier_input_token_count", "GenerateContentInputTokensPerModelPerMinute-FreeTier", model, 0),
		newViolation("generate_content_free_tier_requests", "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", model, 0),
		newViolation("generate_content_free_tier_requests", "GenerateRequestsPerDayPerProjectPerModel-FreeTier", model, 0))
}

const spendWindow = 10 * time.Minute

// overspent is the rolling ten-minute spend limit (gemini-api.md §8, third party; its text is not known, so it is
// worded like the spending cap).
func (q *quota) overspent(now time.Time, p project, l Limits) *refusal {
	list := q.spent[p.id()]
	for len(list) > 0 && !list[0].at.After(now.Add(-spendWindow)) {
		list = list[1:]
	}
	q.spent[p.id()] = list
	var sum int64
	for _, s := range list {
		sum += s.amount
	}
	if l.Spend <= 0 || sum < l.Spend {
		return nil
	}
	return spendLimit()
}

func spendLimit() *refusal {
	return exhausted("Your project has exceeded its spend limit for the last 10 minutes. Please try again later or " +
		"go to AI Studio at https://ai.studio/spend to manage your project spend limits.")
}

// spend adds a charge to the ten-minute window.
func (q *quota) spend(now time.Time, p project, amount int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spent[p.id()] = append(q.spent[p.id()], spending{now, amount})
}
