package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/verdict"
)

// A Gateway is an [http.Handler]. Relay is required.
type Gateway struct {
	Relay http.RoundTripper
	Door  *Door // nil: everyone on this machine comes in
	// Ready gives the reason why the gateway can't serve; nil: it always can.
	Ready func() error
	// Projects describes the pool; nil: the route is not served.
	Projects func() []pool.Report
	// Recheck lets a project that is parked without an end be asked once more, because
	// it may be mended; nil: the route is not served.
	Recheck func(context.Context, plantain.ProjectName) error
	Weather Weather // told beside the projects
	// Attempts gives what stands in the ledger of a request; for [gallery.Last] of the
	// newest of a client, or of all for an empty one; for an empty id the most recent
	// attempts, newest first. Nil: the routes are not served.
	Attempts  func(plantain.ClientName, plantain.RequestID) ([]Attempt, error)
	Ledger    Ledger                   // what spend is told from; nil: the routes are not served
	Answers   Answers                  // nil: none are kept, and the route is not served
	Gallery   *gallery.Gallery         // nil: its routes are not served
	Rules     func() verdict.Rules     // what to believe of a filtered answer, for /api/v1/explain; nil: the defaults
	Catalogue func() *gemini.Catalogue // of the models that keys may be bound to; nil: the one that comes with Plantain
	Load      func() Load              // nil: not told to /metrics
	Build     map[string]string        // version, revision and go of the program, for /metrics
	Log       *slog.Logger             // nil: nothing is logged

	live    live
	busy    limits
	once    sync.Once
	counted *metrics
}

// Handler gives the routes.
func (g *Gateway) Handler() http.Handler {
	if g.Door == nil {
		g.Door = &Door{}
	}
	mux := http.NewServeMux()
	for _, version := range []string{"v1", "v1beta"} {
		mux.HandleFunc("/"+version, g.nothing)
		mux.Handle("/"+version+"/", g.count(g.behind(g.gemini)))
	}
	mux.HandleFunc("GET /healthz", g.healthz)
	mux.HandleFunc("GET /readyz", g.readyz)
	mux.Handle("GET /api/v1/requests/{id}", g.behind(g.request))
	if g.Answers != nil {
		mux.Handle("GET /api/v1/requests/{id}/answer", g.behind(g.answer))
	}
	if g.Gallery != nil {
		mux.Handle("GET /api/v1/images", g.behind(g.images))
		mux.Handle("GET /api/v1/images/{id}", g.forImage(g.image))
		mux.Handle("GET /api/v1/images/{id}/content", g.forImage(g.imageContent))
		mux.Handle("GET /api/v1/images/{id}/thumbnail", g.forImage(g.imageThumbnail))
		mux.Handle("DELETE /api/v1/images/{id}", g.forImage(g.removeImage))
		mux.Handle("GET /api/v1/threads", g.behind(g.threads))
		mux.Handle("GET /api/v1/threads/{id}", g.behind(g.thread))
		mux.Handle("POST /api/v1/threads/{id}/refine", g.count(g.behind(g.refine)))
		mux.Handle("POST /api/v1/threads/{id}/final", g.count(g.behind(g.final)))
	}
	mux.Handle("GET /api/v1/live/{key}", g.behind(g.story))
	mux.Handle("POST /api/v1/explain", g.behind(g.explain))
	mux.Handle("POST /api/v1/estimate", g.behind(g.estimate))
	mux.Handle("GET /api/v1/spend", g.behind(g.spend))
	mux.Handle("GET /api/v1/spend/advice", g.forAdmins(g.advice))
	mux.Handle("POST /api/v1/spend/check", g.forAdmins(g.checkBill))
	mux.Handle("GET /api/v1/symptoms", g.behind(g.symptoms))
	mux.Handle("GET /api/v1/lint", g.behind(g.lint))
	mux.Handle("POST /api/v1/lint", g.behind(g.lint))
	mux.Handle("GET /metrics", g.forAdmins(g.serveMetrics))
	mux.Handle("GET /api/v1/projects", g.forAdmins(g.projects))
	if g.Recheck != nil && g.Projects != nil {
		mux.Handle("POST /api/v1/projects/{name}/recheck", g.forAdmins(g.recheck))
	}
	mux.Handle("GET /api/v1/requests", g.forAdmins(g.requests))
	if g.Door.Keys != nil {
		mux.Handle("GET /api/v1/keys", g.forAdmins(g.listKeys))
		mux.Handle("POST /api/v1/keys", g.forAdmins(g.createKey))
		mux.Handle("GET /api/v1/key", g.behind(g.ownKey))
		mux.Handle("PATCH /api/v1/keys/{name}", g.forAdmins(g.changeKey))
		mux.Handle("POST /api/v1/keys/{name}/rotate", g.forAdmins(g.rotateKey))
		mux.Handle("DELETE /api/v1/keys/{name}", g.forAdmins(g.revokeKey))
	}
	mux.HandleFunc("/", g.nothing)
	return cleaned(mux)
}

// cleaned serves a path such as "//v1beta/models", which a base URL with a slash at
// its end makes, as what it means. The redirect that Go's multiplexer would answer
// makes SDKs send a body twice, or fail.
func cleaned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clean := path.Clean("/" + r.URL.Path)
		if strings.HasSuffix(r.URL.Path, "/") && clean != "/" {
			clean += "/"
		}
		if clean != r.URL.Path {
			u := *r.URL
			u.Path, u.RawPath = clean, ""
			r = r.WithContext(r.Context()) // the request itself is the server's
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}

type visitorKey struct{}

// visitorOf is who came through the door with a request.
func visitorOf(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

// behind puts a route behind the door.
func (g *Gateway) behind(next http.HandlerFunc) http.Handler {
	open := onlyFromHere(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := g.Door.admit(r)
		if err != nil {
			turnedAway(w, err)
			return
		}
		g.Door.note(v)
		r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
		if v.walkIn {
			open.ServeHTTP(w, r)
			return
		}
		next(w, r)
	})
}

// forAdmins puts a route behind the door and shows it to admins only.
func (g *Gateway) forAdmins(next http.HandlerFunc) http.Handler {
	return g.behind(func(w http.ResponseWriter, r *http.Request) {
		if !visitorOf(r).admin {
			writeError(w, http.StatusForbidden, "this needs the key of an admin; plantain keys create NAME --admin makes one")
			return
		}
		next(w, r)
	})
}

// onlyFromHere guards a gateway without keys, which anyone who reaches it may
// use: a page in a browser must not, neither by a form from another site nor by
// a name of its own that it points at this machine.
func onlyFromHere(next http.Handler) http.Handler {
	guarded := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) || !isLoopback(r.RemoteAddr) && r.RemoteAddr != "" {
			writeError(w, http.StatusForbidden, fmt.Sprintf("this gateway has no keys, so it answers to this machine only, under the name localhost and not %q", r.Host))
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// isLoopback reports whether a host, with or without a port, is this machine.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" || host == "" {
		return true
	}
	ip, err := netip.ParseAddr(trimBrackets(host))
	return err == nil && ip.IsLoopback()
}

func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

// CheckListen refuses an address that others could reach while there are no keys.
func CheckListen(address string, keys bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen on %q: write HOST:PORT, such as 127.0.0.1:8787: %w", address, err)
	}
	if !keys && (host == "" || !isLoopback(host)) {
		return fmt.Errorf("listen on %q: without keys anyone who reaches the gateway could spend your money; "+
			"make one with plantain keys create NAME, or use 127.0.0.1", address)
	}
	return nil
}

// gemini serves the Gemini API.
func (g *Gateway) gemini(w http.ResponseWriter, r *http.Request) {
	caller, err := callerOf(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	g.serve(w, r, caller)
}

// serve sends on a request of a caller, one of so many at a time.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, caller relay.Caller) {
	if !g.busy.enter(caller.Client) {
		tooBusy(w, caller.Client)
		return
	}
	defer g.busy.leave(caller.Client)
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		story, done := g.live.begin(storyKey{caller.Client, key})
		defer done()
		caller.Watch = story.add
	}
	r.Body = http.MaxBytesReader(w, r.Body, gemini.MaxInline)
	g.relay(w, r.WithContext(relay.WithCaller(r.Context(), caller)))
}

// relay hands a request to the relay and its answer to the client.
func (g *Gateway) relay(w http.ResponseWriter, r *http.Request) {
	res, err := g.Relay.RoundTrip(r)
	if err != nil {
		if r.Context().Err() == nil {
			g.log().Error("relay", "path", r.URL.Path, "error", err)
			writeError(w, http.StatusInternalServerError, "internal: the gateway could not serve the request; its log says why")
		}
		return
	}
	defer res.Body.Close()
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	if _, err := io.Copy(writerTo(w, res), res.Body); err != nil {
		g.log().Info("the client left while its answer was written", "request", res.Header.Get("Plantain-Request-Id"), "error", err)
	}
}

// writerTo gives where an answer is written to: one that comes event by event is
// not kept in a buffer until more arrives.
func writerTo(w http.ResponseWriter, res *http.Response) io.Writer {
	if res.ContentLength >= 0 {
		return w
	}
	return flushed{w, http.NewResponseController(w)}
}

type flushed struct {
	to    io.Writer
	flush *http.ResponseController
}

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.to.Write(p)
	if err == nil {
		err = f.flush.Flush()
	}
	return n, err
}

func (g *Gateway) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (g *Gateway) readyz(w http.ResponseWriter, _ *http.Request) {
	if g.Ready != nil {
		if err := g.Ready(); err != nil {
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": err.Error()})
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

func (g *Gateway) projects(w http.ResponseWriter, r *http.Request) {
	if g.Projects == nil {
		g.nothing(w, r)
		return
	}
	shown := map[string]any{"projects": g.Projects()}
	if g.Weather.Now != nil {
		shown["weather"] = g.Weather.Now()
	}
	if g.Weather.Hours != nil {
		hours, err := g.Weather.Hours(r.Context())
		if err != nil {
			g.log().Error("read the ledger", "error", err)
		} else {
			shown["hours"] = hours
		}
	}
	writeJSON(w, http.StatusOK, shown)
}

func (g *Gateway) recheck(w http.ResponseWriter, r *http.Request) {
	name := plantain.ProjectName(r.PathValue("name"))
	if !slices.ContainsFunc(g.Projects(), func(p pool.Report) bool { return p.Project == name }) {
		writeError(w, http.StatusNotFound, fmt.Sprintf("no project is called %q", name))
		return
	}
	if err := g.Recheck(r.Context(), name); err != nil {
		g.log().Error("let a project back in", "project", name, "error", err)
		writeError(w, http.StatusInternalServerError, "internal: the project could not be let back in; the log says why")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"project": name})
}

func (g *Gateway) story(w http.ResponseWriter, r *http.Request) {
	events, ok := g.live.events(storyKey{visitorOf(r).client, r.PathValue("key")})
	if !ok {
		writeError(w, http.StatusNotFound, "no request runs under this Idempotency-Key")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"events": events})
}

func (g *Gateway) nothing(w http.ResponseWriter, r *http.Request) {
	writeError(w, http.StatusNotFound, fmt.Sprintf("%s %s is not served; the Gemini API is under /v1beta and /v1, Plantain's own under /api/v1", r.Method, r.URL.Path))
}

func (g *Gateway) log() *slog.Logger {
	if g.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return g.Log
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "internal", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that left is no fault of ours
}

// readJSON reads a body of at most so many bytes. A field that nobody knows is an error:
// what is misspelt must not be taken for what is absent.
func readJSON(w http.ResponseWriter, r *http.Request, most int64, into any) error {
	read := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	read.DisallowUnknownFields()
	return read.Decode(into)
}

// writeError gives an error in a shape that Google's SDKs and people can read.
func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"code": status, "message": message, "status": statusNames[status],
	}})
}

// statusNames are the gRPC names that Google pairs with a status.
var statusNames = map[int]string{
	http.StatusBadRequest:          "INVALID_ARGUMENT",
	http.StatusForbidden:           "PERMISSION_DENIED",
	http.StatusNotFound:            "NOT_FOUND",
	http.StatusConflict:            "ALREADY_EXISTS",
	http.StatusInternalServerError: "INTERNAL",
}
