package capture

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A Case is a captured response as an object: a line of a file of cases (the form
// of failures/README.md), or what an application kept of a response.
type Case struct {
	ID          string
	Status      int // zero: not told
	ContentType string
	Header      http.Header
	Body        string
	Truth       json.RawMessage // a label, if there is one
}

// ParseCase reads an object; it errs if that is no JSON object. Members that are
// absent, null or of another type are left zero: a status may be a string, a body
// may be an object.
func ParseCase(line []byte) (Case, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(line, &m); err != nil {
		return Case{}, err
	}
	c := Case{Header: http.Header{}, Truth: m["truth"]}
	c.ID = textOf(m, "id", "name")
	c.ContentType = textOf(m, "content_type", "contentType")
	c.Body = textOf(m, "body", "responseBody", "response_body", "response_text", "text")
	c.Status, _ = strconv.Atoi(textOf(m, "http_status", "statusCode", "status_code", "status", "code"))
	var headers map[string]json.RawMessage
	for _, name := range []string{"headers", "responseHeaders", "response_headers"} {
		if json.Unmarshal(m[name], &headers) == nil && len(headers) > 0 {
			break
		}
	}
	for name := range headers {
		c.Header.Set(name, textOf(headers, name))
	}
	if c.ContentType == "" {
		c.ContentType = c.Header.Get("Content-Type")
	}
	return c, nil
}

// textOf gives the first of the members that is there, as text.
func textOf(m map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		raw := m[name]
		if len(raw) == 0 || string(raw) == "null" {
			continue
		}
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s
		}
		var list []string
		if json.Unmarshal(raw, &list) == nil {
			return strings.Join(list, ", ")
		}
		return string(raw)
	}
	return ""
}

// Exchange gives the facts of a case.
func (c Case) Exchange() Exchange {
	x := Exchange{ID: c.ID}
	x.Facts = gemini.Facts{Stage: plantain.Done, Status: c.Status, Header: c.Header, Body: scan(c.ContentType, []byte(c.Body))}
	x.At, _ = http.ParseTime(c.Header.Get("Date"))
	return x
}

// readObject reads an object that holds a response as its status and its body: a
// case, or the error object of an SDK.
func readObject(text []byte) (Exchange, bool) {
	head := text[:min(len(text), 64<<10)]
	if !bytes.Contains(head, []byte(`"body"`)) && !bytes.Contains(head, []byte(`esponseBody"`)) && !bytes.Contains(head, []byte(`"response_body"`)) {
		return Exchange{}, false
	}
	c, err := ParseCase(text)
	if err != nil || c.Body == "" && c.Status == 0 {
		return Exchange{}, false
	}
	return c.Exchange(), true
}

// readLines reads JSON lines, each of which is an object: results of a batch, or a
// log that is written as JSON. Nil: it is none.
func readLines(text []byte) []Exchange {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	second, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte("\n"))
	if len(second) == 0 || !isObject(first) || !isObject(second) {
		return nil
	}
	var found []Exchange
	for n, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if x, ok := readLine(line); ok {
			if x.ID == "" {
				x.ID = "line " + strconv.Itoa(n+1)
			}
			found = append(found, x)
		}
	}
	return found
}

func isObject(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) > 0 && line[0] == '{' && json.Valid(line)
}

// readLine reads one JSON line; false: nothing of an exchange is in it.
func readLine(line []byte) (Exchange, bool) {
	if x, ok := readObject(line); ok {
		return x, true
	}
	body := scan("", line)
	if body.Key != "" {
		return Exchange{ID: body.Key, Facts: gemini.Facts{Body: body}}, true
	}
	if says(&body) && isGoogle(&body) {
		return Exchange{At: timeIn(string(line)), Facts: gemini.Facts{Body: body}}, true
	}
	return readRecord(string(line))
}

// isGoogle tells an answer or an error of an API from a line of a log that has a
// message of its own.
func isGoogle(b *gemini.Body) bool {
	if b.Candidates > 0 || len(b.Parts) > 0 || b.BlockReason != "" {
		return true
	}
	for i := range b.Errors {
		if e := &b.Errors[i]; e.Code != 0 || e.Status == strings.ToUpper(e.Status) && e.Status != "" {
			return true
		}
	}
	return false
}
