package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/thread"
	"github.com/plantainhq/plantain/verdict"
)

// A Transport gets the image, pays for it once and says why not. Pool and Ways
// are required. It is an [http.RoundTripper] for requests with paths of the
// Gemini API, whatever their host; refusals come back as responses, errors only
// for the caller's context and local faults. It is safe for concurrent use and
// must not be copied after first use.
type Transport struct {
	Settings
	Pool    *pool.Pool
	Books   Books        // nil: kept in memory
	Filters Filters      // nil: what was filtered is forgotten with the process
	Spool   *spool.Spool // nil: one in the user's cache folder
	// Answers are kept for requests that come again; nil: a repeated request gets the
	// answer of one that runs, and what ended is forgotten.
	Answers *gallery.Answers
	Gallery *gallery.Gallery // where pictures are kept; nil: nowhere
	// Signatures is what the turns of a model carried, for clients that send them back
	// without it; nil: nothing is remembered, and Google's placeholder stands for it.
	Signatures *thread.Memory
	Base       http.RoundTripper // nil: like http.DefaultTransport, with more connections kept
	Clock      plantain.Clock    // zero: the real one
	Log        *slog.Logger      // nil: nothing is logged
	// Suggest finds what to say in the place of a prompt that was filtered; nil: nobody
	// knows. Many goroutines call it at once.
	Suggest func(prompt string) Suggestion
	// Watch is told what happens to every request, by many goroutines at once; nil:
	// nobody. It must not block.
	Watch func(Event)

	once     sync.Once
	failed   error
	changed  atomic.Pointer[Settings] // nil: Settings stands
	stopping atomic.Bool
	spool    *spool.Spool
	books    Books
	client   http.RoundTripper
	budget   budget
	queue    pool.Queue
	weather  pool.Weather
	flights  flights
	owners   owners
	keeping  keeping
	filters  filters
}

// Settings are what of a Transport may change while it runs.
type Settings struct {
	Ways      map[plantain.ProjectName]Way // how each member of the pool is reached; required
	Policy    Policy                       // zero: the retry table of the design
	Rules     verdict.Rules                // zero: a filtered image is taken as charged where Google says nothing
	Catalogue *gemini.Catalogue            // nil: the one that comes with Plantain
	Timeout   time.Duration                // the longest that one attempt may take; zero: 5 minutes
	MaxWait   time.Duration                // the longest that a request waits for room; zero: 2 minutes
	MaxQueue  int                          // requests that may wait for room at once; zero: 1000
	Remember  time.Duration                // how long an answer is owed to a repeated request; zero: 24 hours, below zero: not
	MaxAnswer int64                        // bytes of an answer, past which it is cut off; zero: [MaxAnswer]
	Filtered  time.Duration                // how long a filtered request is refused; zero: 24 hours, below zero: it is not
	// Fallback are the models that may serve, in this order, when the one asked for
	// has no room in time or no capacity; nil: none. A [Caller] may say otherwise. What
	// the catalogue does not know is passed over.
	Fallback []plantain.Model
}

// Change puts other settings in force, for requests that run as well as for new
// ones: an attempt that is out is settled by the way it was sent.
func (t *Transport) Change(s Settings) {
	t.changed.Store(&s)
	t.queue.Allow(s.MaxQueue)
	t.weather.Recheck(t.now())
}

// set gives the settings that are in force.
func (t *Transport) set() *Settings {
	if s := t.changed.Load(); s != nil {
		return s
	}
	return &t.Settings
}

// A Way is how a project is reached, and what its price is.
type Way struct {
	Upstream
	Factor ledger.Factor
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := t.start(); err != nil {
		return nil, err
	}
	a, err := t.admit(r)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return refused.response(r, header{request: plantain.RequestID(t.newID("r"))}), nil
	}
	if err != nil {
		return nil, err
	}
	if a.caller.Estimate {
		return t.estimate(r, a)
	}
	answer, joined, err := t.flights.join(r.Context(), a, t.run)
	if err != nil {
		return nil, err
	}
	res, earlier := answer.response(r), answer.earlier
	if joined {
		res.Header.Set(gallery.Replayed, "true")
		earlier = cmp.Or(earlier, answer.request)
	}
	if earlier != "" && res.StatusCode < 400 {
		t.tell(a, Event{Kind: EventSpared, Why: string(ledger.SparedRepeat), Earlier: earlier})
	}
	return res, nil
}

// Stop opens no attempt any more: what is out is finished, what waits is refused.
func (t *Transport) Stop() { t.stopping.Store(true) }

// Close waits until everything that was sent is settled, or the context ends. Its
// error is that of the context, or tells how many attempts the books did not take.
func (t *Transport) Close(ctx context.Context) error {
	return errors.Join(t.flights.wait(ctx), t.endKeeping())
}

// Waiting is how many requests wait for their turn or for room.
func (t *Transport) Waiting() int { return t.queue.Len() }

// Weather tells how readily models are served, as far as this Transport asked.
func (t *Transport) Weather() []pool.WeatherReport { return t.weather.Report(t.now()) }

// Running is how many requests are being served, those whose client left included.
func (t *Transport) Running() int { return t.flights.running() }

// run serves one request, from its admission to its answer.
func (t *Transport) run(f *flight) *answer {
	a := f.ask
	defer a.body.Release()
	a.idle = t.now()
	t.budget.earn(cmp.Or(t.set().Policy.Budget, 0.2))
	var end ending
	for {
		if owed := t.owedTo(f); owed != nil {
			return owed
		}
		end = t.try(f, end.attempts)
		if f.answer == nil {
			end = t.fallBack(f, end)
		}
		if !errors.Is(end.err, ErrClaimed) {
			break
		}
		end.last.release() // another process was first: its answer is ours
	}
	defer end.last.release()
	answer := f.answer
	switch {
	case answer != nil:
	case end.err != nil:
		answer = t.refuse(a, end.last, end.attempts, end.err)
	default:
		answer = t.answer(a, end.last, end.attempts)
	}
	t.endClaim(a, answer)
	if t.Signatures.Crowded() {
		if err := t.Signatures.Tidy(t.now(), false); err != nil {
			t.log().Error("the thought signatures can't be tidied up", "error", err)
		}
	}
	return answer
}

// try is the loop: attempts on one model, after those that the request has behind
// it, until the policy ends them or none can be opened. An answer may have
// departed by then.
func (t *Transport) try(f *flight, behind int) ending {
	a := f.ask
	if err := t.spared(a); err != nil {
		return ending{attempts: behind, err: err}
	}
	again := map[plantain.Class]int{}
	var last *result
	for n := behind + 1; ; n++ {
		o, err := t.open(f, n)
		if err != nil {
			return ending{last, n - 1, err}
		}
		if n == behind+1 {
			t.tellFallback(a)
		}
		last.release()
		g := t.send(f, o, n)
		last = t.judge(a, o, g)
		step := t.next(last.verdict, a, n-behind, again[last.verdict.Class])
		if step.Done && f.answer == nil && last.whole() {
			// All but its end may go while the books are written.
			g.body.ShowMost()
			f.depart(t.answer(a, last, n))
		}
		if step.Done || f.answer != nil {
			last.owed = t.keep(f, last, n)
		}
		t.settle(a, last, n)
		if f.answer != nil {
			t.learn(a, last)
			t.hang(a, last, func() { t.arrive(a, last, n) })
			return ending{last, n, nil}
		}
		t.hang(a, last, last.body.End) // whatever becomes of it, nothing more is to be held
		if step.Done {
			return ending{last, n, nil}
		}
		again[last.verdict.Class]++
		if a.route.free() && step.Wait == 0 || pool.Foreign(last.verdict) {
			// What parks nobody, a call without an entry in the books or one that names
			// what another project has, goes elsewhere itself.
			f.without[o.member.Name] = true
		}
		if !t.pause(f, step.Wait, n, last.verdict) {
			return ending{last, n, nil}
		}
	}
}

// A result is an attempt that ended.
type result struct {
	*out
	*got
	verdict plantain.Verdict
	cost    plantain.Cost
	owed    *plantain.Answer // from its settlement on; nil: nothing
}

// judge says what an attempt meant and cost.
func (t *Transport) judge(a *ask, o *out, g *got) *result {
	r := &result{out: o, got: g, verdict: t.set().Rules.Judge(g.facts)}
	// Google's own words are in these, and some of them repeat a key.
	r.verdict.Explanation, r.verdict.Fix = o.conceal(r.verdict.Explanation), o.conceal(r.verdict.Fix)
	if refusesAfter(r.verdict.Class) > 0 && !a.route.free() {
		r.verdict.Explanation = and(r.verdict.Explanation, t.suggest(a).Why)
	}
	if g.encoding != "" {
		r.verdict.Explanation = fmt.Sprintf("The answer came compressed as %q, which Plantain cannot read. ", g.encoding) + r.verdict.Explanation
	}
	if !a.route.free() {
		// Google may serve what was asked as priority at the standard tier, and says so.
		tier := cmp.Or(g.facts.Body.Usage.ServiceTier, a.asked.ServiceTier)
		served := t.served(a, g.facts.Body.ModelVersion)
		served.Price = t.price(served, tier, o.attempt.Opened)
		r.cost = ledger.Cost(served, r.verdict, g.facts.Body, o.attempt.Estimate, o.way.Factor)
		a.spent = plantain.Cost{Low: a.spent.Low + r.cost.Low, High: a.spent.High + r.cost.High}
	}
	return r
}

// served is the model that answered, which may be another than the one asked for;
// the one asked for where the answer names none that is known.
func (t *Transport) served(a *ask, version string) gemini.Entry {
	if e, ok := t.set().catalogue().Lookup(plantain.Model(version)); ok {
		return e
	}
	return a.entry
}

// price is what a token of a model costs at a service tier, for an attempt that is
// opened at an instant.
func (t *Transport) price(e gemini.Entry, tier string, at time.Time) gemini.Price {
	return e.At(at).Price.Percent(t.set().catalogue().ServicePercent(tier))
}

// whole reports an answer that is handed on as it came.
func (r *result) whole() bool {
	return r.arrived() && r.status() < 400 && r.lost == nil && r.body.Len() > 0
}

// arrived reports that an answer is whole. What decides is the JSON and not how
// HTTP framed it: a picture behind which the connection broke is a picture, and a
// body that ends in the middle of its JSON is none, however orderly it ended.
func (r *result) arrived() bool {
	if r.facts.Status == 0 || r.body == nil {
		return false
	}
	if r.verdict.Class == plantain.Success {
		return r.facts.Body.Complete
	}
	return r.facts.Stage == plantain.Done && r.verdict.Class != plantain.Unanswered
}

// status is the HTTP status of an answer, or, where a stream under 200 is nothing
// but an error, the status of that error.
func (r *result) status() int {
	b := &r.facts.Body
	if r.facts.Status == http.StatusOK && len(b.Errors) > 0 && len(b.Parts) == 0 && b.Candidates == 0 {
		if code := int(b.Errors[0].Code); code >= 400 && code < 600 {
			return code
		}
	}
	return r.facts.Status
}

func (r *result) release() {
	if r != nil {
		r.got.release()
	}
}

// next applies the policy, the client's own wish and the retry budget after the
// attempt number n on a model.
func (t *Transport) next(v plantain.Verdict, a *ask, n, again int) Step {
	p := t.set().Policy
	if most := a.caller.Attempts; most > 0 {
		p.Attempts = min(p.attempts(), most)
	}
	if a.caller.Force == ForceUnknown {
		p.Unknown = max(p.Unknown, 1)
	}
	if a.route.free() {
		p.Unknown = p.attempts()
	}
	step := p.Next(v, n, again)
	if v.Class == plantain.ThoughtSignature && !step.Done {
		step.Done = !t.flatten(a)
	}
	if step.Costly && !step.Done && !t.budget.spend(t.now()) {
		t.log().Warn("retry budget used up: no more retries for this request", "request", a.id, "verdict", v.Class)
		step.Done = true
	}
	return step
}

// pause waits before the next attempt. It gives false where the wait would
// outlast the client, or nobody waits any more.
func (t *Transport) pause(f *flight, wait time.Duration, n int, v plantain.Verdict) bool {
	if f.left() {
		return false
	}
	if wait == 0 {
		return true
	}
	until := t.now().Add(wait)
	if d := f.until().deadline; !d.IsZero() && until.After(d) {
		return false
	}
	if end := t.waitsEnd(f.ask); !end.IsZero() && until.After(end) {
		return false
	}
	t.tell(f.ask, Event{Kind: EventWaiting, Attempt: n + 1, Until: until, Why: v.Class.String()})
	return t.sleep(f, wait)
}

// sleep waits for a while. It gives false as soon as nobody waits any more.
func (t *Transport) sleep(f *flight, d time.Duration) bool {
	timer := time.NewTimer(t.Clock.Real(d))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-f.wait().Done():
			if f.left() {
				return false
			}
		}
	}
}

func (t *Transport) now() time.Time { return t.Clock.Now() }

func (s *Settings) catalogue() *gemini.Catalogue {
	if s.Catalogue == nil {
		return gemini.DefaultCatalogue()
	}
	return s.Catalogue
}

func (s *Settings) maxWait() time.Duration { return cmp.Or(s.MaxWait, 2*time.Minute) }

func (s *Settings) timeout() time.Duration { return cmp.Or(s.Timeout, 5*time.Minute) }

func (t *Transport) log() *slog.Logger {
	if t.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return t.Log
}

// start fills in what was left nil.
func (t *Transport) start() error {
	t.once.Do(func() {
		t.books, t.spool, t.client = t.Books, t.Spool, t.Base
		if t.books == nil {
			t.books = &Memory{}
		}
		t.queue.Allow(t.set().MaxQueue)
		if t.client == nil {
			t.client = DefaultBase()
		}
		if t.spool == nil {
			t.spool, t.failed = userSpool()
		}
	})
	return t.failed
}

func userSpool() (*spool.Spool, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	return spool.New(filepath.Join(cache, "plantain", "spool"), 0)
}

// DefaultBase is the HTTP client of a Transport without a Base: like
// [http.DefaultTransport], but with connections enough for a busy gateway and no
// decompression, since every byte is handed on as it came. It speaks HTTP/1.1 only, as
// Google's SDKs for Python and JavaScript do (neither httpx nor Node's fetch offer HTTP/2
// unless told to): by HTTP/2 all answers would share one connection, which is slower for
// pictures (golang/go#47840), and whose end might have all of them paid for and none here.
func DefaultBase() *http.Transport {
	b := http.DefaultTransport.(*http.Transport).Clone()
	b.DisableCompression = true
	b.MaxIdleConns, b.MaxIdleConnsPerHost = 512, 256
	b.Protocols = new(http.Protocols)
	b.Protocols.SetHTTP1(true)
	b.TLSClientConfig = nil // a clone's offers HTTP/2 all the same
	return b
}
