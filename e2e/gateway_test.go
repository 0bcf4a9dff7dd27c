package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// canned is an upstream that answers every request with the same bytes.
func canned(t *testing.T, body []byte, serve func(w http.ResponseWriter, r *http.Request, body []byte)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		serve(w, r, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// largeAnswer is a success of about size bytes, half picture, half signature.
func largeAnswer(size int) []byte {
	half := strings.Repeat("QUJD", size/8)
	return []byte(`{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/jpeg","data":"` + half +
		`"},"thoughtSignature":"` + half + `"}],"role":"model"},"finishReason":"STOP","index":0}],` +
		`"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2700,"totalTokenCount":2705,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":2520}]},` +
		`"modelVersion":"gemini-3.1-flash-image","responseId":"R"}`)
}

func TestBytesInAreBytesOut(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"1K, 4 MB": 4 << 20, "4K, 25 MB": 25 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := largeAnswer(size)
			url := canned(t, want, func(w http.ResponseWriter, r *http.Request, body []byte) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = w.Write(body)
			})
			gw := startGateway(t, url, []string{"sim-1-a"})
			if a := gw.generate("gemini-3.1-flash-image", prompt); !bytes.Equal(a.body, want) || a.ContentLength != int64(len(want)) {
				t.Errorf("%d bytes came back, want the %d that were sent", len(a.body), len(want))
			}
		})
	}
}

func TestWhatTheSimulatorSendsArrivesByteForByte(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	var upstream []byte
	var mu sync.Mutex
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := http.NewRequestWithContext(r.Context(), r.Method, sim.URL+r.URL.String(), r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		out.Header = r.Header.Clone()
		res, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		upstream = body
		mu.Unlock()
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		w.WriteHeader(res.StatusCode)
		_, _ = w.Write(body)
	}))
	t.Cleanup(between.Close)
	gw := startGateway(t, between.URL, []string{"sim-1-a"})
	body := `{"contents":[{"parts":[{"text":"A red apple"}]}],"generationConfig":{"imageConfig":{"imageSize":"4K"}}}`
	a := gw.generate("gemini-3.1-flash-image", body)
	mu.Lock()
	defer mu.Unlock()
	if a.StatusCode != 200 || len(a.body) < 10<<20 || !bytes.Equal(a.body, upstream) {
		t.Errorf("status %d, %d bytes came back, %d were sent", a.StatusCode, len(a.body), len(upstream))
	}
}

// A plain reverse proxy lost the end of 1 to 27 of 400 large answers of an
// upstream that answered before it had read the request.
func TestTheRequestIsReadWholeBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	want := largeAnswer(2 << 20)
	url := canned(t, want, func(w http.ResponseWriter, r *http.Request, body []byte) {
		_, _ = w.Write(body) // at once; the rest of the request is read afterwards
		_, _ = io.Copy(io.Discard, r.Body)
	})
	gw := startGateway(t, url, []string{"sim-1-a"}, "catalogue: {tiers: {1: {rpm: 100000, ipm: 100000, rpd: 100000, tpm: 1000000000000, ten_minute_dollars: 100000}}}")
	request := `{"contents":[{"parts":[{"text":"x"},{"inlineData":{"mimeType":"image/png","data":"` + strings.Repeat("QUJD", 300_000) + `"}}]}]}`
	var cut, failed atomic.Int64
	var wg sync.WaitGroup
	jobs := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for range jobs {
				a, err := gw.try(context.Background(), "gemini-3.1-flash-image", request)
				switch {
				case err != nil || len(a.body) != len(want) && a.StatusCode == 200:
					cut.Add(1)
				case a.StatusCode != 200:
					failed.Add(1)
				}
			}
		})
	}
	for range 400 {
		jobs <- struct{}{}
	}
	close(jobs)
	wg.Wait()
	if cut.Load() != 0 || failed.Load() != 0 {
		t.Errorf("%d of 400 answers were cut, %d failed", cut.Load(), failed.Load())
	}
}

func TestKilledGatewayKnowsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"}, "timeout: 6s", "spool: {memory: 64KB}")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	sim.fault(always("hang"))
	for range 3 {
		go func() { _, _ = gw.try(context.Background(), "gemini-3.1-flash-image", prompt) }()
	}
	waitFor(t, "three attempts to be out", func() bool { return gw.used("a", "rpm") == 3 })
	opened := time.Now()
	gw.kill()
	leftover := filepath.Join(dir, "images", "spool", "spool-left")
	if err := os.WriteFile(leftover, []byte("half a picture"), 0o600); err != nil {
		t.Fatal(err)
	}

	gw = start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	if time.Since(opened) < 4*time.Second {
		if n := gw.used("a", "rpm"); n != 3 {
			t.Errorf("%d in the minute's window before the deadline of the lost attempts, want 3", n)
		}
	}
	var ledger struct {
		Attempts []struct {
			State   string
			Verdict string
			Charged any
			Cost    struct {
				Low  int64 `json:"low_nanodollars"`
				High int64 `json:"high_nanodollars"`
			}
		}
	}
	gw.get("/api/v1/requests", &ledger)
	if len(ledger.Attempts) != 3 {
		t.Fatalf("%d attempts in the ledger, want 3", len(ledger.Attempts))
	}
	for _, a := range ledger.Attempts {
		if a.State != "unknown" || a.Verdict != "unanswered" || a.Charged != "unknown" || a.Cost.Low != 0 || a.Cost.High == 0 {
			t.Errorf("an attempt stands as %+v", a)
		}
	}
	if bill := sim.billed(); bill < 0 || ledger.Attempts[0].Cost.High*3 < bill {
		t.Errorf("Google bills %d, outside of the range that ends at %d", bill, ledger.Attempts[0].Cost.High*3)
	}
	if _, err := os.Stat(leftover); !os.IsNotExist(err) {
		t.Error("the spool was not swept")
	}
	if n := gw.used("a", "rpm"); n != 3 {
		t.Errorf("%d in the minute's window, want 3: they may have arrived", n)
	}
	if n := gw.used("a", "rpd"); n != 3 {
		t.Errorf("the day counts %d, want 3: they may have arrived", n)
	}
}

// used reads a window of the model in use.
func (p *process) used(project, limit string) int64 {
	p.t.Helper()
	var got struct {
		Projects []struct {
			Project string
			Models  []struct {
				Model   string
				Windows []struct {
					Limit string
					Used  int64
				}
			}
		}
	}
	p.get("/api/v1/projects", &got)
	for _, pr := range got.Projects {
		for _, m := range pr.Models {
			for _, w := range m.Windows {
				if pr.Project == project && m.Model == "gemini-3.1-flash-image" && w.Limit == limit {
					return w.Used
				}
			}
		}
	}
	p.t.Fatalf("no window %s of %s", limit, project)
	return 0
}

// waitFor polls until something holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestStopIsInOrderAlsoWhereAConnectionAsksNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"}, "timeout: 10s")
	silent, err := net.Dial("tcp", strings.TrimPrefix(gw.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gw.generate("gemini-3.1-flash-image", prompt)
	gw.interrupt()
	if code := gw.cmd.ProcessState.ExitCode(); code != 0 || strings.Contains(gw.output(), "deadline") {
		t.Errorf("exit %d: %s", code, gw.output())
	}
}

func TestStopFinishesWhatIsPaidFor(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	sim.fault(map[string]any{"fault": "hang", "delay": "2s", "next": 1})
	got := make(chan answer, 1)
	go func() {
		a, err := gw.try(context.Background(), "gemini-3.1-flash-image", prompt)
		if err != nil {
			t.Error(err)
		}
		got <- a
	}()
	waitFor(t, "the attempt to be out", func() bool { return gw.used("a", "rpm") == 1 })
	gw.interrupt()
	if a := <-got; a.Response == nil || a.StatusCode != 200 {
		t.Errorf("got %+v", a.Response)
	}
}

func TestNoCredentialOfGoogleIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	const key = "sim-1-verysecretname"
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"$" + "{STUDIO_KEY}"})
	gw := start(t, dir, []string{"STUDIO_KEY=" + key}, "serve", "--listen", "127.0.0.1:0", "--log-level", "debug")
	var seen bytes.Buffer
	for _, f := range []string{"", "capacity", "server_error", "permission", "safety_image", "drop", "bad_request"} {
		if f != "" {
			sim.fault(next(f, 1))
		}
		a := gw.generate("gemini-3.1-flash-image", prompt)
		_ = a.Header.Write(&seen)
		seen.Write(a.body)
	}
	sim.fault(always("key_invalid"))
	for range 2 {
		a := gw.generate("gemini-3-pro-image", prompt)
		_ = a.Header.Write(&seen)
		seen.Write(a.body)
	}
	for _, path := range []string{"/api/v1/projects", "/api/v1/requests", "/healthz", "/readyz", "/nothing"} {
		seen.Write(gw.ask(http.MethodGet, path, "").body)
	}
	gw.interrupt()
	seen.WriteString(gw.output())
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		seen.Write(text)
		files++
		return err
	})
	if err != nil || files < 2 {
		t.Fatalf("%d files, %v", files, err)
	}
	if i := bytes.Index(seen.Bytes(), []byte("verysecretname")); i >= 0 {
		t.Errorf("the key is in: …%s…", seen.Bytes()[max(0, i-200):min(seen.Len(), i+60)])
	}
}

func TestAUsedPortIsTold(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	writeConfig(t, dir, "http://127.0.0.1:1", []string{"sim-1-a"})
	_, stderr, code := run(t, dir, nil, "serve", "--listen", l.Addr().String())
	if code != 1 || !strings.Contains(stderr, "--listen") || !strings.Contains(stderr, l.Addr().String()) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestWithoutKeysItListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeConfig(t, dir, "http://127.0.0.1:1", []string{"sim-1-a"})
	_, stderr, code := run(t, dir, nil, "serve", "--listen", "0.0.0.0:0")
	if code != 1 || !strings.Contains(stderr, "127.0.0.1") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	r, err := http.NewRequest(http.MethodGet, gw.URL+"/api/v1/projects", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign host name got %d", res.StatusCode)
	}
}

func TestASecondGatewayOnOneStoreIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeConfig(t, dir, "http://127.0.0.1:1", []string{"sim-1-a"})
	first := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	_, stderr, code := run(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(stderr, strings.TrimPrefix(first.URL, "http://")) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestWithOnlyAKeyInTheEnvironmentItRuns(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := start(t, t.TempDir(), []string{"GEMINI_API_KEY=sim-1-env", "PLANTAIN_UPSTREAM=" + sim.URL}, "serve", "--listen", "127.0.0.1:0")
	if a := gw.generate("gemini-3.1-flash-image", prompt); a.StatusCode != 200 {
		t.Errorf("got %d: %.300s", a.StatusCode, a.body)
	}
}

func TestGenerateMakesOneFileThroughAGatewayOrAlone(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	once := func(want string) {
		t.Helper()
		stdout, stderr, code := run(t, dir, nil, "generate", "A red apple", "--size", "512")
		if code != 0 || strings.TrimSpace(stdout) != want {
			t.Fatalf("exit %d, printed %q: %s", code, stdout, stderr)
		}
		if _, err := os.Stat(filepath.Join(dir, want)); err != nil {
			t.Error(err)
		}
	}
	once("a-red-apple.jpg")
	start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	once("a-red-apple-2.jpg")
	stdout, _, code := run(t, dir, nil, "generate", "A red apple", "-o", "json", "-O", "x.jpg")
	var made struct {
		Path          string
		Width, Height int
		Cost          string `json:"cost_usd"`
	}
	if err := json.Unmarshal([]byte(stdout), &made); err != nil || code != 0 || made.Path != "x.jpg" || made.Width != 1024 || made.Cost == "" {
		t.Errorf("exit %d, %v: %s", code, err, stdout)
	}
	if _, stderr, code := run(t, dir, nil, "generate", "A red apple", "--size", "2k"); code != 2 || !strings.Contains(stderr, "write 2K") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestDemoEndsWithThePathOfAnImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, dir, nil, "demo", "--once") // what the first one left must not change the second
	stdout, stderr, code := run(t, dir, nil, "demo", "--once")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	last := lines[len(lines)-1]
	if !filepath.IsAbs(last) {
		last = filepath.Join(dir, last)
	}
	if info, err := os.Stat(last); code != 0 || err != nil || info.Size() < 10_000 {
		t.Fatalf("exit %d, last line %q: %v\n%s%s", code, last, err, stdout, stderr)
	}
	for _, word := range []string{"rate_minute", "capacity", "safety_image", "success"} {
		if !strings.Contains(stdout, word) {
			t.Errorf("the story does not tell of %s:\n%s", word, stdout)
		}
	}
}
