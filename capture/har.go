package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A har is the part of a HAR file that is of interest (the HAR 1.2 specification).
type har struct {
	Log struct {
		Entries []harEntry `json:"entries"`
	} `json:"log"`
}

type harEntry struct {
	Started time.Time `json:"startedDateTime"`
	Time    float64   `json:"time"` // milliseconds
	Request struct {
		Method   string `json:"method"`
		URL      string `json:"url"`
		PostData struct {
			Text string `json:"text"`
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status  int `json:"status"`
		Headers []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
		Content struct {
			MIME     string `json:"mimeType"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
		Error string `json:"_error"` // Chrome's
	} `json:"response"`
}

// readHAR reads the exchanges of a HAR file that are calls of an image API, or, if
// none is, those that failed; nil: it is no HAR file.
func readHAR(text []byte) []Exchange {
	if !bytes.Contains(text[:min(len(text), 4<<10)], []byte(`"log"`)) {
		return nil
	}
	var h har
	if json.Unmarshal(text, &h) != nil || h.Log.Entries == nil {
		return nil
	}
	var calls, failed []Exchange
	for i := range h.Log.Entries {
		e := &h.Log.Entries[i]
		switch {
		case isCall(e.Request.Method, e.Request.URL):
			calls = append(calls, e.exchange())
		case e.Response.Status >= 400:
			failed = append(failed, e.exchange())
		}
	}
	switch {
	case len(calls) > 0:
		return calls
	case len(failed) > 0:
		return failed
	default:
		return []Exchange{{ID: "no call of an image API stands in this HAR file"}}
	}
}

// isCall tells the calls of an image API from the rest of a page's traffic.
func isCall(method, address string) bool {
	if method == http.MethodGet && !strings.Contains(address, "batches/") {
		return false
	}
	for _, part := range []string{":generateContent", ":streamGenerateContent", ":batchGenerateContent", ":predict",
		"/images/generations", "/images/edits", "/chat/completions", "/interactions", "batches/"} {
		if strings.Contains(address, part) {
			return true
		}
	}
	return false
}

func (e *harEntry) exchange() Exchange {
	x := Exchange{ID: e.Request.Method + " " + bare(e.Request.URL), At: e.Started, Model: modelOf(e.Request.URL)}
	f := &x.Facts
	f.Stage, f.Status, f.Header = plantain.Done, e.Response.Status, http.Header{}
	f.Took = time.Duration(e.Time * float64(time.Millisecond))
	for _, h := range e.Response.Headers {
		f.Header.Add(h.Name, h.Value)
	}
	if text := e.Request.PostData.Text; text != "" {
		var s gemini.RequestScanner
		_, _ = s.Write([]byte(text))
		f.Asked = s.Finish()
	}
	body := []byte(e.Response.Content.Text)
	if e.Response.Content.Encoding == "base64" {
		if raw, err := base64.StdEncoding.DecodeString(e.Response.Content.Text); err == nil {
			body = raw
		}
	}
	if f.Status == 0 { // the browser had no answer
		f.Stage, f.Err = plantain.Waiting, errors.New(e.Response.Error)
		if strings.Contains(e.Response.Error, "NAME_NOT_RESOLVED") || strings.Contains(e.Response.Error, "CONNECTION_REFUSED") {
			f.Stage = plantain.Dialing
		}
	}
	f.Body = scan(e.Response.Content.MIME, body)
	return x
}

// bare gives an address without its query, in which a key may stand.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	return u.Host + u.Path
}
