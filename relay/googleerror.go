package relay

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
)

const jsonType = "application/json; charset=UTF-8"

// maxErrorBody bounds how much of an error body is taken apart. Google's are
// below 10 KB.
const maxErrorBody = 1 << 20

// googleError is Google's error shape, in Google's order (gemini-api.md §6).
type googleError struct {
	Code    int               `json:"code"`
	Message string            `json:"message"`
	Status  string            `json:"status"`
	Details []json.RawMessage `json:"details,omitempty"`
}

func (e googleError) encode() []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	// Encoding plain strings and valid raw messages cannot fail.
	_ = enc.Encode(struct {
		Error googleError `json:"error"`
	}{e})
	return []byte(b.String())
}

// compact gives the error on one line.
func (e googleError) compact() []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, e.encode()) // valid by construction
	return b.Bytes()
}

// withDetail adds our one detail to Google's error body. What is no error of
// Google's shape (an HTML page, a text) is put into that shape. Nothing in it
// shows a credential: some of Google's own errors repeat the key.
func withDetail(r *result, h header) []byte {
	e := parseGoogleError(r)
	e.Message = r.out.conceal(e.Message)
	given := e.Details
	e.Details = nil
	for _, d := range given {
		if !strings.Contains(string(d), "google.rpc.DebugInfo") {
			e.Details = append(e.Details, json.RawMessage(r.out.conceal(string(d))))
		}
	}
	e.Details = append(e.Details, ourDetail(r.verdict, h, nil))
	return e.encode()
}

func parseGoogleError(r *result) googleError {
	reader := r.body.Reader(nil)
	defer reader.Close()
	raw, _ := io.ReadAll(io.LimitReader(reader, maxErrorBody))
	var shape struct{ Error googleError }
	if text := strings.TrimSpace(string(raw)); strings.HasPrefix(text, "[") {
		// A streamed error comes as an array of one.
		var list []struct{ Error googleError }
		if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
			shape.Error = list[0].Error
		}
	} else {
		_ = json.Unmarshal(raw, &shape)
	}
	e := shape.Error
	if said := r.facts.Body.Errors; e.Message == "" && len(said) > 0 {
		e.Message, e.Status = said[0].Message, said[0].Status
	}
	if e.Message == "" {
		e.Message = strings.TrimSuffix(r.verdict.Explanation, ".")
	}
	if e.Code == 0 {
		e.Code = r.status()
	}
	if e.Status == "" {
		e.Status = statusName(r.status(), r.verdict.Class)
	}
	return e
}

// credential matches what Google's errors are known to repeat of a key.
var credential = regexp.MustCompile(`AIza[0-9A-Za-z_\-]{10,}|api_key:[^'"\s]+`)

// conceal gives a text without any trace of a credential.
func (o *out) conceal(text string) string {
	text = o.way.Conceal(text)
	if !strings.Contains(text, "AIza") && !strings.Contains(text, "api_key:") {
		return text // nearly all of them; the expression takes long to find that out
	}
	return credential.ReplaceAllString(text, "[secret]")
}

// cause gives the text of a local error for the log; empty where there is none.
func (r *result) cause() string {
	if r.facts.Err == nil {
		return ""
	}
	return r.out.conceal(r.facts.Err.Error())
}

func detail(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("relay: a detail that is no JSON: " + err.Error()) // maps and strings only
	}
	return b
}

// ourDetail is the one detail that Plantain adds, with more in it than every one has. Metadata of an ErrorInfo is a
// map from string to string.
func ourDetail(v plantain.Verdict, h header, more map[string]string) json.RawMessage {
	meta := map[string]string{
		"verdict":  v.Class.String(),
		"charged":  v.Charged.String(),
		"attempts": strconv.Itoa(h.attempts),
		"request":  string(h.request),
	}
	for k, s := range map[string]string{"explanation": v.Explanation, "next": v.Fix, "limit": string(v.Limit), "project": string(h.project),
		"model_fallback": string(h.instead), "fallback": h.fallback, "suggestion": h.suggests} {
		if s != "" {
			meta[k] = s
		}
	}
	maps.Copy(meta, more)
	return detail(map[string]any{
		"@type":  "type.googleapis.com/google.rpc.ErrorInfo",
		"reason": strings.ToUpper(v.Class.String()), "domain": "plantain", "metadata": meta,
	})
}

func retryDetail(d time.Duration) json.RawMessage {
	return detail(map[string]any{
		"@type":      "type.googleapis.com/google.rpc.RetryInfo",
		"retryDelay": strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + "s",
	})
}

func fieldDetail(field, description string) json.RawMessage {
	return detail(map[string]any{
		"@type":           "type.googleapis.com/google.rpc.BadRequest",
		"fieldViolations": []map[string]string{{"field": field, "description": description}},
	})
}

// statusName is the gRPC name that Google pairs with an HTTP status.
func statusName(status int, c plantain.Class) string {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		if c == plantain.Region {
			return "FAILED_PRECONDITION"
		}
		return "INVALID_ARGUMENT"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	case http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	default:
		return "INTERNAL"
	}
}
