package gemini

import "time"

// detail takes what stands in error.details and error.errors.
func (f *errorFinder) detail(e *layer, p spot, v value) {
	switch p {
	case detailReason:
		e.Reason = v.text
	case detailDomain:
		e.Domain = v.text
	case detailDebug:
		e.Debug = cutText(joinLines(e.Debug, v.text))
	case metadataEntry:
		e.metadata(string(v.name), v)
	case legacyReason:
		e.reason = v.text
	case legacyDomain:
		e.domain = v.text
	case fieldName:
		f.field.Field = v.text
	case fieldDescription:
		f.field.Description = v.text
	case delay:
		d, err := parseDelay(v)
		f.setDelay(d, err)
	case delaySeconds:
		f.seconds = v.text
	case delayNanos:
		f.nanos = number(v.text)
	default:
		f.violation(p, v)
	}
}

func (f *errorFinder) violation(p spot, v value) {
	switch p {
	case metricName:
		f.limit.Metric = v.text
	case quotaID:
		f.limit.ID = v.text
	case quotaValue:
		f.limit.Value = v.text
	case futureValue:
		f.limit.FutureValue = v.text
	case dimensionModel:
		f.limit.Model = v.text
	case dimensionLocation:
		f.limit.Location = v.text
	}
}

func (f *errorFinder) setDelay(d time.Duration, err error) {
	if err == nil {
		e := f.top()
		e.RetryDelay, e.HasDelay = d, true
	}
}

func (e *layer) metadata(name string, v value) {
	if name == "quotaResetDelay" {
		if d, err := parseDelay(v); err == nil {
			e.reset, e.hasReset = d, true
		}
	}
	if e.Metadata == nil {
		e.Metadata = map[string]string{}
	}
	if _, ok := e.Metadata[name]; ok || len(e.Metadata) < maxEntries {
		e.Metadata[name] = v.text
	}
}

// parseDelay reads "48s", "48.939935699s", "135h9m46s", and seconds as a number, in
// quotes or not.
func parseDelay(v value) (time.Duration, error) {
	if d, err := time.ParseDuration(v.text); v.quoted && err == nil {
		return d, nil
	}
	return time.ParseDuration(v.text + "s")
}

func joinLines(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}
