package relay

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/thread"
)

// Force is what a client wants sent although it may cost in vain. The zero value is
// nothing.
type Force string

// What can be forced.
const (
	ForceUnknown  Force = "unknown"  // what may have been charged already
	ForceFiltered Force = "filtered" // what was filtered before
)

// A Caller is who asks, as the face in front of the Transport found out. It
// comes by context value; without one the caller is [plantain.LocalClient].
type Caller struct {
	Client plantain.ClientName
	// Allowance is what the client may use; nil: anything, and no account is kept.
	Allowance *plantain.Allowance
	// MaxWait is the longest this request may wait for room; zero: the Transport's.
	MaxWait  time.Duration
	Priority pool.Priority // among the requests that wait for room
	Force    Force         // what it wants sent all the same; zero: nothing
	// Fallback are the models that may serve when the one asked for has no room in
	// time or no capacity, in this order; nil: those of the Transport, empty: none.
	Fallback []plantain.Model
	// Project is the only one that may be asked; empty: any.
	Project plantain.ProjectName
	// Attempts are the most that may be made on one model, if the policy does not
	// allow fewer; zero: as many as it allows.
	Attempts int
	// Draft is the size that the picture is a draft for; empty: it is none.
	Draft string
	// Final is the request whose picture is asked for at its final size; empty: none.
	Final plantain.RequestID
	// Asks is what a request is the same by if it comes again with its idempotency key,
	// where path and body were made of it and may be made anew; empty: by these.
	Asks string
	// Estimate says that nothing is to be sent: the answer is an [Estimate].
	Estimate bool
	// Remark says something of the prompt, in the header Plantain-Lint; nil or empty:
	// nothing. It is ASCII.
	Remark func(prompt string) string
	// Watch is told what happens, as it happens, by one goroutine at a time; nil:
	// nobody. It must not block.
	Watch func(Event)
}

type callerKey struct{}

// WithCaller gives a context that carries who asks.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

func callerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	if c.Client == "" {
		c.Client = plantain.LocalClient
	}
	return c
}

// An ask is what a client asked, read whole and understood.
type ask struct {
	id     plantain.RequestID
	caller Caller
	key    string // Idempotency-Key; empty: none
	route  route
	method string
	entry  gemini.Entry // zero for a call that names no model of ours
	query  string
	header http.Header   // what may be sent on
	body   *spool.Buffer // nil: none
	digest [32]byte      // of the body, where there is a key
	asked  gemini.Asked
	names  []string // of files and tokens that belong to one project
	begun  time.Time
	// Since when nothing of it is out, and how long it had waited before; only the
	// flight uses them.
	idle    time.Time
	waited  time.Duration
	flat    bool       // it is sent without a turn of the model's
	how     thread.How // its last attempt was healed
	claimed bool       // its key stands in the books
	kept    bool       // so does its answer, or will
	bounds
	need     pool.Amount
	spent    plantain.Cost // of all attempts so far
	fallback fallback
	// suggested is what to say in the place of its prompt, which was filtered; zero: it
	// was not, or nothing is known.
	suggested Suggestion
	remark    string // on its prompt; empty: none
}

// bounds are how long a client waits.
type bounds struct {
	deadline time.Time // the client's own; zero: none
	patience time.Time // past it, no more waiting for room
}

// widest gives the later of each bound.
func (b bounds) widest(o bounds) bounds {
	if b.deadline.IsZero() || o.deadline.IsZero() {
		b.deadline = time.Time{}
	} else {
		b.deadline = latest(b.deadline, o.deadline)
	}
	b.patience = latest(b.patience, o.patience)
	return b
}

// hopeless reports that room comes too late for the client.
func (b bounds) hopeless(now time.Time, none *pool.NoRoom) bool {
	if none.Probing && now.Before(b.patience) {
		return false
	}
	return none.Forever || none.At.After(b.patience)
}

// A refusal is an answer that the relay gives by itself.
type refusal struct {
	status  int
	verdict plantain.Verdict
	message string
	after   time.Duration     // for Retry-After; zero: none
	field   string            // of the request, for BadRequest
	more    map[string]string // of our detail; nil: nothing
	body    []byte            // in the place of Google's error; nil: that
	mime    string            // of body
}

func (r *refusal) Error() string { return r.message }

// badRequest is the refusal of a request that can't succeed as it is.
func badRequest(field, message, fix string) *refusal {
	return &refusal{
		status:  http.StatusBadRequest,
		field:   field,
		message: message,
		verdict: plantain.Verdict{Class: plantain.BadRequest, Charged: plantain.ChargedNo, Retry: plantain.RetryAfterFix,
			Explanation: "Plantain refused the request before it was sent: " + message + ". Nothing was charged.", Fix: fix},
	}
}

// admit reads a request whole and understands it. Its error is a *refusal where
// the request is at fault.
func (t *Transport) admit(r *http.Request) (*ask, error) {
	rt, ok := parseRoute(r)
	if !ok {
		return nil, notServed(r)
	}
	a := &ask{id: plantain.RequestID(t.newID("r")), caller: callerOf(r.Context()), route: rt, method: r.Method, begun: t.now()}
	if only := a.caller.Project; only != "" {
		if _, known := t.set().Ways[only]; !known {
			return nil, badRequest("", fmt.Sprintf("no project is called %q", only), "Name one of plantain projects.")
		}
	}
	a.key = r.Header.Get("Idempotency-Key")
	query, refused := forwardableQuery(r.URL.Query(), rt)
	if refused != nil {
		return nil, refused
	}
	a.header, a.query = forwardable(r.Header, rt), query
	t.setBounds(r, a)
	if rt.model != "" {
		entry, known := t.set().catalogue().Lookup(rt.model)
		if !known && rt.pays() {
			return nil, t.unknownModel(rt.model)
		}
		a.entry = entry
		if !known {
			a.entry.ID = rt.model
		}
	}
	if r.Body == nil || r.Body == http.NoBody {
		if rt.pays() {
			return nil, badRequest("contents", "the request has no body", "Send a JSON body with contents.")
		}
		return a, nil
	}
	if err := t.readBody(r, a); err != nil {
		a.body.Release()
		return nil, err
	}
	if rt.pays() {
		err := a.check()
		if err == nil {
			err = t.permit(a)
		}
		if err == nil {
			err = t.allowFallback(a)
		}
		if err != nil {
			a.body.Release()
			return nil, err
		}
		a.need = t.need(a)
		if a.caller.Remark != nil {
			a.remark = a.caller.Remark(a.asked.Prompt)
		}
	}
	return a, nil
}

// need is what one attempt is expected to take of the windows.
func (t *Transport) need(a *ask) pool.Amount {
	return pool.Amount{Requests: 1, Images: 1, Tokens: ledger.InputTokens(a.entry, a.asked),
		Spend: ledger.Estimate(a.entry, t.price(a.entry, a.asked.ServiceTier, t.now()), a.asked, 0)}
}

func notServed(r *http.Request) *refusal {
	message := fmt.Sprintf("%s %s is not served here", r.Method, r.URL.Path)
	return &refusal{status: http.StatusNotFound, message: message,
		verdict: plantain.Verdict{Class: plantain.ModelNotFound, Charged: plantain.ChargedNo, Retry: plantain.RetryAfterFix,
			Explanation: message + ". Nothing was sent to Google.",
			Fix:         "Use /v1 or /v1beta with models, models/MODEL, models/MODEL:generateContent or models/MODEL:countTokens."}}
}

func (t *Transport) unknownModel(m plantain.Model) *refusal {
	var names []string
	for _, e := range t.set().catalogue().Models() {
		names = append(names, string(e.ID))
	}
	message := fmt.Sprintf("models/%s is not in Plantain's catalogue", m)
	return &refusal{status: http.StatusNotFound, message: message,
		verdict: plantain.Verdict{Class: plantain.ModelNotFound, Charged: plantain.ChargedNo, Retry: plantain.RetryAfterFix,
			Explanation: message + ", so its price is not known. Nothing was sent to Google.",
			Fix:         "Use one of " + strings.Join(names, ", ") + ", or describe the model under catalogue: in plantain.yaml."}}
}

// setBounds finds how long the client will wait: its context's deadline, or the
// X-Server-Timeout of Google's SDKs (gemini-api.md §9), whichever is sooner.
func (t *Transport) setBounds(r *http.Request, a *ask) {
	if d, ok := r.Context().Deadline(); ok {
		a.deadline = a.begun.Add(time.Until(d)) // by our clock
	}
	const day = 86_400 // no client waits longer, and more would overflow
	if s, err := strconv.ParseFloat(r.Header.Get("X-Server-Timeout"), 64); err == nil && s > 0 && s < day {
		if d := a.begun.Add(time.Duration(s * float64(time.Second))); a.deadline.IsZero() || d.Before(a.deadline) {
			a.deadline = d
		}
	}
	patience := t.set().maxWait()
	if a.caller.MaxWait > 0 {
		patience = a.caller.MaxWait
	}
	a.patience = a.begun.Add(patience)
	if !a.deadline.IsZero() && a.deadline.Before(a.patience) {
		a.patience = a.deadline
	}
}

// readBody spools the body whole before anything is answered: a server that
// answers while its client still sends loses the end of its answer.
func (t *Transport) readBody(r *http.Request, a *ask) error {
	a.body = t.spool.Buffer()
	var scan gemini.RequestScanner
	var sum hash.Hash
	if a.key != "" {
		sum = sha256.New()
		fallback := a.caller.Fallback
		path := cmp.Or(a.caller.Asks, r.URL.Path)
		fmt.Fprintf(sum, "%s %s?%s\n%t %q %s\n", r.Method, path, a.query, fallback != nil, fallback, a.caller.Project)
	}
	err := a.body.Fill(r.Body, func(p []byte) {
		_, _ = scan.Write(p)
		if sum != nil && a.caller.Asks == "" {
			sum.Write(p)
		}
	})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		bad := badRequest("", fmt.Sprintf("the body is larger than %d MB", tooLarge.Limit>>20),
			"Send pictures through the Files API, or fewer or smaller ones.")
		bad.status = http.StatusRequestEntityTooLarge
		return bad
	case errors.As(err, new(*spool.DiskError)):
		return unkept(t.spoolFailed(err, a.body.Len()))
	case err != nil, r.ContentLength > 0 && a.body.Len() != r.ContentLength: // zero with a body: not known
		return badRequest("", "the request's body was cut before its end", "Send it again whole.")
	}
	if sum != nil {
		sum.Sum(a.digest[:0])
	}
	a.asked = scan.Finish()
	a.names = namesIn(a.asked)
	if a.entry.Signatures {
		if err := a.asked.LookInside(a.body); err != nil {
			return unkept(t.spoolFailed(err, a.body.Len()))
		}
	}
	return nil
}

// check refuses what Google would refuse, in words that say what is valid.
func (a *ask) check() error {
	if !a.asked.Valid {
		return badRequest("", "Invalid JSON payload received: "+a.asked.Fault, "Send one complete JSON object.")
	}
	if len(a.asked.Turns) == 0 {
		return badRequest("contents", "contents is not specified", "Put the prompt in contents[].parts[].text.")
	}
	if err := a.entry.CheckSize(a.asked.Size); err != nil {
		return badRequest("generationConfig.imageConfig.imageSize", err.Error(), "Correct generationConfig.imageConfig.imageSize.")
	}
	if err := a.entry.CheckRatio(a.asked.Ratio); err != nil {
		return badRequest("generationConfig.imageConfig.aspectRatio", err.Error(), "Correct generationConfig.imageConfig.aspectRatio.")
	}
	if draft := a.caller.Draft; draft != "" {
		if err := a.entry.CheckSize(draft); err != nil {
			return badRequest("", "Plantain-Draft: "+err.Error(), "Correct the header Plantain-Draft, which names the size of the final.")
		}
		if gemini.CompareSizes(cmp.Or(a.asked.Size, a.entry.DefaultSize), draft) >= 0 {
			return badRequest("generationConfig.imageConfig.imageSize", "Plantain-Draft: a draft for "+draft+" is smaller than that",
				"Ask for a smaller size, or leave the header Plantain-Draft out.")
		}
	}
	if a.asked.Candidates > 1 {
		return badRequest("generationConfig.candidateCount", "image models make one candidate a request",
			"Leave candidateCount out and send one request for each image.")
	}
	return nil
}
