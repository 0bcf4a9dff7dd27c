package verdict_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/verdict"
)

// A labelled is one captured response and the verdict that it should get, in the
// form of failures/README.md.
type labelled struct {
	ID          string            `json:"id"`
	Status      int               `json:"http_status"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers"`
	Body        string            `json:"body"`
	Surface     string            `json:"surface"`
	Fidelity    string            `json:"fidelity"`
	Truth       struct {
		Class   string          `json:"class"`
		Retry   plantain.Retry  `json:"retry"`
		Wait    *float64        `json:"wait_seconds"`
		Stated  *float64        `json:"stated_wait_seconds"`
		Limit   plantain.Limit  `json:"limit"`
		Charged json.RawMessage `json:"charged"`
	} `json:"truth"`
}

// visible are captured failures that are kept beside the repository.
const visible = "../../shared/failures/visible.jsonl"

func present(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// readCases reads a file of labelled responses.
func readCases(t testing.TB, path string) []labelled {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []labelled
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var c labelled
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// facts is what the scanner finds in the response.
func (c labelled) facts() gemini.Facts {
	return factsOf(c.Status, c.ContentType, c.Headers, []byte(c.Body))
}

func factsOf(status int, contentType string, headers map[string]string, body []byte) gemini.Facts {
	s := gemini.NewScanner(contentType)
	s.Write(body)
	f := gemini.Facts{Stage: plantain.Done, Status: status, Header: http.Header{}, Body: s.Finish()}
	for name, value := range headers {
		f.Header.Set(name, value)
	}
	return f
}

// check compares a verdict with the label and names what differs. A body that
// was cut is "unclassifiable" among the labels, which know no unanswered.
func (c labelled) check(v plantain.Verdict) (wrong []string) {
	class := v.Class.String()
	if v.Class == plantain.Unanswered {
		class = plantain.Unclassifiable.String()
	}
	if class != c.Truth.Class {
		wrong = append(wrong, "class "+class+", want "+c.Truth.Class)
	}
	if v.Retry != c.Truth.Retry {
		wrong = append(wrong, "retry "+string(v.Retry)+", want "+string(c.Truth.Retry))
	}
	if v.Limit != c.Truth.Limit {
		wrong = append(wrong, "limit "+string(v.Limit)+", want "+string(c.Truth.Limit))
	}
	if !within(v.Wait, c.Truth.Wait) {
		wrong = append(wrong, "wait "+v.Wait.String())
	}
	if !within(v.Stated, c.Truth.Stated) {
		wrong = append(wrong, "stated "+v.Stated.String())
	}
	charged, err := v.Charged.MarshalJSON()
	if want := string(c.Truth.Charged); err != nil || want != `"unknown"` && string(charged) != want {
		wrong = append(wrong, "charged "+string(charged)+", want "+want)
	}
	return wrong
}

// within allows a second, which RetryInfo drops.
func within(got time.Duration, want *float64) bool {
	if want == nil {
		return got == 0
	}
	return math.Abs(got.Seconds()-*want) <= 1
}

func TestVisibleCasesGetTheirLabels(t *testing.T) {
	t.Parallel()
	if !present(visible) {
		t.Skip("the captured failures are not here")
	}
	checkLabels(t, readCases(t, visible))
}

func TestOwnCasesGetTheirLabels(t *testing.T) {
	t.Parallel()
	cases := ownCases(t)
	checkLabels(t, cases)
	count := map[string]int{}
	for _, c := range cases {
		count[c.Truth.Class]++
	}
	for _, class := range classes {
		if class != plantain.Unanswered && count[class.String()] < 2 {
			t.Errorf("class %s has %d cases, want 2 or more", class, count[class.String()])
		}
	}
}

// ownCases are the cases of this repository: shapes made by hand, and bodies that
// people showed in public.
func ownCases(t testing.TB) []labelled {
	return append(readCases(t, "testdata/cases.jsonl"), readCases(t, "testdata/public.jsonl")...)
}

// classes are all that a verdict can have.
var classes = []plantain.Class{
	plantain.Unclassifiable, plantain.Success, plantain.QuotaUnknown, plantain.RateMinute, plantain.RateDay,
	plantain.QuotaZero, plantain.Billing, plantain.Capacity, plantain.ServerError, plantain.Timeout,
	plantain.Unanswered, plantain.ThoughtSignature, plantain.BadRequest, plantain.KeyInvalid, plantain.Permission,
	plantain.Region, plantain.ModelNotFound, plantain.SafetyPrompt, plantain.SafetyImage, plantain.Recitation,
	plantain.NoImage, plantain.Truncated,
}

// checkLabels judges by both settings of billing.filtered, and says how many of
// the cases were right, with and without those that no one captured.
func checkLabels(t *testing.T, cases []labelled) {
	var right, captured, rightCaptured int
	for _, c := range cases {
		f := c.facts()
		wrong := c.check(verdict.Judge(f))
		free := verdict.Rules{Filtered: plantain.FilteredFree}
		for _, w := range c.check(free.Judge(f)) {
			if len(wrong) == 0 {
				t.Errorf("%s: with filtered answers free: %s", c.ID, w)
			}
		}
		for _, w := range wrong {
			t.Errorf("%s: %s", c.ID, w)
		}
		if len(wrong) == 0 {
			right++
		}
		if c.Fidelity != "derived" {
			captured++
			if len(wrong) == 0 {
				rightCaptured++
			}
		}
	}
	t.Logf("%d of %d right; without derived cases %d of %d", right, len(cases), rightCaptured, captured)
}
