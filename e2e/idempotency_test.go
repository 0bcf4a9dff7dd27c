package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const flash = "gemini-3.1-flash-image"

// serve runs the gateway in a folder that has a configuration.
func serve(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return start(t, dir, nil, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
}

// keyed sends the prompt with an Idempotency-Key.
func (p *process) keyed(key string, header ...string) answer {
	p.t.Helper()
	return p.generate(flash, prompt, append(header, "Idempotency-Key", key)...)
}

// sameAnswer checks that b is a given once more.
func sameAnswer(t *testing.T, when string, a, b answer) {
	t.Helper()
	if b.StatusCode != a.StatusCode || !bytes.Equal(a.body, b.body) {
		t.Errorf("%s: got %d with %d bytes, want %d with the same %d bytes\n%.500s", when, b.StatusCode, len(b.body), a.StatusCode, len(a.body), b.body)
	}
	if b.Header.Get("Idempotent-Replayed") != "true" || b.Header.Get("Plantain-Request-Id") != a.Header.Get("Plantain-Request-Id") {
		t.Errorf("%s: the headers are %v", when, b.Header)
	}
	for _, name := range []string{"Content-Type", "Plantain-Cost-Usd", "Plantain-Verdict"} {
		if first := a.Header.Get(name); first != "" && first != b.Header.Get(name) {
			t.Errorf("%s: %s is %q, and was %q", when, name, b.Header.Get(name), first)
		}
	}
}

func (g *google) onlyOne(verb string) {
	g.t.Helper()
	if n := len(g.arrivals(verb)); n != 1 {
		g.t.Errorf("%d calls reached Google, want 1", n)
	}
}

func TestIdempotencyGivesTheSameAnswerAfterTheEnd(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := serve(t, dir)
	first := gw.keyed("k")
	if first.StatusCode != 200 || first.Header.Get("Idempotent-Replayed") != "" {
		t.Fatalf("got %d %v", first.StatusCode, first.Header)
	}
	sameAnswer(t, "at once", first, gw.keyed("k"))
	gw.interrupt()
	gw = serve(t, dir)
	sameAnswer(t, "after a restart", first, gw.keyed("k"))
	gw.kill()
	gw = serve(t, dir)
	sameAnswer(t, "after a kill", first, gw.keyed("k"))
	other := gw.generate(flash, strings.Replace(prompt, "red", "green", 1), "Idempotency-Key", "k")
	if other.StatusCode != 422 || !strings.Contains(string(other.body), "another request body") {
		t.Errorf("another body got %d %s", other.StatusCode, other.body)
	}
	sim.onlyOne(":generateContent")
}

// streamed sends the prompt with an Idempotency-Key and reads the stream.
func (p *process) streamed(model, query, key string) answer {
	p.t.Helper()
	return p.ask(http.MethodPost, "/v1beta/models/"+model+":streamGenerateContent"+query, prompt, "Idempotency-Key", key)
}

func TestIdempotencyOfAStream(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"?alt=sse", ""} {
		sim := startSim(t)
		dir := t.TempDir()
		writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
		gw := serve(t, dir)
		first := gw.streamed(flash, query, "k")
		if first.StatusCode != 200 {
			t.Fatalf("got %d", first.StatusCode)
		}
		gw.kill()
		gw = serve(t, dir)
		sameAnswer(t, "a stream"+query, first, gw.streamed(flash, query, "k"))
		sim.onlyOne(":streamGenerateContent")
	}
}

// A stream that broke when part of it had been seen is owed as it was seen: the
// picture in it is paid for.
func TestIdempotencyOfAStreamThatBroke(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		model, query string
		fault        map[string]any
		picture      bool
	}{
		"an error behind the picture":        {flash, "?alt=sse", next("midstream_error", 1), true},
		"the same, as an array":              {flash, "", next("midstream_error", 1), true},
		"a cut in the picture behind a word": {"gemini-2.5-flash-image", "?alt=sse", next("cut", 1, "bytes", 10_000), false},
		"an error in the place of a picture": {"gemini-2.5-flash-image", "", next("midstream_error", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			dir := t.TempDir()
			writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
			gw := serve(t, dir)
			sim.fault(c.fault)
			first := gw.streamed(c.model, c.query, "k")
			if first.StatusCode != 200 || bytes.Contains(first.body, []byte("inlineData")) != c.picture {
				t.Fatalf("got %d %.300s", first.StatusCode, first.body)
			}
			sameAnswer(t, "at once", first, gw.streamed(c.model, c.query, "k"))
			gw.kill()
			gw = serve(t, dir)
			sameAnswer(t, "after a kill", first, gw.streamed(c.model, c.query, "k"))
			sim.onlyOne(":streamGenerateContent")
		})
	}
}

func TestIdempotencyKeysOfClientsAreTheirOwn(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	alice, bob := gw.plantain("keys", "create", "alice"), gw.plantain("keys", "create", "bob")
	hers := gw.keyed("k", "x-goog-api-key", alice)
	his := gw.keyed("k", "x-goog-api-key", bob)
	if his.StatusCode != 200 || his.Header.Get("Idempotent-Replayed") != "" || bytes.Equal(hers.body, his.body) {
		t.Errorf("with the key of another client's request bob got %d %v", his.StatusCode, his.Header)
	}
	id := hers.Header.Get("Plantain-Request-Id")
	for key, want := range map[string]int{alice: 200, bob: 404} {
		if a := gw.answerOf(id, "x-goog-api-key", key); a.StatusCode != want {
			t.Errorf("the answer of alice's request is %d, want %d", a.StatusCode, want)
		}
	}
}

func TestIdempotencyIsAnExplainedUnknownAfterAKill(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := serve(t, dir)
	sim.fault(next("hang", 1))
	go func() { _, _ = gw.try(context.Background(), flash, prompt, "Idempotency-Key", "k") }()
	waitFor(t, "the attempt to be out", func() bool { return gw.used("a", "rpm") == 1 && len(sim.arrivals(":generateContent")) == 1 })
	gw.kill()
	gw = serve(t, dir)
	for range 2 {
		a := gw.keyed("k")
		d := a.detail(t)
		if a.StatusCode != 502 || d["verdict"] != "unanswered" || d["charged"] != "unknown" || !strings.Contains(d["explanation"], "between $0") || !strings.Contains(d["next"], "Plantain-Force: unknown") {
			t.Errorf("got %d %v", a.StatusCode, d)
		}
	}
	sim.onlyOne(":generateContent")
	forced := gw.keyed("k", "Plantain-Force", "unknown")
	if forced.StatusCode != 200 {
		t.Errorf("forced: got %d %.300s", forced.StatusCode, forced.body)
	}
	sameAnswer(t, "after it was forced", forced, gw.keyed("k", "Plantain-Force", "unknown"))
	if n := len(sim.arrivals(":generateContent")); n != 2 {
		t.Errorf("%d calls reached Google, want 2", n)
	}
}

// Whenever the gateway dies, each key ends with one image or one unknown, and no
// key is generated for twice.
func TestIdempotencyWhateverMomentTheGatewayIsKilledAt(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, "spool: {memory: 64KB}")
	gw := serve(t, dir)
	arrived := func() int { return len(sim.arrivals(":generateContent")) }
	files := func(folder string) int { return filesIn(filepath.Join(dir, "images", folder)) }
	images := 0
	for n := range 15 {
		answered := make(chan struct{})
		calls, kept := arrived(), files("answers")
		moment := []struct {
			name    string
			fault   map[string]any // that makes it last
			reached func() bool
			ends    string // empty: as it happens
		}{
			{"at once", nil, func() bool { return true }, ""},
			{"when it has arrived", next("hang", 1, "delay", "20s"), func() bool { return arrived() > calls }, "unknown"},
			{"while the answer comes", next("slow", 1, "rate", 100_000), func() bool { return files("spool") > 0 }, "unknown"},
			{"while the answer is kept", nil, func() bool { return files("answers") > kept }, ""},
			{"when the client has it", nil, func() bool { return isClosed(answered) }, "image"},
		}[n%5]
		if moment.fault != nil {
			sim.fault(moment.fault)
		}
		key := fmt.Sprint("k", n)
		body := strings.Replace(prompt, "red", fmt.Sprint("red ", n), 1)
		go func() {
			defer close(answered)
			_, _ = gw.try(t.Context(), flash, body, "Idempotency-Key", key)
		}()
		waitFor(t, "the moment "+moment.name, moment.reached)
		gw.kill()
		<-answered
		gw = serve(t, dir)
		first := gw.generate(flash, body, "Idempotency-Key", key)
		again := gw.generate(flash, body, "Idempotency-Key", key)
		if first.StatusCode != again.StatusCode || first.StatusCode == 200 && !bytes.Equal(first.body, again.body) {
			t.Errorf("killed %s: got %d and then %d", moment.name, first.StatusCode, again.StatusCode)
		}
		ended := "image"
		if first.StatusCode == 200 {
			images++
		} else if ended = first.detail(t)["charged"]; ended != "unknown" {
			t.Errorf("killed %s: got %d: %s", moment.name, first.StatusCode, first.body)
		}
		if moment.ends != "" && ended != moment.ends {
			t.Errorf("killed %s it ends as %s, want %s", moment.name, ended, moment.ends)
		}
	}
	seen := map[string]int{}
	for _, a := range sim.arrivals(":generateContent") {
		if seen[a.Prompt]++; seen[a.Prompt] > 1 {
			t.Errorf("%q was asked for twice", a.Prompt)
		}
	}
	waitFor(t, "the spool and the answers to hold nothing of nobody", func() bool {
		fresh, _ := filepath.Glob(filepath.Join(dir, "images", "answers", ".new-*"))
		return files("answers") == images && len(fresh) == 0 && files("spool") == 0
	})
}

// filesIn counts what is in a folder, those that are being written too.
func filesIn(folder string) int {
	files, _ := os.ReadDir(folder)
	return len(files)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestIdempotencyKeepsNoRefusalThatCostNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "retry: {attempts: 1}")
	sim.fault(next("capacity", 1))
	if a := gw.keyed("k"); a.StatusCode != 503 {
		t.Fatalf("got %d", a.StatusCode)
	}
	if a := gw.keyed("k"); a.StatusCode != 200 {
		t.Errorf("when Google has capacity again: got %d %s", a.StatusCode, a.body)
	}
}

func TestIdempotencyKeepsARefusalThatWasPaidFor(t *testing.T) {
	t.Parallel()
	for fault, status := range map[string]int{"safety_image_silent": 200, "drop": 502} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t)
			gw := startGateway(t, sim.URL, []string{"sim-1-a"})
			sim.fault(next(fault, 1))
			first := gw.keyed("k")
			if first.StatusCode != status {
				t.Fatalf("got %d %s", first.StatusCode, first.body)
			}
			sameAnswer(t, fault, first, gw.keyed("k"))
			sim.onlyOne(":generateContent")
		})
	}
}

func TestIdempotencyExpires(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "retention: {idempotency: 2h}")
	gw := serve(t, dir)
	first := gw.keyed("k")
	gw.interrupt()
	gw = serve(t, dir, "--clock-shift", "1h59m")
	sameAnswer(t, "within two hours", first, gw.keyed("k"))
	gw.interrupt()
	gw = serve(t, dir, "--clock-shift", "2h1m")
	if left, _ := os.ReadDir(filepath.Join(dir, "images", "answers")); len(left) != 0 {
		t.Errorf("%d expired answers are still on the disk", len(left))
	}
	if a := gw.keyed("k"); a.StatusCode != 200 || a.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("after two hours: got %d %v", a.StatusCode, a.Header)
	}
}

func TestIdempotencyIsBoundedOnDisk(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	const bound = 6_000_000
	writeConfig(t, dir, sim.URL, []string{"sim-3-a"}, "retention: {idempotency_max: 6MB}")
	gw := serve(t, dir)
	var last answer
	for n := range 6 {
		last = gw.keyed(fmt.Sprint("k", n))
	}
	size := func() (sum int64) {
		files, _ := os.ReadDir(filepath.Join(dir, "images", "answers"))
		for _, f := range files {
			if at, err := f.Info(); err == nil {
				sum += at.Size()
			}
		}
		return sum
	}
	waitFor(t, "the oldest to go", func() bool { return size() <= bound })
	if size() == 0 {
		t.Error("nothing is kept")
	}
	sameAnswer(t, "the last", last, gw.keyed("k5"))
	a := gw.keyed("k0")
	if d := a.detail(t); a.StatusCode != 409 || d["charged"] != "yes" || !strings.Contains(d["explanation"], "answered before") {
		t.Errorf("the first: got %d %v", a.StatusCode, d)
	}
	if n := len(sim.arrivals(":generateContent")); n != 6 {
		t.Errorf("%d calls reached Google, want 6", n)
	}
}

func TestIdempotencyOnAFullDisk(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	answers := filepath.Join(dir, "images", "answers")
	smallDisk(t, answers)
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := serve(t, dir)
	empty := fill(t, answers)
	if a := gw.keyed("k"); a.StatusCode != 200 || !bytes.Contains(a.body, []byte("inlineData")) {
		t.Errorf("the client paid for it and got %d", a.StatusCode)
	}
	// Until the first request has landed, its answer is that of a repeated one as well.
	var a answer
	waitFor(t, "the copy to be missed", func() bool { a = gw.keyed("k"); return a.StatusCode != 200 })
	if d := a.detail(t); a.StatusCode != 409 || d["charged"] != "yes" || !strings.Contains(d["next"], "Plantain-Force: unknown") {
		t.Errorf("repeated: got %d %v", a.StatusCode, d)
	}
	sim.onlyOne(":generateContent")
	if text := gw.metrics(""); !strings.Contains(text, "plantain_answers_lost_total 1") {
		t.Error("the metrics do not tell of the loss")
	}
	if !strings.Contains(gw.output(), "could not be kept") {
		t.Error("the log does not tell of the loss")
	}
	empty()
	if forced := gw.keyed("k", "Plantain-Force", "unknown"); forced.StatusCode != 200 {
		t.Errorf("forced: got %d", forced.StatusCode)
	}
	if a := gw.keyed("k"); a.StatusCode != 200 || a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("with room again: got %d", a.StatusCode)
	}
}

// Gateways that share a database and a folder share what is owed.
func TestIdempotencyAcrossGateways(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	images := fmt.Sprintf("images: %q", "file:"+t.TempDir())
	store := fmt.Sprintf("store: %q", startPostgres(t))
	gateways := []*process{
		startGateway(t, sim.URL, two, store, images),
		startGateway(t, sim.URL, two, store, images),
	}
	answers := make([]answer, 6)
	var wg sync.WaitGroup
	for n := range answers {
		wg.Go(func() {
			a, err := gateways[n%2].try(context.Background(), flash, prompt, "Idempotency-Key", "k")
			if err != nil {
				t.Error(err)
			}
			answers[n] = a
		})
	}
	wg.Wait()
	for n, a := range answers {
		if a.StatusCode != 200 || !bytes.Equal(a.body, answers[0].body) {
			t.Errorf("caller %d got %d with %d bytes: %.300s", n, a.StatusCode, len(a.body), a.body)
		}
	}
	sim.onlyOne(":generateContent")
	for _, gw := range gateways {
		if a := gw.keyed("k"); !bytes.Equal(a.body, answers[0].body) {
			t.Errorf("later: got %d", a.StatusCode)
		}
	}
	sim.onlyOne(":generateContent")
}
