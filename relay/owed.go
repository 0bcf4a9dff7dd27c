package relay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
)

// claims reports whether the answer to a request is owed to one that comes again.
func (t *Transport) claims(a *ask) bool {
	return t.Answers != nil && a.key != "" && a.route.pays() && t.set().Remember >= 0
}

func (s *Settings) remember() time.Duration {
	if s.Remember == 0 {
		return 24 * time.Hour
	}
	return max(s.Remember, 0)
}

// claim is what a request is known by from its first attempt on, until after that
// has ended, however it does.
func (t *Transport) claim(a *ask, deadline time.Time) plantain.Claim {
	if !t.claims(a) {
		return plantain.Claim{}
	}
	return plantain.Claim{Key: a.keyHash(), Call: hex.EncodeToString(a.digest[:]), Expires: deadline.Add(t.set().remember())}
}

// keyHash is short whatever the client sends.
func (a *ask) keyHash() string {
	sum := sha256.Sum256([]byte(a.key))
	return hex.EncodeToString(sum[:])
}

// elsewhereEvery is how often it is looked whether another gateway has the answer.
const elsewhereEvery = 500 * time.Millisecond

// owedTo gives the answer that is owed to a request since an earlier one, or nil
// where there is none and it may be sent. What runs in another process it waits for.
func (t *Transport) owedTo(f *flight) *answer {
	a := f.ask
	if !t.claims(a) {
		return nil
	}
	for {
		owed, err := t.Answers.Find(context.Background(), a.caller.Client, a.keyHash(), t.now())
		switch {
		case err != nil:
			// The books may still take what has no key.
			t.log().Error("it can't be read whether an answer is owed", "request", a.id, "error", err)
			return &answer{refused: unkept(&Unkept{"the store", err}), header: header{request: a.id}}
		case owed == nil:
			return nil
		case owed.Call != hex.EncodeToString(a.digest[:]):
			return &answer{refused: keyReused(), header: header{request: a.id}}
		case !owed.Elsewhere:
			return t.repeat(a, owed)
		case !t.now().Before(f.until().patience):
			return &answer{refused: runsElsewhere(), header: header{request: a.id}}
		case !t.sleep(f, elsewhereEvery):
			return t.refuse(a, nil, 0, errLeft)
		}
	}
}

// repeat gives an answer once more, or says why it can't; nil: the request may be
// sent anew, because nothing of it can have been charged or its client wants it so.
func (t *Transport) repeat(a *ask, owed *gallery.Owed) *answer {
	if !owed.Kept.IsZero() && owed.Size >= 0 && !(owed.Unknown && a.caller.Force == ForceUnknown) {
		again, err := t.again(owed)
		if err == nil {
			return again
		}
		t.log().Error("an answer that was kept can't be read", "request", owed.Request, "error", err)
	}
	if a.caller.Force == ForceUnknown || owed.Kept.IsZero() && owed.Spent == (plantain.Cost{}) {
		if err := t.Answers.Release(context.Background(), owed.Request); err != nil {
			t.log().Error("a key could not be released", "request", owed.Request, "error", err)
			return &answer{refused: unkept(&Unkept{"the store", err}), header: header{request: a.id}}
		}
		return nil
	}
	h := header{request: owed.Request, cost: owed.Spent}
	if owed.Kept.IsZero() {
		return &answer{refused: interrupted(owed), header: h}
	}
	return &answer{refused: notAtHand(owed), header: h}
}

// again gives an answer as it was given before.
func (t *Transport) again(owed *gallery.Owed) (*answer, error) {
	file, err := t.Answers.Open(owed)
	if err != nil {
		return nil, err
	}
	body, err := t.spool.File(file)
	if err != nil {
		return nil, err
	}
	return &answer{status: owed.Status, google: owed.Heading(), body: body, length: owed.Size, earlier: owed.Request}, nil
}

// keep makes the body of a final answer durable, before the books take note of it:
// what may have been charged is owed to a request that comes again, and to one whose
// client has left. It gives nil where nothing is to be kept.
func (t *Transport) keep(f *flight, r *result, attempts int) *plantain.Answer {
	a := f.ask
	charged := r.verdict.Charged != plantain.ChargedNo || a.spent != (plantain.Cost{})
	if t.Answers == nil || a.route.free() || !charged || t.set().Remember < 0 {
		return nil
	}
	if a.key == "" && !(f.abandoned() && r.whole()) {
		return nil
	}
	if f.answer != nil && a.route.streams() && r.lost == nil {
		return t.write(a, t.departed(a, r, attempts), r.verdict.Charged)
	}
	return t.write(a, t.answer(a, r, attempts), r.verdict.Charged)
}

// write keeps an answer and gives its row.
func (t *Transport) write(a *ask, final *answer, charged plantain.Charged) *plantain.Answer {
	defer final.release()
	now := t.now()
	status, head, text := final.render()
	owed := &plantain.Answer{Client: a.caller.Client, Request: a.id, Status: status, Header: head,
		Unknown: charged == plantain.ChargedUnknown || final.refused != nil, Kept: now,
		Claim: plantain.Claim{Key: string(a.id), Expires: now.Add(t.set().remember())}}
	if a.key != "" {
		owed.Key, owed.Call = a.keyHash(), hex.EncodeToString(a.digest[:])
	}
	size, err := t.Answers.Write(a.id, func(w io.Writer) error { return final.copyTo(w, text) })
	if err != nil {
		t.log().Error("an answer could not be kept: a request that is repeated will not get it", "request", a.id, "error", err)
		size = -1
	}
	owed.Size = size
	a.kept = true
	return owed
}

// copyTo writes the body of an answer, which is text where it has none that came.
func (a *answer) copyTo(w io.Writer, text []byte) error {
	switch {
	case a.body == nil:
		_, err := w.Write(text)
		return err
	case a.tail == nil:
		return a.body.Copy(w)
	}
	_, err := io.Copy(w, io.MultiReader(io.NewSectionReader(a.body, 0, math.MaxInt64), bytes.NewReader(a.tail)))
	return err
}

// owesStill keeps an answer whose attempt was given up before it was settled.
func (t *Transport) owesStill(owed *plantain.Answer) {
	if owed == nil {
		return
	}
	keep := func() error { return t.Answers.Rows.KeepAnswer(context.Background(), *owed) }
	if err := keep(); err != nil {
		t.owe(debt{request: owed.Request, settle: keep})
		_ = t.booksFailed(err)
	}
}

// endClaim ends what a request claimed: what may have been charged is owed, also
// where it was not known with the settlement that it would be the end; anything else
// may be asked anew.
func (t *Transport) endClaim(a *ask, final *answer) {
	switch {
	case a.kept, !a.claimed:
	case a.spent != (plantain.Cost{}):
		charged := plantain.ChargedYes
		if !a.spent.Known() {
			charged = plantain.ChargedUnknown
		}
		t.owesStill(t.write(a, final.share(), charged))
	default:
		if err := t.Answers.Release(context.Background(), a.id); err != nil {
			// It ends by itself: who comes next sees that nothing was charged.
			t.log().Warn("a key could not be released", "request", a.id, "error", err)
		}
	}
	if a.kept && t.Answers.Crowded() {
		t.tidy()
	}
}

func (t *Transport) tidy() {
	if _, err := t.Answers.Tidy(context.Background(), t.now(), false); err != nil {
		t.log().Error("the answers that are kept can't be tidied up", "error", err)
	}
}

// runsElsewhere is the answer to a key whose request another gateway still has, by
// the IETF draft on the Idempotency-Key header.
func runsElsewhere() *refusal {
	const message = "a request with this Idempotency-Key still runs on another gateway"
	return &refusal{status: http.StatusConflict, message: message, after: 2 * time.Second, verdict: plantain.Verdict{
		Class: plantain.Unanswered, Charged: plantain.ChargedNo, Retry: plantain.RetryLater,
		Explanation: "A request with this Idempotency-Key runs on another gateway, longer than this one could wait. This call sent nothing.",
		Fix:         "Send it again with the same key: it gets the same answer as soon as there is one."}}
}

const forceUnknown = "To have it made anew, which may be paid for a second time, send it with Plantain-Force: unknown, or with another Idempotency-Key."

// interrupted tells that a request was out when its gateway ended.
func interrupted(owed *gallery.Owed) *refusal {
	const message = "the gateway ended while an attempt of this request was out, so it is not known whether there is an image"
	v := plantain.Verdict{Class: plantain.Unanswered, Charged: plantain.ChargedUnknown, Retry: plantain.RetryAfterFix,
		Explanation: fmt.Sprintf("The gateway ended while an attempt of this request was out. Google may have made the image: the charge is between $%s and $%s. This call sent nothing.",
			owed.Spent.Low.Decimal(), owed.Spent.High.Decimal()),
		Fix: forceUnknown}
	return &refusal{status: http.StatusBadGateway, message: message, verdict: v}
}

// notAtHand tells that an answer was given once and its copy is gone, or was never
// written.
func notAtHand(owed *gallery.Owed) *refusal {
	message := fmt.Sprintf("this request was answered at %s with status %d, and its answer is not at hand any more", owed.Kept.UTC().Format(time.RFC3339), owed.Status)
	v := plantain.Verdict{Class: plantain.Unanswered, Charged: plantain.ChargedYes, Retry: plantain.RetryAfterFix,
		Explanation: "The request was answered before. There was no room for the copy of its answer, or another gateway has it. This call sent nothing.",
		Fix:         forceUnknown}
	if owed.Unknown {
		v.Charged = plantain.ChargedUnknown
	}
	return &refusal{status: http.StatusConflict, message: message, verdict: v}
}
