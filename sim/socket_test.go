package sim

import (
	"bytes"
	"errors"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Over a real socket, where net/http has a mind of its own about unread bodies and aborted handlers.
func TestFaultsInDeliveryOverASocket(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	google := httptest.NewServer(s)
	defer google.Close()
	post := func(body io.Reader) (*http.Response, []byte, error) {
		req, err := http.NewRequestWithContext(t.Context(), "POST", google.URL+"/v1beta/models/"+nb2+":generateContent?key=sim-1-a", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := google.Client().Do(req)
		if err != nil {
			return nil, nil, err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp, b, err
	}
	if _, _, err := post(strings.NewReader(prompt("[sim:drop]"))); !errors.Is(err, io.EOF) {
		t.Errorf("drop: %v", err)
	}
	if resp, b, err := post(strings.NewReader(prompt("[sim:cut bytes=70000]"))); !errors.Is(err, io.ErrUnexpectedEOF) || resp.StatusCode != 200 || len(b) != 70000 {
		t.Errorf("cut: %d bytes, %v", len(b), err)
	}
	if resp, b, err := post(strings.NewReader(prompt("[sim:empty]"))); err != nil || resp.StatusCode != 200 || len(b) != 0 {
		t.Errorf("empty: %d bytes, %v", len(b), err)
	}
	if err := s.Inject(Fault{Name: "early", Next: 1, Bytes: 1000}); err != nil {
		t.Fatal(err)
	}
	rest, feed := io.Pipe() // what the client still has to say when the answer comes
	defer feed.Close()
	resp, b, err := post(io.MultiReader(bytes.NewReader(make([]byte, 5<<20)), rest))
	if err != nil || resp.StatusCode != 200 || len(b) < 1<<20 {
		t.Errorf("early: %d bytes, %v", len(b), err)
	}
	if e := s.Requests()[3]; e.Fault != "early" || e.BodyBytes != 1000 || e.Charged == 0 {
		t.Errorf("early: %+v", e)
	}
}

// net/http reads what is left of a body after the handler, and then, on a connection that is kept, reads twice at once.
func TestEarlyAnswersLeaveTheServerInOrder(t *testing.T) {
	t.Parallel()
	s := New(Options{AnswerEarly: true, Limits: map[string]Limits{"1": {RPM: -1, IPM: -1, RPD: -1, TPM: -1, Spend: -1}}})
	google := httptest.NewUnstartedServer(s)
	var log lockedLog
	google.Config.ErrorLog = stdlog.New(&log, "", 0)
	google.Start()
	for range 50 {
		resp, err := google.Client().Post(google.URL+"/v1beta/models/"+nb2+":generateContent?key=sim-1-a", "application/json", strings.NewReader(small("a fox")))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || n < 1<<18 {
			t.Errorf("%d, %d bytes, %v", resp.StatusCode, n, err)
		}
		resp.Body.Close()
	}
	google.Close() // and all that it still does
	if said := log.String(); said != "" {
		t.Errorf("the server says %.500s", said)
	}
}

type lockedLog struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

// BenchmarkFourKEdit is a second turn: 25 MB come in with the first picture and its signature, 25 MB go out.
func BenchmarkFourKEdit(b *testing.B) {
	s := New(Options{Limits: map[string]Limits{"1": {RPM: -1, IPM: -1, RPD: -1, TPM: -1, Spend: -1}}})
	do := func(body []byte) []byte {
		req, _ := http.NewRequest("POST", "http://google.test/v1beta/models/"+nb2+":generateContent", bytes.NewReader(body))
		req.Header.Set("X-Goog-Api-Key", "sim-1-a")
		resp, err := s.Transport().RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		out, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 {
			b.Fatalf("%.300s", out)
		}
		return out
	}
	const config = `"generationConfig":{"imageConfig":{"imageSize":"4K"}}}`
	v, err := parse(do([]byte(`{"contents":[{"parts":[{"text":"a fox"}]}],` + config)))
	if err != nil {
		b.Fatal(err)
	}
	part := v.field("candidates").items[0].field("content").field("parts").items[0]
	body := `{"contents":[{"role":"user","parts":[{"text":"a fox"}]},{"role":"model","parts":[{"inlineData":{"mimeType":"image/jpeg","data":"` +
		part.field("inlineData").field("data").text() + `"},"thoughtSignature":"` + part.field("thoughtSignature").text() +
		`"}]},{"role":"user","parts":[{"text":"make it night"}]}],` + config
	for b.Loop() {
		do([]byte(body))
	}
}
