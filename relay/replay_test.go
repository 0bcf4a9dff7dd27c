package relay_test

import (
	"cmp"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/capture"
	"github.com/plantainhq/plantain/verdict"
)

// recorded are captured responses with their labels. Those outside of the
// repository are read where they are.
var recorded = []string{"../verdict/testdata/cases.jsonl", "../verdict/testdata/public.jsonl", "../../shared/failures/visible.jsonl"}

// A recording is a captured response, what it means by itself, and its label.
type recording struct {
	capture.Case
	means plantain.Verdict
}

func recordings(t *testing.T) []recording {
	t.Helper()
	var all []recording
	for _, path := range recorded {
		file, err := os.Open(path)
		if os.IsNotExist(err) && strings.Contains(path, "shared") {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		err = capture.Cases(file, verdict.Rules{}, capture.Hour{}, func(c capture.Case, e capture.Explanation) error {
			if agrees, told := c.Agrees(e); !told || !agrees {
				t.Errorf("%s is not judged as it is labelled", c.ID)
			}
			all = append(all, recording{c, e.Verdict()})
			return nil
		})
		if err := cmp.Or(err, file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// inBatch tells a line of a batch's results, which is no HTTP response.
func (r recording) inBatch() bool {
	return strings.Contains(r.ID, "batch") && r.Status == http.StatusOK
}

// played answers with a recording.
func (r recording) played() reply {
	return func(q *http.Request) (*http.Response, error) {
		take(q)
		h := r.Header.Clone()
		if r.ContentType != "" {
			h.Set("Content-Type", r.ContentType)
		}
		return &http.Response{StatusCode: r.Status, Header: h, Request: q,
			Body: io.NopCloser(strings.NewReader(r.Body)), ContentLength: int64(len(r.Body))}, nil
	}
}

// expected is the retry table of the design: who is asked, a having the answer and
// b a picture, and the status that the client gets.
func expected(v plantain.Verdict, status int, stream bool) (calls string, final int) {
	const once, moved, again = "a", "ab", "aaaaaa"
	if v.Class == plantain.Unanswered && !stream { // a stream had begun, and ends in an error
		return once, http.StatusBadGateway
	}
	if v.Charged != plantain.ChargedNo {
		return once, status
	}
	switch v.Class {
	case plantain.QuotaUnknown, plantain.RateMinute, plantain.RateDay, plantain.QuotaZero, plantain.Billing,
		plantain.KeyInvalid, plantain.Permission:
		return moved, http.StatusOK
	case plantain.Capacity, plantain.ServerError, plantain.Timeout:
		return again, status // only a is there for these: back-off is not moving on
	default:
		return once, status
	}
}

var errorCode = regexp.MustCompile(`"code": ?([45][0-9][0-9])`)

// Every captured response, played through the loop by an upstream that gives it:
// how often Google is asked, what the client gets, what stands in the ledger.
func TestCapturedResponsesEndAsTheRetryTableSays(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		if r.inBatch() {
			continue
		}
		story(t, r.ID, func(t *testing.T) {
			stream := strings.HasPrefix(r.ContentType, "text/event-stream")
			calls, status := expected(r.means, r.Status, stream)
			script := map[string][]reply{"a": list(r.played())}
			if calls == "ab" || calls == "a" {
				script["b"] = list(says(200, success))
			}
			h := newHouse(t, script)
			q := request(t.Context(), "gemini-3.1-flash-image", `{"contents":[{"parts":[{"text":"a red apple"}]}],"generationConfig":{"responseModalities":["IMAGE"]}}`)
			if stream {
				q.URL.Path = strings.Replace(q.URL.Path, ":generateContent", ":streamGenerateContent", 1)
				q.URL.RawQuery = "alt=sse"
			}
			g := h.do(t, q)
			if got := h.google.calls(); got != calls {
				t.Errorf("%v, charged %v: asked %s, want %s", r.means.Class, r.means.Charged, got, calls)
			}
			if m := errorCode.FindStringSubmatch(r.Body); calls == "aaaaaa" && status == http.StatusOK && m != nil && !strings.Contains(r.Body, "choices") {
				status, _ = strconv.Atoi(m[1]) // nothing of the stream had come but its error
			}
			if g.StatusCode != status {
				t.Errorf("%v: the client got %d, want %d\n%s", r.means.Class, g.StatusCode, status, g.body)
			}
			if len(h.books.entries) != len(calls) {
				t.Fatalf("%d attempts settled, want %d", len(h.books.entries), len(calls))
			}
			e := h.books.entries[0]
			if e.Verdict.Class != r.means.Class || e.Verdict.Charged != r.means.Charged || e.Verdict.Limit != r.means.Limit || e.Status != r.Status {
				t.Errorf("the ledger has %v (%d), charged %v, limit %q; want %v (%d), %v, %q", e.Verdict.Class, e.Status, e.Verdict.Charged,
					e.Verdict.Limit, r.means.Class, r.Status, r.means.Charged, r.means.Limit)
			}
			switch e.Verdict.Charged {
			case plantain.ChargedNo:
				if e.Cost != plantain.Exactly(0) {
					t.Errorf("it is free and costs %v", e.Cost)
				}
			case plantain.ChargedYes:
				if e.Cost.High == 0 {
					t.Error("it is charged and costs nothing")
				}
			case plantain.ChargedUnknown:
				if e.Cost.Low != 0 {
					t.Errorf("whether it is charged is unknown, and it costs at least %v", e.Cost.Low)
				}
			}
		})
	}
}
