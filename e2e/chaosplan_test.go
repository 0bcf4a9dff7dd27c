package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A budget is what a client may use; zero of a kind: as much as it likes. Only to a
// dearer one answers come that bring more than was asked for and room was taken for.
type budget struct {
	images  int
	dollars int64 // nano-dollars
	dearer  bool
}

func (b budget) flags() (flags []string) {
	if b.images > 0 {
		flags = append(flags, fmt.Sprintf("--images-per-day=%d", b.images))
	}
	if b.dollars > 0 {
		flags = append(flags, fmt.Sprintf("--budget-usd=%.3f", float64(b.dollars)/1e9))
	}
	return flags
}

// A plan is what a client is to do, and what it saw.
type plan struct {
	client int
	tag    string // stands in the prompt
	model  string
	body   string
	query  string // of a stream; "-": it is none
	key    string // Idempotency-Key; empty: none
	leave  time.Duration
	twin   bool // asks a second time while the first runs
	again  bool // asks a second time after it
	other  bool // asks for something else with the same key

	mu     sync.Mutex
	seen   []reply
	closed reply // to the same request when all is calm
}

// A reply is what came back, whole; err: it was not.
type reply struct {
	at       time.Time
	err      error
	status   int
	header   http.Header
	sum      [32]byte
	image    bool
	broke    bool   // a stream that ended with an error
	response string // Google's responseId
	detail   map[string]string
	text     string // the beginning
}

// These take a project or all of them out of use, so they are rarer.
var chaosParks = []string{"rate_day", "rate_day_short", "quota_zero", "region", "spending_cap", "prepaid", "spend_limit", "key_invalid", "key_leaked", "permission", "service_disabled"}

// These bring more than one picture, or a larger or a dearer one, than was asked
// for and room was taken for.
var chaosDearer = []string{"several_images", "wrong_size", "wrong_model"}

// plan is request n of the seed.
func (c *chaos) plan(n, of int, faults []string) *plan {
	rnd := rand.New(rand.NewPCG(c.seed, uint64(n)))
	p := &plan{client: n % chaosClients, model: flash, query: "-"}
	p.tag = fmt.Sprintf("%s-%05d", clientName(p.client), n)
	chance := func(share float64) bool { return rnd.Float64() < share }
	size := "512"
	if chance(0.04) {
		p.model, size = "gemini-2.5-flash-image", "1K"
	}
	trigger := ""
	name := faults[rnd.IntN(len(faults))]
	limited := p.client%5 == 1 || p.client%5 == 2
	switch {
	case !chance(0.45), slices.Contains(chaosParks, name) && !chance(0.2), limited && slices.Contains(chaosDearer, name):
	default:
		trigger = "[sim:" + name + chaosDetails(rnd, name) + "] "
	}
	p.body = fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":"%stag=%s A red apple"}]}],"generationConfig":{"imageConfig":{"imageSize":"%s"}}}`, trigger, p.tag, size)
	if size == "1K" {
		p.body = strings.Replace(p.body, `"imageSize":"1K"`, `"aspectRatio":"1:1"`, 1)
	}
	if chance(0.2) {
		p.query = []string{"", "?alt=sse"}[rnd.IntN(2)]
	}
	if chance(0.9) {
		p.key = "key-" + p.tag
		p.twin, p.again, p.other = chance(0.1), chance(0.15), chance(0.03)
	}
	if chance(0.1) {
		p.leave = time.Duration(1 + rnd.IntN(int(300*time.Millisecond)))
	}
	return p
}

// chaosDetails are how a fault goes, for a prompt.
func chaosDetails(rnd *rand.Rand, name string) string {
	switch name {
	case "cut", "malformed_json":
		return fmt.Sprint(" bytes=", rnd.IntN(900_000))
	case "slow":
		return fmt.Sprint(" rate=", 400_000+rnd.IntN(4_000_000))
	case "hang":
		return []string{"", " delay=5s", " delay=700ms"}[rnd.IntN(3)]
	}
	return []string{"", " next=1"}[rnd.IntN(2)]
}

var responseID = regexp.MustCompile(`"responseId": ?"([^"]+)"`)

// ask sends the request of a plan once.
func (c *chaos) ask(ctx context.Context, p *plan, body string) (r reply) {
	c.calls.Add(1)
	verb := ":generateContent"
	if p.query != "-" {
		verb = ":streamGenerateContent" + p.query
	}
	defer func() { r.at = time.Now() }()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.gw.Load().URL+"/v1beta/models/"+p.model+verb, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	q.Header.Set("X-Goog-Api-Key", c.keys[p.client])
	if p.key != "" {
		q.Header.Set("Idempotency-Key", p.key)
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	r = reply{err: err, status: res.StatusCode, header: res.Header, sum: sha256.Sum256(b), text: string(b[:min(len(b), 700)])}
	r.image = bytes.Contains(b, []byte(`"inlineData"`))
	if m := responseID.FindSubmatch(b); m != nil {
		r.response = string(m[1])
	}
	r.detail = chaosDetail(b)
	r.broke = res.StatusCode == http.StatusOK && bytes.Contains(b[max(0, len(b)-1000):], []byte(`"error":`))
	return r
}

// ourDetail is the error that Plantain adds a detail to: all of a body, or what ends a stream.
var ourDetail = regexp.MustCompile(`"domain": ?"plantain",\s*"metadata": ?(\{[^{}]*\})`)

// unkept says that nothing is sent just now, because the disk is full.
func (r reply) unkept() bool { return r.status == 503 && strings.Contains(r.text, "can't be written") }

// chaosDetail is what Plantain adds to an error; nil: nothing.
func chaosDetail(body []byte) (detail map[string]string) {
	if m := ourDetail.FindSubmatch(body); m != nil {
		_ = json.Unmarshal(m[1], &detail) // nil tells of it
	}
	return detail
}

// carryOut does what a plan says. With a key the client asks until it is answered.
func (c *chaos) carryOut(p *plan) {
	defer c.done.Add(1)
	once := func(ctx context.Context) reply {
		r := c.ask(ctx, p, p.body)
		p.mu.Lock()
		p.seen = append(p.seen, r)
		p.mu.Unlock()
		return r
	}
	var twin sync.WaitGroup
	if p.twin {
		twin.Go(func() { once(context.Background()) })
	}
	defer twin.Wait()
	ctx, leave := context.Background(), context.CancelFunc(func() {})
	if p.leave > 0 {
		ctx, leave = context.WithTimeout(ctx, p.leave)
	}
	r := once(ctx)
	leave()
	if p.key == "" {
		return
	}
	for tries := 0; (r.err != nil || r.unkept()) && tries < 600; tries++ {
		time.Sleep(30 * time.Millisecond)
		r = once(context.Background())
	}
	if p.again {
		once(context.Background())
	}
	if p.other && r.err == nil && r.image {
		r := c.ask(context.Background(), p, strings.Replace(p.body, "red", "green", 1))
		if r.err == nil && r.status != 422 && r.status != 503 {
			c.t.Errorf("%s: another body with the same key got %d %s", p.tag, r.status, r.text)
		}
	}
}
