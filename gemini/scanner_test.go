package gemini

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
)

// A captured body is one line of the labelled failures.
type captured struct {
	ID          string
	ContentType string `json:"content_type"`
	Body        string
}

// capturedBodies gives the labelled failures, none where they are not at hand.
func capturedBodies(tb testing.TB) []captured {
	tb.Helper()
	f, err := os.Open("../../shared/failures/visible.jsonl")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []captured
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c captured
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			tb.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// scan gives what is found in body when it is written in pieces of these
// lengths, over and over.
func scan(contentType, body string, pieces ...int) Body {
	s := NewScanner(contentType)
	write(s, body, pieces)
	return s.Finish()
}

func write(w interface{ Write([]byte) (int, error) }, body string, pieces []int) {
	for i := 0; len(body) > 0; i++ {
		n := len(body)
		if len(pieces) > 0 {
			n = min(n, max(1, pieces[i%len(pieces)]))
		}
		w.Write([]byte(body[:n]))
		body = body[n:]
	}
}

// diff fails the test where want and got differ, with the fields that do.
func diff(t *testing.T, want, got any) {
	t.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	if w.Kind() != reflect.Struct || w.Type() != g.Type() {
		t.Errorf("want %+v\n got %+v", want, got)
		return
	}
	for i := range w.NumField() {
		if a, b := w.Field(i).Interface(), g.Field(i).Interface(); !reflect.DeepEqual(a, b) {
			t.Errorf("%s:\nwant %+v\n got %+v", w.Type().Field(i).Name, a, b)
		}
	}
}

func TestCapturedBodiesGiveTheSameFactsInAnyChunking(t *testing.T) {
	t.Parallel()
	for _, c := range capturedBodies(t) {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			whole := scan(c.ContentType, c.Body)
			diff(t, whole, scan(c.ContentType, c.Body, 1))
			random := rand.New(rand.NewPCG(1, uint64(len(c.Body))))
			for range 20 {
				diff(t, whole, scan(c.ContentType, c.Body, random.IntN(40), random.IntN(400), random.IntN(9)))
			}
		})
	}
}
