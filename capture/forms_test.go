package capture_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/plantainhq/plantain/capture"
	"github.com/plantainhq/plantain/verdict"
)

// An errorBody is Google's error as the Go SDK decodes it.
type errorBody struct {
	Error struct {
		Code    int
		Message string
		Status  string
		Details []map[string]any
	}
}

// same compares what a form of a case means with the case itself. An SDK may leave
// out what decides the finer points.
func same(t *testing.T, c told, form string, found []capture.Exchange, coarse bool) {
	t.Helper()
	if len(found) != 1 {
		t.Errorf("%s as %s: %d exchanges", c.Case.ID, form, len(found))
		return
	}
	got := capture.Explain(found[0], verdict.Rules{}, capture.Hour{})
	want := c.Explanation
	if got.Class != want.Class || got.Charged != want.Charged || !coarse && got.Verdict().Limit != want.Verdict().Limit {
		t.Errorf("%s as %s: %s, want %s", c.Case.ID, form, got.Line(), want.Line())
	}
}

func message(c told, end, before string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%sHTTP/1.1 %d %s%s", before, c.Status, http.StatusText(c.Status), end)
	if c.ContentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s%s", c.ContentType, end)
	}
	for name := range c.Header {
		fmt.Fprintf(&b, "%s: %s%s", name, c.Header.Get(name), end)
	}
	b.WriteString("Date: Tue, 24 Nov 2026 11:00:00 GMT" + end + end + c.Body)
	return []byte(b.String())
}

func verbose(c told) []byte {
	head, body, _ := strings.Cut(string(message(c, "\n", "")), "\n\n")
	var b strings.Builder
	b.WriteString("* Host generativelanguage.googleapis.com:443 was resolved.\n* Connected\n" +
		"> POST /v1beta/models/gemini-3-pro-image:generateContent HTTP/2\n> Host: generativelanguage.googleapis.com\n> \n* Request completely sent off\n")
	for line := range strings.SplitSeq(head, "\n") {
		b.WriteString("< " + line + "\n")
	}
	b.WriteString("< \n" + body + "\n* Connection #0 to host generativelanguage.googleapis.com left intact\n")
	return []byte(b.String())
}

func coded(t *testing.T, c told) []byte {
	t.Helper()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(c.Body)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(message(c, "\r\n", "")), "\r\n\r\n")
	return fmt.Appendf(nil, "%s\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, zipped.Len(), zipped.String())
}

func archive(t *testing.T, c told, coded bool) []byte {
	t.Helper()
	content := map[string]any{"mimeType": c.ContentType, "text": c.Body, "size": len(c.Body)}
	if coded {
		content["text"], content["encoding"] = base64.StdEncoding.EncodeToString([]byte(c.Body)), "base64"
	}
	headers := []map[string]string{}
	for name := range c.Header {
		headers = append(headers, map[string]string{"name": name, "value": c.Header.Get(name)})
	}
	entry := func(method, url string, status int, content any) map[string]any {
		return map[string]any{"startedDateTime": "2026-11-24T11:00:00.000Z", "time": 812.5,
			"request":  map[string]any{"method": method, "url": url},
			"response": map[string]any{"status": status, "headers": headers, "content": content}}
	}
	har, err := json.Marshal(map[string]any{"log": map[string]any{"version": "1.2", "entries": []any{
		entry("GET", "https://app.example/", 404, map[string]any{"text": "<html>"}),
		entry("POST", "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro-image:generateContent?key=AIzaSyFAKE", c.Status, content),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return har
}

func object(t *testing.T, c told) []byte {
	t.Helper()
	b, err := json.MarshalIndent(map[string]any{"name": "AI_APICallError", "statusCode": c.Status, "responseHeaders": c.Header,
		"content_type": c.ContentType, "responseBody": c.Body}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wide(text []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(string(text))) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// python prints JSON as Python prints a dict.
func python(body string) string {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var b strings.Builder
	write := func(s string) {
		quote := "'"
		if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
			quote = `"`
		}
		s = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, quote, `\`+quote).Replace(s)
		b.WriteString(quote + s + quote)
	}
	var value func()
	value = func() {
		t, err := d.Token()
		if err != nil {
			return
		}
		switch t := t.(type) {
		case json.Delim:
			b.WriteString(t.String())
			for first := true; d.More(); first = false {
				if !first {
					b.WriteString(", ")
				}
				if t == '{' {
					name, _ := d.Token()
					write(name.(string))
					b.WriteString(": ")
				}
				value()
			}
			if end, err := d.Token(); err == nil {
				fmt.Fprint(&b, end)
			}
		case string:
			write(t)
		case bool:
			b.WriteString(map[bool]string{true: "True", false: "False"}[t])
		case nil:
			b.WriteString("None")
		default:
			fmt.Fprint(&b, t)
		}
	}
	value()
	return b.String()
}
