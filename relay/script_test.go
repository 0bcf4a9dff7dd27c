package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// A reply is what Google does with one request.
type reply func(r *http.Request) (*http.Response, error)

func says(status int, body string) reply {
	return func(r *http.Request) (*http.Response, error) {
		take(r)
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
	}
}

// take reads a request to its end, as an HTTP client does that sends it.
func take(r *http.Request) {
	if r.Body == nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
}

// after takes the request and waits before it replies.
func after(d time.Duration, next reply) reply {
	return func(r *http.Request) (*http.Response, error) {
		take(r)
		r = r.Clone(r.Context())
		r.Body = nil
		select {
		case <-time.After(d):
			return next(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

func fails(err error) reply {
	return func(r *http.Request) (*http.Response, error) {
		take(r)
		return nil, err
	}
}

// cut begins an answer and breaks off.
func cut(body string) reply {
	return func(r *http.Request) (*http.Response, error) {
		take(r)
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(io.MultiReader(strings.NewReader(body), brokenReader{}))}, nil
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Bodies of Google's, from gemini-api.md §4 and §6. The picture is one pixel.
const (
	pixel   = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAAEElEQVR4nGI6IScHCAAA//8CvgEHAOBnOAAAAABJRU5ErkJggg=="
	success = `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"` + pixel + `"},"thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP","index":0}],
 "usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1518,"totalTokenCount":1523,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}]},"modelVersion":"gemini-3.1-flash-image","responseId":"R1"}`
	filtered = `{"candidates":[{"content":{},"finishReason":"IMAGE_SAFETY","index":0}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":298,"thoughtsTokenCount":293},"modelVersion":"gemini-3.1-flash-image"}`
	textOnly = `{"candidates":[{"content":{"parts":[{"text":"I cannot."}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":4,"totalTokenCount":9}}`
	capacity = `{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}`
	internal = `{"error":{"code":500,"message":"An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting","status":"INTERNAL"}}`
	unknown  = `{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}`
	region   = `{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}`
	invalid  = `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}`
	badKey   = `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"},{"@type":"type.googleapis.com/google.rpc.DebugInfo","detail":"Invalid API key: key-a"}]}}`
)

func quota(id, value, delay string) string {
	return fmt.Sprintf(`{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota, please check your plan and billing details.",
 "details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_requests_per_model","quotaId":%q,"quotaDimensions":{"model":"gemini-3.1-flash-image"}%s}]}%s]}}`,
		id, value, delay)
}

func retryInfo(d string) string {
	return `,{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"` + d + `"}`
}

var (
	minuteQuota = quota("GenerateRequestsPerMinutePerProjectPerModel", `,"quotaValue":"10"`, retryInfo("17s"))
	dayQuota    = quota("GenerateRequestsPerDayPerProjectPerModel", `,"quotaValue":"1000"`, "")
	zeroQuota   = `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0, model: gemini-3.1-flash-image"}}`
)

// google plays Google's side: for every project a list of replies, the last of
// which is repeated. It notes who was asked, and when.
type google struct {
	mu     sync.Mutex
	script map[string][]reply // by API key
	asked  []string           // keys, in order
	at     []time.Time
	paths  []string
}

func (g *google) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	key := r.Header.Get("X-Goog-Api-Key")
	g.asked, g.at, g.paths = append(g.asked, key), append(g.at, time.Now()), append(g.paths, r.URL.Path)
	list := g.script[key]
	next := list[0]
	if len(list) > 1 {
		g.script[key] = list[1:]
	}
	g.mu.Unlock()
	return next(r)
}

func (g *google) calls() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.ReplaceAll(strings.Join(g.asked, ""), "key-", "")
}

// books remembers what was opened and settled.
type books struct {
	relay.Memory
	mu      sync.Mutex
	opened  []plantain.Attempt
	entries []ledger.Entry
}

func (b *books) Open(ctx context.Context, a plantain.Attempt, keys []pool.Key, fn func(pool.States) error) error {
	err := b.Memory.Open(ctx, a, keys, fn)
	if err == nil {
		b.mu.Lock()
		b.opened = append(b.opened, a)
		b.mu.Unlock()
	}
	return err
}

func (b *books) Settle(ctx context.Context, e ledger.Entry, keys []pool.Key, fn func(pool.States) error) error {
	b.mu.Lock()
	b.entries = append(b.entries, e)
	b.mu.Unlock()
	return b.Memory.Settle(ctx, e, keys, fn)
}

// house is a Transport over scripted projects. The projects are named by letters.
type house struct {
	*relay.Transport
	google *google
	books  *books
}

func newHouse(t *testing.T, script map[string][]reply) *house {
	t.Helper()
	g, b := &google{script: map[string][]reply{}}, &books{}
	s, err := spool.New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	tr := &relay.Transport{Books: b, Base: g, Spool: s, Settings: relay.Settings{Ways: map[plantain.ProjectName]relay.Way{}}}
	var members []pool.Member
	for _, name := range []string{"a", "b", "c"} {
		if script[name] == nil {
			continue
		}
		g.script["key-"+name] = script[name]
		members = append(members, pool.Member{Project: plantain.Project{Name: plantain.ProjectName(name), Kind: plantain.Gemini}, Fingerprint: name,
			Limits: func(plantain.Model) pool.Limits {
				return pool.Limits{plantain.LimitRPM: 10, plantain.LimitIPM: 10, plantain.LimitRPD: 1000}
			}})
		tr.Ways[plantain.ProjectName(name)] = relay.Way{Upstream: relay.KeyUpstream{Key: plantain.NewSecret("key-" + name)}}
	}
	tr.Pool = pool.New(members)
	t.Cleanup(func() {
		// A client has the end of its answer a moment before its request has landed.
		_ = tr.Close(context.Background()) // what could not be settled is the story of some
		if n := s.Used(); n != 0 {
			t.Errorf("%d bytes of the spool were never given back", n)
		}
	})
	return &house{tr, g, b}
}

// got is what a client got.
type got struct {
	*http.Response
	body string
	took time.Duration
}

// detail gives the metadata of our ErrorInfo.
func (g got) detail(t *testing.T) map[string]string {
	t.Helper()
	var shape struct {
		Error struct {
			Details []struct {
				Domain   string
				Metadata map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(g.body), &shape); err != nil {
		t.Fatalf("not Google's error shape: %v\n%s", err, g.body)
	}
	for _, d := range shape.Error.Details {
		if d.Domain == "plantain" {
			return d.Metadata
		}
	}
	t.Fatalf("no detail of ours in %s", g.body)
	return nil
}

const body = `{"contents":[{"parts":[{"text":"a red apple"}]}]}`

func request(ctx context.Context, model, content string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway/v1beta/models/"+model+":generateContent", strings.NewReader(content))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (h *house) do(t *testing.T, r *http.Request) got {
	t.Helper()
	begun := time.Now()
	res, err := h.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	if res.ContentLength >= 0 && int64(b.Len()) != res.ContentLength {
		t.Errorf("%d bytes, Content-Length %d", b.Len(), res.ContentLength)
	}
	return got{res, b.String(), time.Since(begun)}
}

func (h *house) generate(t *testing.T) got {
	t.Helper()
	return h.do(t, request(t.Context(), "gemini-3.1-flash-image", body))
}

// story runs a test in simulated time.
func story(t *testing.T, name string, f func(*testing.T)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, f)
	})
}
