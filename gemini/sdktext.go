package gemini

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var grpcNames = []string{"CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
	"ALREADY_EXISTS", "PERMISSION_DENIED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}

// What the SDKs say where they say it without an object.
var (
	goText     = regexp.MustCompile(`(?s)Error (\d{3}), Message: (.*), Status: ([A-Z_a-z ]*), Details: `)
	pythonText = regexp.MustCompile(`(?s)\b([45]\d\d) (` + strings.Join(grpcNames, "|") + `)\b[.:]?\s*(.*)`)
	nodeText   = regexp.MustCompile(`(?s)\[([45]\d\d) [A-Za-z ]+\]\s*(.*)`)
	grpcText   = regexp.MustCompile(`(?s)\b([45]\d\d) (.*) \[(?:reason: "|violations|links|retry_delay|detail)`)
)

// sdkText reads code, status, message and details of an SDK's text. A word of each
// form is looked for first: on a page of 16 KB its expression takes 100 µs.
func sdkText(s string) (ErrorFacts, bool) {
	var e ErrorFacts
	if m := matchIf(strings.Contains(s, ", Message: "), goText, s); m != nil {
		e = ErrorFacts{Code: atoi(m[1]), Message: m[2], Status: m[3]}
		goDetails(s, &e)
		return e, true
	}
	if m := matchIf(strings.Contains(s, " ["), grpcText, s); m != nil {
		e = ErrorFacts{Code: atoi(m[1]), Message: m[2]}
		grpcDetails(s, &e)
		return e, true
	}
	if m := matchIf(hasGRPCName(s), pythonText, s); m != nil {
		return ErrorFacts{Code: atoi(m[1]), Status: m[2], Message: m[3]}, true
	}
	if m := matchIf(strings.Contains(s, "[4") || strings.Contains(s, "[5"), nodeText, s); m != nil {
		return ErrorFacts{Code: atoi(m[1]), Message: m[2]}, true
	}
	return e, false
}

func matchIf(likely bool, re *regexp.Regexp, s string) []string {
	if !likely {
		return nil
	}
	return re.FindStringSubmatch(s)
}

func hasGRPCName(s string) bool {
	return slices.ContainsFunc(grpcNames, func(name string) bool { return strings.Contains(s, name) })
}

// Go prints details as a map, its keys in order: map[quotaId:… quotaMetric:…].
var (
	goViolation = regexp.MustCompile(`quotaId:([^\s\]]+)(?: quotaMetric:([^\s\]]+))?(?: quotaValue:([^\s\]]+))?`)
	terminal    = regexp.MustCompile(`[\s│|]+`) // what a terminal put into a long line
	goVerdict   = regexp.MustCompile(`\bverdict:([a-z_]+)\b`)
	goCharged   = regexp.MustCompile(`\bcharged:([a-z]+)\b`)
	goReason    = regexp.MustCompile(`\breason:([A-Z_]+)\b`)
	goDelay     = regexp.MustCompile(`\bretryDelay:([0-9.hms]+)`)
)

func goDetails(s string, e *ErrorFacts) {
	s = terminal.ReplaceAllString(s, " ")
	for _, m := range goViolation.FindAllStringSubmatch(s, maxEntries) {
		e.Violations = append(e.Violations, Violation{ID: m[1], Metric: m[2], Value: m[3]})
	}
	if m := goReason.FindStringSubmatch(s); m != nil {
		e.Reason = m[1]
	}
	if strings.Contains(s, "domain:plantain ") {
		e.Domain, e.Metadata = "plantain", map[string]string{"verdict": firstMatch(goVerdict, s), "charged": firstMatch(goCharged, s)}
	}
	if m := goDelay.FindStringSubmatch(s); m != nil {
		d, err := time.ParseDuration(m[1])
		e.RetryDelay, e.HasDelay = d, err == nil
	}
}

// gRPC prints details as protobuf text: violations { quota_id: "…" }.
var (
	grpcViolation = regexp.MustCompile(`(?s)violations \{(.*?)\n\}`)
	grpcField     = regexp.MustCompile(`\b(quota_metric|quota_id|reason|domain): "([^"]*)"`)
	grpcValue     = regexp.MustCompile(`\bquota_value: (\d+)`)
	grpcEntry     = regexp.MustCompile(`metadata \{\s*key: "([^"]*)"\s*value: "([^"]*)"`)
	grpcDelay     = regexp.MustCompile(`retry_delay \{\s*seconds: (\d+)`)
)

func grpcDetails(s string, e *ErrorFacts) {
	for _, m := range grpcViolation.FindAllStringSubmatch(s, maxEntries) {
		e.Violations = append(e.Violations, Violation{
			Metric: grpcString(m[1], "quota_metric"), ID: grpcString(m[1], "quota_id"), Value: firstMatch(grpcValue, m[1])})
	}
	e.Reason, e.Domain = grpcString(s, "reason"), grpcString(s, "domain")
	for _, m := range grpcEntry.FindAllStringSubmatch(s, maxEntries) {
		if e.Metadata == nil {
			e.Metadata = map[string]string{}
		}
		e.Metadata[m[1]] = m[2]
	}
	if seconds := firstMatch(grpcDelay, s); seconds != "" {
		e.RetryDelay, e.HasDelay = time.Duration(atoi(seconds))*time.Second, true
	}
}

// grpcString gives the first field of that name.
func grpcString(s, name string) string {
	for _, m := range grpcField.FindAllStringSubmatch(s, maxEntries) {
		if m[1] == name {
			return m[2]
		}
	}
	return ""
}

func firstMatch(re *regexp.Regexp, s string) string {
	if m := re.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

func atoi(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
