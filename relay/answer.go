package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/thread"
)

// header is what Plantain adds to the headers of an answer.
type header struct {
	request  plantain.RequestID
	project  plantain.ProjectName // empty: nothing was sent
	attempts int
	verdict  plantain.Class
	cost     plantain.Cost  // of all attempts together
	image    string         // what differs from what was asked; empty: not said
	instead  plantain.Model // the model that served in the place of the one asked for; empty: none did
	fallback string         // what an error tells of those that did not; empty: nothing
	healed   thread.How     // what the last attempt took
	after    time.Duration  // Retry-After; zero: none
	suggests string         // a prompt that may pass where this one was filtered; empty: none is known
	remark   string         // on the prompt; empty: none
	running  bool           // the attempt goes on: neither its verdict nor its cost is known
}

// write sets the headers.
func (h header) write(to http.Header) {
	to.Set("Plantain-Request-Id", string(h.request))
	to.Set("Plantain-Attempts", strconv.Itoa(h.attempts))
	if !h.running {
		to.Set("Plantain-Verdict", h.verdict.String())
		to.Set("Plantain-Cost-Usd", costUSD(h.cost))
	}
	if h.project != "" {
		to.Set("Plantain-Project", string(h.project))
	}
	if h.image != "" {
		to.Set("Plantain-Image", h.image)
	}
	if h.healed != thread.Untouched {
		to.Set("Plantain-Healed", string(h.healed))
	}
	if h.instead != "" {
		to.Set("Plantain-Model-Fallback", string(h.instead))
	}
	if h.suggests != "" {
		to.Set("Plantain-Suggestion", headerText(h.suggests))
	}
	if h.remark != "" {
		to.Set("Plantain-Lint", headerText(h.remark))
	}
	if h.after > 0 {
		to.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(h.after.Seconds())), 10))
	}
}

// costUSD is dollars, or "low-high" where it is not known.
func costUSD(c plantain.Cost) string {
	if c.Known() {
		return c.Low.Decimal()
	}
	return c.Low.Decimal() + "-" + c.High.Decimal()
}

// heading is what the headers of an answer say of the request as it stands.
func (a *ask) heading(attempts int) header {
	return header{request: a.id, attempts: attempts, cost: a.spent, instead: a.instead(), fallback: a.fallback.said(), healed: a.how,
		suggests: a.suggested.Prompt, remark: a.remark}
}

// headingOf is the heading when an attempt is judged.
func (a *ask) headingOf(r *result, attempts int) header {
	h := a.heading(attempts)
	h.project, h.verdict, h.image = r.member.Name, r.verdict.Class, asAsked(a, &r.facts.Body)
	return h
}

// An answer is what the client gets: Google's answer as it came, Google's error
// with one more detail, or a refusal of our own.
type answer struct {
	header
	refused *refusal
	status  int
	google  http.Header   // of the answer that is handed on
	body    *spool.Buffer // handed on byte for byte; it may be held
	length  int64         // of body; -1: not known yet
	tail    []byte        // of a stream that broke off, behind what was shown of body; only what is kept has it
	errBody []byte        // instead of body, where a detail was added
	// earlier is the request that the answer was made for, with all that stands in
	// google; empty: this one.
	earlier plantain.RequestID
}

// share gives the answer to one more reader.
func (a *answer) share() *answer {
	if a.body != nil {
		a.body.Retain()
	}
	return a
}

func (a *answer) release() { a.body.Release() }

// answer hands on what the last attempt brought.
func (t *Transport) answer(a *ask, r *result, attempts int) *answer {
	h := a.headingOf(r, attempts)
	switch {
	case r.lost != nil:
		return &answer{header: h, refused: lostOnDisk(r)}
	case r.facts.Status == 0, a.route.free() && r.facts.Stage != plantain.Done, !a.route.free() && !r.arrived():
		return &answer{header: h, refused: unanswered(r)}
	case r.facts.Status < 200 || r.facts.Status >= 300 && r.facts.Status < 400:
		return &answer{header: h, refused: redirected(r)}
	case r.status() >= 400:
		h.after = r.verdict.Wait
		return &answer{header: h, status: r.status(), google: r.facts.Header, errBody: withDetail(r, h)}
	default:
		return &answer{header: h, status: r.facts.Status, google: r.facts.Header, body: r.body.Retain(), length: r.body.Len()}
	}
}

// refuse answers a request for which no further attempt can be opened: with
// Google's last answer where there was one, else with a refusal.
func (t *Transport) refuse(a *ask, last *result, attempts int, err error) *answer {
	noRoom := (*pool.NoRoom)(nil)
	full := errors.As(err, &noRoom)
	var after time.Duration
	if full && !noRoom.Forever {
		after = max(noRoom.At.Sub(t.now()), time.Second)
	}
	if at := a.fallback.nextAt; full && !at.IsZero() && (after == 0 || at.Before(noRoom.At)) {
		after = max(at.Sub(t.now()), time.Second)
	}
	if last != nil && !(full && !noRoom.Forever && ofProject(last.verdict.Class)) {
		answer := t.answer(a, last, attempts)
		if after > 0 {
			answer.after = after
		}
		return answer
	}
	h := a.heading(attempts)
	h.after = after
	if full {
		if attempts == 0 && len(noRoom.Outgrown) == 0 {
			t.tell(a, Event{Kind: EventTurnedAway, Why: reason(noRoom)})
		}
		refused := noRoomRefusal(a, noRoom, after)
		h.verdict = refused.verdict.Class
		return &answer{header: h, refused: refused}
	}
	if over := (*pool.OverLimit)(nil); errors.As(err, &over) {
		return &answer{header: h, refused: overLimit(over, t.now())}
	}
	if before := (*filteredBefore)(nil); errors.As(err, &before) {
		t.tell(a, Event{Kind: EventSpared, Why: string(ledger.SparedFiltered), Earlier: before.Request})
		h.suggests = t.suggest(a).Prompt
		return &answer{header: h, refused: t.filteredRefusal(a, before, h)}
	}
	if errors.Is(err, errStopping) {
		return &answer{header: h, refused: stopping()}
	}
	if errors.As(err, new(*Unkept)) {
		return &answer{header: h, refused: unkept(err)}
	}
	if !errors.Is(err, errLeft) {
		t.log().Error("a request could not be served", "request", a.id, "error", err)
	}
	return &answer{header: h, refused: localFault(a)}
}

// ofProject reports a refusal that was about one project: where another one will
// have room, that is what the client should hear.
func ofProject(c plantain.Class) bool {
	switch c {
	case plantain.KeyInvalid, plantain.Permission, plantain.Billing, plantain.QuotaZero:
		return true
	default:
		return false
	}
}

// dropped are headers that speak of the connection to Google.
var dropped = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Alt-Svc", "Set-Cookie", "Content-Length", "Retry-After", "Location", "X-Goog-Api-Key"}

// response makes the HTTP response of an answer.
func (a *answer) response(r *http.Request) *http.Response {
	status, head, text := a.render()
	if a.body == nil {
		return newResponse(r, status, head, io.NopCloser(bytes.NewReader(text)), int64(len(text)))
	}
	body := a.body.Reader(r.Context().Done())
	a.body.Release() // the share of this caller; the reader has its own
	return newResponse(r, status, head, body, a.length)
}

// render gives what a client sees of an answer: text where it has no body that is
// handed on. The header is the caller's own.
func (a *answer) render() (status int, head http.Header, text []byte) {
	if a.refused != nil {
		return a.refused.render(a.header)
	}
	head = a.google.Clone()
	if a.earlier != "" {
		return a.status, head, nil
	}
	for _, name := range dropped {
		head.Del(name)
	}
	for name := range head {
		if strings.HasPrefix(name, "Plantain-") {
			delete(head, name)
		}
	}
	a.write(head)
	if a.errBody != nil {
		head.Set("Content-Type", jsonType)
		head.Del("Content-Encoding")
		return a.status, head, a.errBody
	}
	return a.status, head, nil
}

func newResponse(r *http.Request, status int, head http.Header, body io.ReadCloser, length int64) *http.Response {
	if length >= 0 {
		head.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: head, Body: body, ContentLength: length, Request: r,
	}
}

// response makes the HTTP response of a refusal, in Google's shape.
func (r *refusal) response(req *http.Request, h header) *http.Response {
	status, head, text := r.render(h)
	return newResponse(req, status, head, io.NopCloser(bytes.NewReader(text)), int64(len(text)))
}

func (r *refusal) render(h header) (status int, head http.Header, text []byte) {
	if h.verdict == "" {
		h.verdict = r.verdict.Class
	}
	if h.after == 0 {
		h.after = r.after
	}
	mime, body := r.mime, r.body
	if body == nil {
		mime, body = jsonType, r.google(h).encode()
	}
	head = http.Header{"Content-Type": {mime}}
	h.write(head)
	return r.status, head, body
}

// google gives a refusal in Google's error shape.
func (r *refusal) google(h header) googleError {
	e := googleError{Code: r.status, Message: r.text(), Status: statusName(r.status, r.verdict.Class)}
	if r.field != "" {
		e.Details = append(e.Details, fieldDetail(r.field, r.message))
	}
	if h.after > 0 {
		e.Details = append(e.Details, retryDetail(h.after))
	}
	e.Details = append(e.Details, ourDetail(r.verdict, h, r.more))
	return e
}

// text is what SDKs print of an error: what is wrong and what to do.
func (r *refusal) text() string {
	s := r.message
	if r.verdict.Fix != "" {
		s += ". " + r.verdict.Fix
	}
	return s
}

// noRoomRefusal tells that no project can take the request, and when one will.
func noRoomRefusal(a *ask, n *pool.NoRoom, after time.Duration) *refusal {
	v := plantain.Verdict{Class: plantain.RateMinute, Charged: plantain.ChargedNo, Retry: plantain.RetryLater, Limit: n.Limit, Wait: after}
	switch {
	case len(n.Outgrown) > 0:
		return outgrown(a, n)
	case n.Parked.Reason != "":
		v.Class = n.Parked.Reason
	case n.Forever:
		v.Class = plantain.QuotaZero
	case n.Limit == plantain.LimitRPD || n.Limit == plantain.LimitIPD || n.Limit == plantain.LimitTPD:
		v.Class = plantain.RateDay
	}
	message := fmt.Sprintf("no project has room for %s: %s", a.entry.ID, n.Error())
	if n.Sky != (pool.Sky{}) {
		message = n.Error()
	}
	if said := a.fallback.said(); said != "" {
		message += "; " + said
	}
	v.Explanation = "Plantain did not send the request, so nothing was charged: " + message + "."
	v.Fix = "Send it again after the time in Retry-After, or add a project."
	if n.Sky != (pool.Sky{}) {
		v.Fix = "Send it again after the time in Retry-After, or ask another model, which Plantain-Fallback does by itself; more projects would not help."
	}
	if n.Forever {
		v.Retry = plantain.RetryAfterFix
		v.Fix = fixForever(n)
	}
	return &refusal{status: statusOf(v.Class), verdict: v, message: message}
}

// outgrown refuses a request that exceeds whole windows, so that to wait for room
// would be to wait for ever.
func outgrown(a *ask, n *pool.NoRoom) *refusal {
	bad := badRequest("contents", fmt.Sprintf("this request to %s is larger than the %s window of every project that could take it: %s",
		a.entry.ID, n.Limit, n.TooLarge()),
		"Shorten the prompt or send fewer pictures; or, where Google grants a project more, raise its limits in plantain.yaml. No wait helps.")
	bad.verdict.Limit = n.Limit
	return bad
}

func fixForever(n *pool.NoRoom) string {
	if n.Parked.Why != "" {
		return "What Google said: " + strings.TrimSuffix(n.Parked.Why, ".") + ". Mend the project or its entry in plantain.yaml and let the gateway read it again (SIGHUP), or add another."
	}
	return "The tier of the project has no quota for this model: link billing, or add another project."
}

// statusOf is the HTTP status that Google answers a class with.
func statusOf(c plantain.Class) int {
	switch c {
	case plantain.KeyInvalid, plantain.Region, plantain.BadRequest:
		return http.StatusBadRequest
	case plantain.Permission:
		return http.StatusForbidden
	case plantain.Capacity, plantain.ServerError:
		return http.StatusServiceUnavailable
	default:
		return http.StatusTooManyRequests
	}
}

// redirected refuses an answer that sends the client elsewhere: it would take its
// prompt and its key there.
func redirected(r *result) *refusal {
	message := fmt.Sprintf("the upstream of project %s answers %d, which no API does; its base_url is not right", r.member.Name, r.facts.Status)
	return &refusal{status: http.StatusBadGateway, verdict: r.verdict, message: message}
}

// unanswered tells that the end of an attempt was not seen. 504 is for a time-out
// and 502 for a connection that broke: neither is Google's own.
func unanswered(r *result) *refusal {
	status := http.StatusBadGateway
	if isTimeout(r.facts.Err) {
		status = http.StatusGatewayTimeout
	}
	message := strings.TrimSuffix(r.verdict.Explanation, ".")
	if large := tooLarge(0); errors.As(r.facts.Err, &large) {
		message = fmt.Sprintf("%s: no image of Google's is. %s", large, message)
	}
	return &refusal{status: status, verdict: r.verdict, message: message}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func lostOnDisk(r *result) *refusal {
	v := r.verdict
	v.Fix = "Make room on the gateway's disk before anything is sent again: it would be paid for again."
	return &refusal{status: http.StatusInternalServerError, verdict: v,
		message: "the answer came and stands in the ledger, but could not be kept: the disk of the gateway is full or broken"}
}

func stopping() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, message: "the gateway is stopping",
		verdict: plantain.Verdict{Class: plantain.ServerError, Charged: plantain.ChargedNo, Retry: plantain.RetryLater,
			Explanation: "The gateway is being stopped and sends nothing any more. Nothing was charged.", Fix: "Send it again when it is back, which it can't foretell, or to another gateway."}}
}

// unkept refuses what could not be kept, were it paid for.
func unkept(err error) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, message: err.Error(), after: 2 * probeEvery,
		verdict: plantain.Verdict{Class: plantain.ServerError, Charged: plantain.ChargedNo, Retry: plantain.RetryLater,
			Explanation: "Plantain sends nothing while " + err.Error() + ": an image that is paid for could not be kept. Nothing was charged.",
			Fix:         "Make room for it or mend it; the log of the gateway says more. The gateway goes on by itself as soon as it can write again."}}
}

func localFault(a *ask) *refusal {
	return &refusal{status: http.StatusInternalServerError,
		message: fmt.Sprintf("internal: Plantain could not serve request %s; its log says why", a.id),
		verdict: plantain.Verdict{Charged: plantain.ChargedNo, Retry: plantain.RetryLater,
			Explanation: "A fault of the gateway itself, before anything was sent. Nothing was charged."}}
}
