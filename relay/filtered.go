package relay

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
)

// A Filtered is a request that Google's filter refused, remembered so that it is not
// paid for again: the whole body, pictures included, of a client for a model.
type Filtered struct {
	Client plantain.ClientName
	Model  plantain.Model // that served
	Digest [32]byte       // SHA-256 of the body
	Length int64          // of the body

	Verdict plantain.Verdict // of the last time; class, explanation and fix are kept
	Finish  string           // finishReason or blockReason as Google wrote it
	Status  int              // HTTP
	Request plantain.RequestID
	Times   int           // in a row
	Cost    plantain.Cost // of all of them
	At      time.Time     // the last time
	Expires time.Time
}

// Filters keep what was filtered beyond the process.
type Filters interface {
	// Filtered gives all that is remembered at an instant.
	Filtered(ctx context.Context, now time.Time) ([]Filtered, error)
	// KeepFiltered keeps one in the place of an older one, and drops what expired by then.
	KeepFiltered(ctx context.Context, f Filtered) error
	ForgetFiltered(ctx context.Context, f Filtered) error
}

// refusesAfter is how often in a row the same request must be filtered before it is
// refused. A blocked prompt is blocked each time, and a picture that breaks a policy
// likely so; but of the same recitation six of eight passed when they were recorded
// again (failures/), so that three in a row seldom happen by chance.
func refusesAfter(c plantain.Class) int {
	switch c {
	case plantain.SafetyPrompt, plantain.SafetyImage:
		return 1
	case plantain.Recitation:
		return 3
	default:
		return 0
	}
}

// mostFiltered is how many requests of one client are remembered; then the oldest
// goes.
const mostFiltered = 2000

// filters are what is remembered. The zero value remembers nothing.
type filters struct {
	keeping sync.Mutex // what is kept beyond the process changes with what is here

	mu    sync.RWMutex
	known map[filterKey]map[[32]byte]Filtered
}

// filterKey tells most requests apart by their length, so that few must be hashed.
type filterKey struct {
	client plantain.ClientName
	model  plantain.Model
	length int64
}

func (a *ask) filterKey() filterKey {
	return filterKey{a.caller.Client, a.entry.ID, a.body.Len()}
}

// look finds what is remembered of a request.
func (fs *filters) look(a *ask, now time.Time) (Filtered, bool) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	like := fs.known[a.filterKey()]
	if len(like) == 0 {
		return Filtered{}, false
	}
	f, ok := like[a.content()]
	return f, ok && now.Before(f.Expires)
}

// content is the hash of the body.
func (a *ask) content() (digest [32]byte) {
	sum := sha256.New()
	body := a.body.Reader(nil)
	defer body.Close()
	if _, err := body.WriteTo(sum); err != nil {
		return digest // the disk can't be read: nothing is like it
	}
	sum.Sum(digest[:0])
	return digest
}

func (f *Filtered) key() filterKey { return filterKey{f.Client, f.Model, f.Length} }

// put remembers one, and gives the oldest of its client where there are too many.
func (fs *filters) put(f Filtered) (oldest Filtered, tooMany bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.add(f)
	n := 0
	for k, like := range fs.known {
		if k.client != f.Client {
			continue
		}
		for _, other := range like {
			if n++; n == 1 || other.At.Before(oldest.At) {
				oldest = other
			}
		}
	}
	if n <= mostFiltered {
		return Filtered{}, false
	}
	fs.drop(oldest)
	return oldest, true
}

// add remembers one. mu is held.
func (fs *filters) add(f Filtered) {
	if fs.known == nil {
		fs.known = map[filterKey]map[[32]byte]Filtered{}
	}
	if fs.known[f.key()] == nil {
		fs.known[f.key()] = map[[32]byte]Filtered{}
	}
	fs.known[f.key()][f.Digest] = f
}

func (fs *filters) forget(f Filtered) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.drop(f)
}

// drop forgets one. mu is held.
func (fs *filters) drop(f Filtered) {
	like := fs.known[f.key()]
	delete(like, f.Digest)
	if len(like) == 0 {
		delete(fs.known, f.key())
	}
}

// LoadFilters reads what was filtered before, here or on another gateway, in the place of
// what this one remembers. Without Filters there is nothing to read.
func (t *Transport) LoadFilters(ctx context.Context) error {
	if t.Filters == nil {
		return nil
	}
	t.filters.keeping.Lock()
	defer t.filters.keeping.Unlock()
	all, err := t.Filters.Filtered(ctx, t.now())
	if err != nil {
		return err
	}
	var fresh filters
	for _, f := range all {
		fresh.add(f)
	}
	t.filters.mu.Lock()
	defer t.filters.mu.Unlock()
	t.filters.known = fresh.known
	return nil
}

func (s *Settings) filtered() time.Duration { return cmp.Or(s.Filtered, 24*time.Hour) }

// A filteredBefore says that a request was filtered before and is not sent again.
type filteredBefore struct{ Filtered }

func (f *filteredBefore) Error() string {
	times := ""
	if f.Times > 1 {
		times = fmt.Sprintf(", the last of %d times,", f.Times)
	}
	return fmt.Sprintf("the same request was filtered at %s%s as %s, request %s, for $%s",
		f.At.UTC().Format(time.RFC3339), times, cmp.Or(f.Finish, f.Verdict.Class.String()), f.Request, costUSD(f.Cost))
}

// spared gives a *filteredBefore where a request would only be filtered again.
func (t *Transport) spared(a *ask) error {
	if a.route.free() || t.set().filtered() < 0 || a.caller.Force == ForceFiltered {
		return nil
	}
	f, ok := t.filters.look(a, t.now())
	if n := refusesAfter(f.Verdict.Class); !ok || n == 0 || f.Times < n {
		return nil
	}
	t.log().Info("spared", "request", a.id, "client", f.Client, "model", f.Model, "verdict", f.Verdict.Class.String(), "since", f.At, "earlier", f.Request)
	return &filteredBefore{f}
}

// notice remembers an attempt that was filtered, and forgets what came through.
func (t *Transport) notice(a *ask, r *result) {
	keep := t.set().filtered()
	filtered := refusesAfter(r.verdict.Class) > 0 && r.arrived()
	if keep < 0 || !filtered && r.verdict.Class != plantain.Success {
		return
	}
	t.filters.keeping.Lock()
	defer t.filters.keeping.Unlock()
	now := t.now()
	f, known := t.filters.look(a, now)
	var err error
	switch {
	case filtered:
		if !known || f.Verdict.Class != r.verdict.Class {
			f = Filtered{Client: a.caller.Client, Model: a.entry.ID, Digest: a.content(), Length: a.body.Len()}
		}
		e := entryOf(a, r, now)
		f.Verdict, f.Finish, f.Status, f.Request = r.verdict, e.Finish, r.status(), a.id
		f.Times, f.At, f.Expires = f.Times+1, now, now.Add(keep)
		f.Cost = plantain.Cost{Low: f.Cost.Low + r.cost.Low, High: f.Cost.High + r.cost.High}
		err = t.keepFiltered(f)
	case known:
		t.filters.forget(f)
		if t.Filters != nil {
			err = t.Filters.ForgetFiltered(context.Background(), f)
		}
	}
	if err != nil {
		t.log().Warn("what was filtered is remembered by this process only", "request", a.id, "error", err)
	}
}

func (t *Transport) keepFiltered(f Filtered) error {
	oldest, tooMany := t.filters.put(f)
	if t.Filters == nil {
		return nil
	}
	if err := t.Filters.KeepFiltered(context.Background(), f); err != nil || !tooMany {
		return err
	}
	return t.Filters.ForgetFiltered(context.Background(), oldest)
}

// filteredRefusal refuses what was filtered before, in the shape in which Google
// refused it, so that a program that knows what a filtered answer is needs to know
// nothing new.
func (t *Transport) filteredRefusal(a *ask, f *filteredBefore, h header) *refusal {
	v := f.Verdict
	v.Charged, v.Wait = plantain.ChargedNo, 0
	v.Explanation = fmt.Sprintf("This gateway did not send the request: %s. It would most likely be filtered again. This call was not charged. What was said then: %s", f.Error(), f.Verdict.Explanation)
	v.Fix = strings.TrimSuffix(f.Verdict.Fix, ".") + ". To send it unchanged all the same, set the header Plantain-Force: filtered; it is forgotten at " + f.Expires.UTC().Format(time.RFC3339) + "."
	if h.suggests != "" {
		v.Fix += " A prompt that says the same and may pass: " + h.suggests
	}
	more := map[string]string{
		"filtered_at": f.At.UTC().Format(time.RFC3339), "filtered_times": fmt.Sprint(f.Times), "filtered_request": string(f.Request),
		"filtered_cost_usd": costUSD(f.Cost), "filtered_reason": f.Finish, "forgotten_at": f.Expires.UTC().Format(time.RFC3339),
	}
	r := &refusal{status: f.Status, verdict: v, message: f.Error(), more: more}
	if f.Status >= 400 || f.Finish == "" {
		r.status = max(f.Status, http.StatusBadRequest)
		return r
	}
	r.mime, r.body = f.answer(a, v, ourDetail(v, h, more))
	return r
}

// answer is a filtered answer as Google gives it, with our detail at its end: SDKs
// pass over fields that they do not know.
func (f *filteredBefore) answer(a *ask, v plantain.Verdict, detail json.RawMessage) (mime string, body []byte) {
	said := f.Error() + "; Plantain did not send it again, and this call was not charged. " + v.Fix
	type feedback struct {
		BlockReason        string `json:"blockReason"`
		BlockReasonMessage string `json:"blockReasonMessage"`
	}
	type candidate struct {
		Content       struct{} `json:"content"`
		FinishReason  string   `json:"finishReason"`
		FinishMessage string   `json:"finishMessage"`
		Index         int      `json:"index"`
	}
	type usage struct {
		Prompt int `json:"promptTokenCount"`
		Total  int `json:"totalTokenCount"`
	}
	google := struct {
		Candidates   []candidate        `json:"candidates,omitempty"`
		Feedback     *feedback          `json:"promptFeedback,omitempty"`
		Usage        usage              `json:"usageMetadata"`
		ModelVersion plantain.Model     `json:"modelVersion"`
		ResponseID   plantain.RequestID `json:"responseId"`
		Details      []json.RawMessage  `json:"details"`
	}{ModelVersion: f.Model, ResponseID: a.id, Details: []json.RawMessage{detail}}
	if v.Class == plantain.SafetyPrompt {
		google.Feedback = &feedback{f.Finish, said}
	} else {
		google.Candidates = []candidate{{FinishReason: f.Finish, FinishMessage: said}}
	}
	text, err := json.Marshal(google)
	if err != nil {
		panic("relay: an answer that is no JSON: " + err.Error()) // strings and numbers only
	}
	switch {
	case !a.route.streams():
		return jsonType, text
	case strings.Contains(a.query, "alt=sse"):
		return "text/event-stream", fmt.Appendf(nil, "data: %s\r\n\r\n", text)
	default:
		return jsonType, fmt.Appendf(nil, "[%s\r\n]\r\n", text)
	}
}
