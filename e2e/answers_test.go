package e2e

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// "last" is the newest request of whoever asks, as it is to explain; of one whose
// answer is not kept its id is told.
func TestIdempotencyAnswerOfTheLastRequest(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	alice, bob, boss := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "bob"), gw.plantain("keys", "create", "boss", "--admin")
	if a := gw.answerOf("last", "x-goog-api-key", alice); a.StatusCode != 404 || !bytes.Contains(a.body, []byte("no request is in the ledger yet")) {
		t.Errorf("before the first: %d %s", a.StatusCode, a.body)
	}
	gw.keyed("1", "x-goog-api-key", alice)
	hers := gw.keyed("2", "x-goog-api-key", alice)
	his := gw.keyed("3", "x-goog-api-key", bob)
	for key, want := range map[string]answer{alice: hers, bob: his, boss: his} {
		if got := gw.answerOf("last", "x-goog-api-key", key); got.StatusCode != 200 || !bytes.Equal(got.body, want.body) {
			t.Errorf("the last answer is %d %.100s, want that of %s", got.StatusCode, got.body, want.Header.Get("Plantain-Request-Id"))
		}
	}
	plain := gw.generate(flash, prompt, "x-goog-api-key", alice).Header.Get("Plantain-Request-Id")
	if a := gw.answerOf("last", "x-goog-api-key", alice); a.StatusCode != 404 || !bytes.Contains(a.body, []byte("no answer is kept for request "+plain)) {
		t.Errorf("of one that is not kept: %d %s, want a word of %s", a.StatusCode, a.body, plain)
	}
}

// answerOf reads the kept answer of a request.
func (p *process) answerOf(id string, header ...string) answer {
	p.t.Helper()
	return p.ask(http.MethodGet, "/api/v1/requests/"+id+"/answer", "", header...)
}

// hangUp asks, and leaves when the attempt is out. It comes back when that is noticed.
func (p *process) hangUp(google *slowGoogle, header ...string) {
	p.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = p.try(ctx, flash, prompt, header...)
	}()
	<-google.came
	leave()
	<-left
	waitFor(p.t, "the gateway to notice", func() bool { return strings.Contains(p.metrics(""), "plantain_requests_running 0") })
}

func TestIdempotencyFinishesForAClientThatHungUp(t *testing.T) {
	t.Parallel()
	google := startSlowGoogle(t)
	gw := startGateway(t, google.URL, []string{"sim-1-a"})
	gw.hangUp(google, "Idempotency-Key", "k")
	joined := make(chan answer)
	go func() {
		a, err := gw.try(context.Background(), flash, prompt, "Idempotency-Key", "k")
		if err != nil {
			t.Error(err)
		}
		joined <- a
	}()
	waitFor(t, "it to be asked for again", func() bool { return strings.Contains(gw.metrics(""), "plantain_requests_running 1") })
	google.make <- struct{}{}
	if a := <-joined; a.Response == nil || a.StatusCode != 200 {
		t.Errorf("while it runs: got %+v %.300s", a.Response, a.body)
	}
	if a := gw.keyed("k"); a.StatusCode != 200 || a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after it: got %d %.300s", a.StatusCode, a.body)
	}
	if n := len(google.came); n != 0 {
		t.Errorf("%d calls more reached Google", n)
	}
}

func TestIdempotencyWithoutAKeyIsByRequestID(t *testing.T) {
	t.Parallel()
	google := startSlowGoogle(t)
	dir := t.TempDir()
	writeConfig(t, dir, google.URL, []string{"sim-1-a"})
	gw := serve(t, dir)
	gw.hangUp(google)
	google.make <- struct{}{}
	waitFor(t, "the image to be settled", func() bool { return gw.spent() > 0 })
	var ledger struct{ Attempts []struct{ Request string } }
	gw.get("/api/v1/requests", &ledger)
	gw.kill()
	gw = serve(t, dir)
	if a := gw.answerOf(ledger.Attempts[0].Request); a.StatusCode != 200 || !bytes.Contains(a.body, []byte("inlineData")) || a.Header.Get("Plantain-Verdict") != "success" {
		t.Errorf("got %d %v %.300s", a.StatusCode, a.Header, a.body)
	}
	// One that was handed on and had no key is not kept.
	for range 5 {
		google.make <- struct{}{}
		id := gw.generate(flash, prompt).Header.Get("Plantain-Request-Id")
		if a := gw.answerOf(id); a.StatusCode != 404 {
			t.Errorf("got %d", a.StatusCode)
		}
	}
	if files, _ := os.ReadDir(filepath.Join(dir, "images", "answers")); len(files) != 1 {
		t.Errorf("%d answers are kept, want that of the client that left", len(files))
	}
}
