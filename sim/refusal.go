package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// refusal is an error answer: Google's JSON, or raw text where a proxy in between spoke.
type refusal struct {
	code    int
	status  string
	message string
	details []any
	raw     string // set: sent as it is, with contentType
	mime    string
}

func (r *refusal) Error() string { return r.message }

// body is pretty-printed with two spaces and a final newline, as recorded; details are absent when empty.
func (r *refusal) body() []byte {
	if r.raw != "" {
		return []byte(r.raw)
	}
	var e struct {
		Error struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
			Status  string `json:"status"`
			Details []any  `json:"details,omitempty"`
		} `json:"error"`
	}
	e.Error.Code, e.Error.Message, e.Error.Status, e.Error.Details = r.code, r.message, r.status, r.details
	return pretty(e)
}

// pretty is JSON as Google prints it.
func pretty(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return []byte("{}\n")
	}
	return b.Bytes()
}

func invalid(message string) *refusal {
	return &refusal{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", message: message}
}

// invalidArgument is all Google says of many faults, a bad imageSize (exact text unknown) among them.
func invalidArgument() *refusal { return invalid("Request contains an invalid argument.") }

func badFields(v ...fieldViolation) *refusal {
	r := invalid("")
	var lines []string
	for _, f := range v {
		lines = append(lines, f.Description)
	}
	r.message = strings.Join(lines, "\n")
	r.details = []any{struct {
		Type       string           `json:"@type"`
		Violations []fieldViolation `json:"fieldViolations"`
	}{"type.googleapis.com/google.rpc.BadRequest", v}}
	return r
}

// badBase64 is Google's text for bytes it cannot decode; it quotes them, shortened here.
func badBase64(path string, data []byte) *refusal {
	text := fmt.Sprintf(`Invalid value at '%s' (TYPE_BYTES), Base64 decoding failed for "%s"`, path, data[:min(len(data), 100)])
	return badFields(fieldViolation{path, text})
}

type errorInfo struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

func newErrorInfo(reason string, metadata map[string]string) errorInfo {
	return errorInfo{"type.googleapis.com/google.rpc.ErrorInfo", reason, "googleapis.com", metadata}
}

const service = "generativelanguage.googleapis.com"

// keyInvalid is a bad key: 400, not 401 (gemini-api.md §6 [mar-E]).
func keyInvalid(message string) *refusal {
	r := invalid(message)
	r.details = []any{
		newErrorInfo("API_KEY_INVALID", map[string]string{"service": service}),
		struct {
			Type    string `json:"@type"`
			Locale  string `json:"locale"`
			Message string `json:"message"`
		}{"type.googleapis.com/google.rpc.LocalizedMessage", "en-US", message},
	}
	return r
}

func denied(message string, details ...any) *refusal {
	return &refusal{code: http.StatusForbidden, status: "PERMISSION_DENIED", message: message, details: details}
}

func noKey() *refusal {
	return denied("Method doesn't allow unregistered callers (callers without established identity). " +
		"Please use API Key or other form of API consumer identity to call this API.")
}

func modelNotFound(id, version, method string) *refusal {
	return &refusal{code: http.StatusNotFound, status: "NOT_FOUND", message: fmt.Sprintf(
		"models/%s is not found for API version %s, or is not supported for %s. Call ModelService.ListModels to see "+
			"the list of available models and their supported methods.", id, version, method)}
}

func unavailable(message string) *refusal {
	return &refusal{code: http.StatusServiceUnavailable, status: "UNAVAILABLE", message: message}
}

func exhausted(message string, details ...any) *refusal {
	return &refusal{code: http.StatusTooManyRequests, status: "RESOURCE_EXHAUSTED", message: message, details: details}
}

type help struct {
	Type  string `json:"@type"`
	Links []link `json:"links"`
}

type link struct {
	Description string `json:"description"`
	URL         string `json:"url"`
}

func newHelp(description, url string) help {
	return help{"type.googleapis.com/google.rpc.Help", []link{{description, url}}}
}

// serviceDisabled names the project by number, as Google does.
func serviceDisabled(number string) *refusal {
	url := "https://console.developers.google.com/apis/api/" + service + "/overview?project=" + number
	return denied("Generative Language API has not been used in project "+number+" before or it is disabled. Enable it by visiting "+
		url+" then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.",
		newHelp("Google developers console API activation", url),
		newErrorInfo("SERVICE_DISABLED", map[string]string{"service": service, "consumer": "projects/" + number}))
}

// violation is an entry of google.rpc.QuotaFailure. A value of 0 is left out on the wire (gemini-api.md §6).
type violation struct {
	Metric     string            `json:"quotaMetric"`
	ID         string            `json:"quotaId"`
	Dimensions map[string]string `json:"quotaDimensions"`
	Value      string            `json:"quotaValue,omitempty"`

	limit int64
}

// quotaExceeded is the recorded 429 (gemini-api.md §6 [rl-429]). The message has the exact wait, RetryInfo whole
// seconds, rounded down.
func quotaExceeded(model string, wait time.Duration, violations ...violation) *refusal {
	const docs = "https://ai.google.dev/gemini-api/docs/rate-limits"
	var m strings.Builder
	m.WriteString("You exceeded your current quota, please check your plan and billing details. For more information on this error, " +
		"head to: " + docs + ". To monitor your current usage, head to: https://ai.dev/rate-limit. ")
	for _, v := range violations {
		fmt.Fprintf(&m, "\n* Quota exceeded for metric: %s, limit: %d, model: %s", v.Metric, v.limit, model)
	}
	fmt.Fprintf(&m, "\nPlease retry in %s.", wait)
	return exhausted(m.String(), newHelp("Learn more about Gemini API quotas", docs),
		struct {
			Type       string      `json:"@type"`
			Violations []violation `json:"violations"`
		}{"type.googleapis.com/google.rpc.QuotaFailure", violations},
		struct {
			Type  string `json:"@type"`
			Delay string `json:"retryDelay"`
		}{"type.googleapis.com/google.rpc.RetryInfo", fmt.Sprintf("%ds", int64(wait/time.Second))})
}

func newViolation(metric, id, model string, limit int64) violation {
	v := violation{Metric: service + "/" + metric, ID: id, limit: limit,
		Dimensions: map[string]string{"location": "global", "model": model}}
	if limit > 0 {
		v.Value = fmt.Sprint(limit)
	}
	return v
}

// vertexExhausted is the shared pool's 429: nobody's own limit, no details (gemini-api.md §12 [vx-429]).
func vertexExhausted() *refusal {
	return exhausted("Resource exhausted. Please try again later. Please refer to " +
		"https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.")
}

// statusName is the gRPC name of an HTTP status.
func statusName(code int) string {
	switch code {
	case 400:
		return "INVALID_ARGUMENT"
	case 403:
		return "PERMISSION_DENIED"
	case 404:
		return "NOT_FOUND"
	case 429:
		return "RESOURCE_EXHAUSTED"
	case 499:
		return "CANCELLED"
	case 500:
		return "INTERNAL"
	case 504:
		return "DEADLINE_EXCEEDED"
	}
	return "UNAVAILABLE"
}
