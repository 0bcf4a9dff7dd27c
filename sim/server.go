package sim

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how Google behaves. The zero value is a Google that answers at once and correctly, with the limits of
// the project's tier.
type Options struct {
	// Now is the clock of windows, days and time stamps; nil: time.Now.
	Now func() time.Time

	// Seed makes what is random here (tokens, ids, faults by share) the same every time; 0: different every time.
	Seed uint64

	// Latency is how long a picture takes; nil: no time at all. See Between and Recorded.
	Latency func(model, size string) time.Duration

	// Limits replace those of a tier, by "free", "1", "2", "3", or of one model, by "1/gemini-3-pro-image".
	Limits map[string]Limits

	// Window is how a minute is counted: "sliding" (also empty), the last sixty seconds, or "fixed", by the clock.
	Window string

	// Filtered is who pays for what was filtered without a word on charging: "charged" (also empty) or "free".
	Filtered string

	// Signatures is "on" (also empty): model turns must bring theirs, or a documented value in their place; "real": only
	// theirs will do; or "off".
	Signatures string

	// SignatureLast sends the signature of a streamed picture on a trailing empty text part.
	SignatureLast bool

	// AnswerEarly answers without reading the request's body.
	AnswerEarly bool

	// Scenario is what goes wrong, from the start; see LoadScenario.
	Scenario []Fault
}

// Server is Google. It is a plain http.Handler, safe for concurrent use; Transport reaches it without a socket.
type Server struct {
	opts     Options
	dice     dice
	faults   faults
	quota    quota
	account  account
	files    fileStore
	status   statusPage
	darkroom darkroom
	storms   atomic.Uint64
}

// New makes a Google with an empty bill. It panics on a Scenario with an unknown fault; LoadScenario checks first.
func New(o Options) *Server {
	s := &Server{opts: o}
	s.quota.fixed = o.Window == "fixed"
	seed := o.Seed
	if seed == 0 {
		var b [8]byte
		cryptorand.Read(b[:])
		seed = binary.BigEndian.Uint64(b[:])
	}
	s.dice.r = rand.New(rand.NewPCG(seed, 1))
	s.Reset()
	return s
}

// Reset forgets requests, bill, faults, windows and files, and the status page is green; the scenario begins again.
func (s *Server) Reset() {
	s.account.reset()
	s.faults.reset()
	s.quota.reset()
	s.files.reset()
	s.SetStatus(Status{})
	if err := s.Inject(s.opts.Scenario...); err != nil {
		panic(err)
	}
}

// Inject sets faults, all or none; it errs on unknown names.
func (s *Server) Inject(list ...Fault) error { return s.faults.add(s.now(), list...) }

// Faults lists what can still go wrong.
func (s *Server) Faults() []Fault { return s.faults.list(s.now()) }

// Requests lists what arrived, in order of arrival.
func (s *Server) Requests() []Request { return s.account.list() }

// Bill adds up what Google would charge.
func (s *Server) Bill() Bill { return s.account.bill() }

func (s *Server) now() time.Time {
	if s.opts.Now != nil {
		return s.opts.Now()
	}
	return time.Now()
}

func (s *Server) limits(tier string, m *model) Limits {
	l := s.opts.Limits[tier].over(tierLimits[tier])
	return s.opts.Limits[tier+"/"+m.id].over(l)
}

// weather gives the texts of 503 in turn.
func (s *Server) weather() string {
	if s.storms.Add(1)%2 == 1 {
		return "The model is overloaded. Please try again later."
	}
	return "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later."
}

// Between is a latency drawn evenly from a range.
func Between(from, to time.Duration) func(model, size string) time.Duration {
	return func(string, string) time.Duration {
		if to <= from {
			return from
		}
		return from + rand.N(to-from)
	}
}

// Recorded is the latency of the few recordings there are (gemini-api.md §4): Pro 17 to 26 s, 2.5 6 s, Lite 2.7 s;
// NB2 is a guess between.
func Recorded(model, size string) time.Duration {
	switch model {
	case "gemini-3-pro-image":
		return Between(17*time.Second, 26*time.Second)(model, size)
	case "gemini-3.1-flash-lite-image":
		return 2700 * time.Millisecond
	case "gemini-2.5-flash-image":
		return 6 * time.Second
	}
	return Between(8*time.Second, 16*time.Second)(model, size)
}

// dice is a random source for many goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) float() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.Float64()
}

// fork gives one request a source of its own.
func (d *dice) fork() *rand.Rand {
	d.mu.Lock()
	defer d.mu.Unlock()
	return rand.New(rand.NewPCG(d.r.Uint64(), d.r.Uint64()))
}

// header writes the headers Google was recorded with (gemini-api.md §1). There is never a Retry-After.
func (s *Server) header(w http.ResponseWriter, code int, contentType string, began time.Time) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	for _, v := range []string{"Origin", "X-Origin", "Referer"} {
		h.Add("Vary", v)
	}
	h.Set("Server", "scaffolding on HTTPServer2")
	h.Set("Server-Timing", "gfet4t7; dur="+strconv.FormatInt(s.now().Sub(began).Milliseconds(), 10))
	h.Set("X-XSS-Protection", "0")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Alt-Svc", `h3=":443"; ma=2592000,h3-29=":443"; ma=2592000`)
	w.WriteHeader(code)
}

// refuse writes an error; streams get the content type they asked for, with the same pretty JSON (gemini-api.md §5).
func (s *Server) refuse(w http.ResponseWriter, r *refusal, began time.Time, sse bool) {
	mime := "application/json; charset=UTF-8"
	switch {
	case r.mime != "":
		mime = r.mime
	case sse:
		mime = "text/event-stream"
	}
	s.header(w, r.code, mime, began)
	w.Write(r.body())
}

// reply writes a small JSON answer.
func (s *Server) reply(w http.ResponseWriter, v any, began time.Time) {
	s.header(w, http.StatusOK, "application/json; charset=UTF-8", began)
	w.Write(pretty(v))
}

// ServeHTTP finds the surface a path belongs to.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if m := vertexPath.FindStringSubmatch(path); m != nil {
		s.vertex(w, r, m)
		return
	}
	surface, version, rest := split(path)
	switch {
	case strings.HasPrefix(path, "/sim/"):
		s.control(w, r)
	case path == "/incidents.json":
		s.incidents(w)
	case path == "/token":
		s.token(w)
	case version != "v1" && version != "v1beta":
		s.lost(w)
	case surface == "" && (rest == "models" || strings.HasPrefix(rest, "models/")):
		s.gemini(w, r, version, strings.TrimPrefix(strings.TrimPrefix(rest, "models"), "/"))
	case rest == "files" || strings.HasPrefix(rest, "files/"):
		s.serveFiles(w, r, rest, surface == "upload")
	default:
		s.lost(w)
	}
}

// split takes a path apart: "upload" or "download" in front, version, the rest.
func split(path string) (surface, version, rest string) {
	path = strings.TrimPrefix(path, "/")
	for _, s := range []string{"upload", "download"} {
		if after, ok := strings.CutPrefix(path, s+"/"); ok {
			surface, path = s, after
		}
	}
	version, rest, _ = strings.Cut(path, "/")
	return surface, version, rest
}

// lost is the page of a path nobody serves.
func (s *Server) lost(w http.ResponseWriter) {
	s.refuse(w, googlePage(http.StatusNotFound, "The requested URL was not found on this server."), s.now(), false)
}
