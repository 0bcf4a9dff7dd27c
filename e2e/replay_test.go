package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// A captured response with its label (failures/README.md).
type captured struct {
	ID          string
	Status      int    `json:"http_status"`
	ContentType string `json:"content_type"`
	Headers     map[string]string
	Body        string
	Surface     string
	Truth       struct {
		Class   string
		Charged any // false, true or "unknown"
	}
}

// capturedResponses are those beside the repository, where they are, else its own.
func capturedResponses(t *testing.T) (all []captured) {
	t.Helper()
	text, err := os.ReadFile("../../shared/failures/visible.jsonl")
	if os.IsNotExist(err) {
		text, err = os.ReadFile("../verdict/testdata/cases.jsonl")
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var c captured
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		if c.Surface != "batch-item" && !strings.Contains(c.ID, "batch") && c.Status >= 200 {
			all = append(all, c)
		}
	}
	return all
}

// retryTable is what the retry table of the design says of a captured response, where
// project a gives it and b, if it is there, makes a picture: who is asked, and the
// status that the client gets.
func (c captured) retryTable() (asked string, status int) {
	if c.Truth.Charged != false {
		return "a", c.Status // what may have been charged is never sent again
	}
	switch c.Truth.Class {
	case "quota_unknown", "rate_minute", "rate_day", "quota_zero", "billing", "key_invalid", "permission":
		return "ab", http.StatusOK
	case "capacity", "server_error", "timeout":
		return "aaaaaa", c.Status // without b: back-off is not moving on
	default:
		return "a", c.Status
	}
}

// Every captured response, given to a gateway by an upstream: how often Google is
// asked, what the client gets, and what stands in the ledger.
func TestCapturedResponsesThroughTheGateway(t *testing.T) {
	t.Parallel()
	made := largeAnswer(1 << 10)
	for _, c := range capturedResponses(t) {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			asked := ""
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				project := strings.TrimPrefix(r.Header.Get("X-Goog-Api-Key"), "sim-1-")
				mu.Lock()
				asked += project
				mu.Unlock()
				if project == "b" {
					w.Header().Set("Content-Type", "application/json; charset=UTF-8")
					_, _ = w.Write(made)
					return
				}
				for name, value := range c.Headers {
					w.Header().Set(name, value)
				}
				if c.ContentType != "" {
					w.Header().Set("Content-Type", c.ContentType)
				}
				w.WriteHeader(c.Status)
				_, _ = io.WriteString(w, c.Body)
			}))
			t.Cleanup(upstream.Close)
			want, status := c.retryTable()
			keys := []string{"sim-1-a", "sim-1-b"}
			if want == "aaaaaa" {
				keys = keys[:1]
			}
			gw := startGateway(t, upstream.URL, keys, "retry: {base: 1ms, cap: 2ms}")
			verb := ":generateContent"
			streamed := strings.HasPrefix(c.ContentType, "text/event-stream")
			if streamed {
				verb = ":streamGenerateContent?alt=sse"
			}
			got, err := http.Post(gw.URL+"/v1beta/models/gemini-3.1-flash-image"+verb, "application/json", strings.NewReader(prompt))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, got.Body)
			_ = got.Body.Close()
			mu.Lock()
			attempts := asked
			mu.Unlock()
			first := c.inLedger(t, gw, len(attempts))
			// Where the label leaves open whether it was charged, the ledger's word must
			// be what was acted on.
			if open := c.Truth.Charged == "unknown" && first.Charged == false; attempts != want && !open {
				t.Errorf("%s, charged %v: asked %q, want %q", c.Truth.Class, c.Truth.Charged, attempts, want)
			}
			// An answer that breaks off is none: it is told as a 502. How a stream ends
			// is in its events.
			broken := c.Truth.Class == "unclassifiable" && c.Status == 200 && got.StatusCode == http.StatusBadGateway
			if got.StatusCode != status && !streamed && !broken {
				t.Errorf("%s: the client got %d, want %d", c.Truth.Class, got.StatusCode, status)
			}
		})
	}
}

// A ledgerRow is an attempt of the ledger, as far as it is looked at here.
type ledgerRow struct {
	Verdict string
	Charged any
	Status  int
	Cost    struct {
		High int64 `json:"high_nanodollars"`
	}
}

// inLedger gives the first of so many attempts, which must stand there as labelled.
func (c captured) inLedger(t *testing.T, gw *process, attempts int) ledgerRow {
	t.Helper()
	var ledger struct{ Attempts []ledgerRow }
	gw.get("/api/v1/requests", &ledger)
	if len(ledger.Attempts) != attempts || attempts == 0 {
		t.Fatalf("%d attempts in the ledger, %d reached Google", len(ledger.Attempts), attempts)
	}
	first := ledger.Attempts[attempts-1] // newest first
	unanswered := c.Truth.Class == "unclassifiable" && first.Verdict == "unanswered"
	if first.Verdict != c.Truth.Class && !unanswered || first.Status != c.Status {
		t.Errorf("the ledger has %s (%d), want %s (%d)", first.Verdict, first.Status, c.Truth.Class, c.Status)
	}
	if c.Truth.Charged != "unknown" && first.Charged != c.Truth.Charged {
		t.Errorf("the ledger has charged %v, want %v", first.Charged, c.Truth.Charged)
	}
	if c.Truth.Charged == false && first.Cost.High != 0 {
		t.Errorf("it is free and costs %d", first.Cost.High)
	}
	if c.Truth.Charged == true && first.Cost.High == 0 {
		t.Error("it is charged and costs nothing")
	}
	return first
}
