package relay_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
)

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func deflated(text string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 5)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// An aggregator may compress although it was asked not to. What is read through is
// handed on plain; what cannot be is handed on as it came, and says so.
func TestWhatIsNotDecodedIsNotCalledPlain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		encoding, sent, got string
		status              int
		class               plantain.Class
		left                string
	}{
		{"gzip", zipped(success), success, 200, plantain.Success, ""},
		{"GZIP", zipped(success), success, 200, plantain.Success, ""},
		{" x-gzip", zipped(success), success, 200, plantain.Success, ""},
		{"Identity", success, success, 200, plantain.Success, ""},
		{"deflate", deflated(success), deflated(success), 200, plantain.Unclassifiable, "deflate"},
		{"gzip, br", zipped(success), zipped(success), 200, plantain.Unclassifiable, "gzip, br"},
		{"zstd", "\x28\xb5\x2f\xfd", "", 503, plantain.Capacity, ""},
		{"gzip", success, "", 200, plantain.Unanswered, ""}, // it says so, and is not
	} {
		story(t, c.encoding+" "+c.class.String(), func(t *testing.T) {
			h := newHouse(t, map[string][]reply{"a": list(func(r *http.Request) (*http.Response, error) {
				res, err := says(c.status, c.sent)(r)
				res.Header.Set("Content-Encoding", c.encoding)
				return res, err
			})})
			h.Policy.Attempts = 1
			g := h.generate(t)
			if c.got != "" && (g.body != c.got || g.StatusCode != c.status) || c.got == "" && !strings.HasPrefix(g.body, "{") {
				t.Errorf("got %d %.300q", g.StatusCode, g.body)
			}
			e := h.books.entries[0]
			if e.Verdict.Class != c.class || g.Header.Get("Content-Encoding") != c.left {
				t.Errorf("judged %s, Content-Encoding %q: %s", e.Verdict.Class, g.Header.Get("Content-Encoding"), e.Verdict.Explanation)
			}
			if c.class == plantain.Unclassifiable && (e.Verdict.Charged != plantain.ChargedUnknown || e.Cost.High == 0) {
				t.Errorf("charged %s, %s", e.Verdict.Charged, e.Cost)
			}
		})
	}
}
