package verdict

import (
	"strconv"
	"strings"

	"github.com/plantainhq/plantain"
)

// quotas lists what a layer names, from the best source that it has: the
// violations, the older metadata, the lines of the message, its bare words.
func (l *layer) quotas() []quota {
	low := l.low()
	lines := messageQuotas(low)
	if len(l.Violations) > 0 {
		return l.violationQuotas(lines)
	}
	if q, ok := l.metadataQuota(); ok {
		return append(lines, q)
	}
	for i := range lines {
		if lines[i].span == unnamed {
			lines[i].span = spanOf(low)
		}
	}
	if len(lines) > 0 {
		return lines
	}
	return wordQuotas(low)
}

func (l *layer) violationQuotas(lines []quota) []quota {
	all := make([]quota, 0, len(l.Violations))
	for i := range l.Violations {
		v := &l.Violations[i]
		q := quotaOf(lower(v.ID), lower(v.Metric))
		q.model = v.Model
		q.value, q.disclosed = number(v.Value)
		// Google omits a value of 0 and tells it in the message, line by line in
		// the order of the violations.
		if !q.disclosed && len(lines) == len(l.Violations) {
			q.value, q.disclosed = lines[i].value, lines[i].disclosed
		} else if !q.disclosed {
			q.value, q.disclosed = valueAmong(lines, q)
		}
		all = append(all, q)
	}
	for _, line := range lines {
		if line.zero() {
			all = append(all, line)
		}
	}
	return all
}

// valueAmong finds the value of a quota among the lines of a message that has
// fewer or more of them than there are violations.
func valueAmong(lines []quota, q quota) (int64, bool) {
	for _, line := range lines {
		if line.disclosed && line.limit == q.limit && (line.span == unnamed || line.span == q.span) {
			return line.value, true
		}
	}
	return 0, false
}

func (l *layer) metadataQuota() (quota, bool) {
	limit, metric := l.Metadata["quota_limit"], l.Metadata["quota_metric"]
	if limit == "" && metric == "" {
		return quota{}, false
	}
	q := quotaOf(lower(limit), lower(metric))
	if q.span == unnamed {
		q.span = spanOf(l.low())
	}
	q.value, q.disclosed = number(l.Metadata["quota_limit_value"])
	q.model = l.Metadata["model"]
	return q, true
}

// messageQuotas reads the lines "Quota exceeded for metric: M, limit: N, model: X".
func messageQuotas(low string) []quota {
	var all []quota
	for {
		_, rest, ok := strings.Cut(low, "quota exceeded for metric: ")
		if !ok {
			return all
		}
		line, _, _ := strings.Cut(rest, "quota exceeded for metric: ")
		low = rest
		q := quotaOf("", until(line, ", \n"))
		if _, after, ok := strings.Cut(line, "limit: "); ok {
			q.value, q.disclosed = number(digits(after))
		}
		if _, after, ok := strings.Cut(line, "model: "); ok {
			q.model = until(after, ", \n'\"")
		}
		all = append(all, q)
	}
}

// wordQuotas reads a limit out of bare words, such as "limit 'Requests per day
// per user'" or a quota id inside the text of a client.
func wordQuotas(low string) []quota {
	at, span := spanAt(low)
	if span == unnamed {
		if _, rest, ok := strings.Cut(low, "quota exceeded for aiplatform.googleapis.com/"); ok {
			q := quotaOf("", until(rest, " \n"))
			q.span = minute // Vertex has no other window
			return []quota{q}
		}
		return nil
	}
	q := quotaOf("", phraseAround(low, at))
	q.span = span
	for _, key := range []string{"quota_limit_value", "quotavalue", "quota_value"} {
		if i := strings.Index(low, key); i >= 0 && !q.disclosed {
			q.value, q.disclosed = number(nextDigits(low[i+len(key):]))
		}
	}
	return []quota{q}
}

// quotaOf reads the span and kind of a limit out of its id, else its metric.
func quotaOf(id, metric string) quota {
	q := quota{span: spanOf(id), limit: kindOf(id)}
	if q.span == unnamed {
		q.span = spanOf(metric)
	}
	if q.limit == "" || q.limit == plantain.LimitRPM && kindOf(metric) == plantain.LimitTPM {
		q.limit = kindOf(metric)
	}
	if q.span == unnamed && (strings.HasSuffix(metric, "_token_count") || strings.HasSuffix(metric, "/generate_requests_per_model")) {
		q.span = minute // these metrics have that one alone
	}
	return q
}

var spanMarks = []struct {
	text string
	span span
}{
	{"perday", day}, {"per_day", day}, {"per day", day}, {"per-day", day}, {"daily", day}, {"permonth", day}, {"per_month", day}, {"per month", day},
	{"perminute", minute}, {"per_minute", minute}, {"per minute", minute}, {"per-min", minute}, {"persecond", minute}, {"per_second", minute}, {"per second", minute},
}

func spanOf(low string) span {
	_, s := spanAt(low)
	return s
}

func spanAt(low string) (at int, s span) {
	for _, m := range spanMarks {
		if i := strings.Index(low, m.text); i >= 0 {
			return i, m.span
		}
	}
	return 0, unnamed
}

// kindMarks tell what a limit counts. Ids such as "ImagesPerMinute…" come before
// "request", since the metric beside them may be "Generate image requests".
var kindMarks = []struct {
	text  string
	limit plantain.Limit
}{
	{"spend", plantain.LimitSpend},
	{"token", plantain.LimitTPM},
	{"imagesper", plantain.LimitIPM}, {"images_per", plantain.LimitIPM}, {"images per", plantain.LimitIPM}, {"imageper", plantain.LimitIPM},
	{"generated_images", plantain.LimitIPM}, {"generatedimages", plantain.LimitIPM},
	{"request", plantain.LimitRPM},
	{"image", plantain.LimitIPM},
}

func kindOf(low string) plantain.Limit {
	if low == "" {
		return ""
	}
	for _, m := range kindMarks {
		if strings.Contains(low, m.text) {
			return m.limit
		}
	}
	return ""
}

func number(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func digits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// nextDigits gives the first number within a short way, as in `": "0"`.
func nextDigits(s string) string {
	if i := strings.IndexAny(s[:min(len(s), 24)], "0123456789"); i >= 0 {
		return digits(s[i:])
	}
	return ""
}

func until(s, ends string) string {
	if i := strings.IndexAny(s, ends); i >= 0 {
		return s[:i]
	}
	return s
}

// phraseAround gives the quoted words, or the line, around a place.
func phraseAround(s string, at int) string {
	const ends = "'\",:;\n(){}"
	start := strings.LastIndexAny(s[:at], ends) + 1
	return s[start : at+len(until(s[at:], ends))]
}
