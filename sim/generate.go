package sim

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// generation is one generateContent on its way: admit, read, count, draw, charge, deliver.
type generation struct {
	s        *Server
	w        http.ResponseWriter
	r        *http.Request
	version  string
	stream   bool
	sse      bool
	vertex   bool
	resource string // on Vertex: the model's full name
	project  project
	model    *model
	limits   Limits
	entry    *Request
	ask      *ask
	fault    *Fault
	rnd      *rand.Rand
	began    time.Time

	answer   *answer
	delivery string        // the fault in delivery, empty for none
	rest     time.Duration // of the latency, before a streamed picture
	filtered bool          // by a filter: Options.Filtered decides who pays
	saidFree bool          // the answer itself says that nothing is charged
}

var errLeft = errors.New("the client left")

// run answers, or says with what to refuse.
func (g *generation) run() *refusal {
	if f := g.take(atKey); f != nil {
		return g.fail(f)
	}
	if f := g.take(atDoor); f != nil || g.s.opts.AnswerEarly {
		return g.answerEarly(f)
	}
	body, r := g.read()
	if r != nil {
		return r
	}
	a, r := g.reader().read(body)
	if r != nil {
		return g.countThen(&ask{}, r)
	}
	g.ask = a
	g.note(func(e *Request) {
		e.Prompt, e.Size, e.Ratio = first200(a.prompt), a.size, a.ratio
	})
	trigger := g.s.faults.triggered(a.prompt, g.project)
	if f := g.pick(trigger, beforeCount); f != nil {
		return g.fail(f)
	}
	if r := g.count(a); r != nil {
		return r
	}
	if f := g.pick(trigger, afterCount); f != nil {
		return g.fail(f)
	}
	return g.produce(trigger)
}

// read takes the whole body before anything is answered: a client may deadlock on a server that does not.
func (g *generation) read() ([]byte, *refusal) {
	const most = 100 << 20
	var buf bytes.Buffer
	buf.Grow(int(min(max(g.r.ContentLength, 0), most)) + bytes.MinRead)
	_, err := buf.ReadFrom(http.MaxBytesReader(nil, g.r.Body, most))
	body := buf.Bytes()
	g.note(func(e *Request) { e.BodyBytes = int64(len(body)) })
	if big := new(http.MaxBytesError); errors.As(err, &big) {
		return nil, invalid("Request payload size exceeds the limit: 104857600 bytes.")
	}
	if err != nil {
		g.note(func(e *Request) { e.Status = 499 })
		panic(http.ErrAbortHandler) // the request never arrived: nobody is there to answer
	}
	return body, nil
}

// reader: Vertex does not insist on signatures (gemini-api.md §4), but refuses wrong ones.
func (g *generation) reader() reader {
	return reader{model: g.model, vertex: g.vertex, signatures: g.s.opts.Signatures != "off", dummies: g.s.opts.Signatures != "real", file: g.fileOf}
}

func first200(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

func (g *generation) note(change func(*Request)) { g.s.account.note(g.entry, change) }

func (g *generation) take(at stage) *Fault {
	return g.s.faults.take(g.s.now(), at, g.project, g.model, g.s.dice.float)
}

// pick prefers the fault the prompt itself asks for.
func (g *generation) pick(trigger *Fault, at stage) *Fault {
	if trigger == nil {
		return g.take(at)
	}
	if trigger.kind.stage == at || at == beforeCount && trigger.kind.stage == atKey {
		return trigger
	}
	return nil
}

// fail refuses as a fault says.
func (g *generation) fail(f *Fault) *refusal {
	g.fault = f
	g.note(func(e *Request) { e.Fault = f.Name })
	if g.wait(time.Duration(f.Delay)) != nil {
		return g.left()
	}
	r := f.kind.refuse(g)
	if f.Text != "" {
		r.message = f.Text
		if r.raw != "" {
			r.raw = f.Text
		}
	}
	return r
}

// left is the end of a request whose client is gone: nothing can be sent.
func (g *generation) left() *refusal {
	g.note(func(e *Request) { e.Status = 499 })
	panic(http.ErrAbortHandler)
}

// count takes room in the project's windows at the moment the body has been read.
func (g *generation) count(a *ask) *refusal {
	images := 0
	if a.images {
		images = 1
	}
	p := g.project
	if g.vertex {
		p.name += "@vertex" // another quota than the same project's on the Gemini API
	}
	r := g.s.quota.admit(g.s.now(), p, g.model.id, g.limits, int(a.textTokens+a.imageTokens), images)
	if r != nil && g.vertex {
		return vertexExhausted()
	}
	if r == nil {
		g.note(func(e *Request) { e.Counted = true })
	}
	return r
}

// countThen counts a request that is refused as faulty: failed requests count too (gemini-api.md §8).
func (g *generation) countThen(a *ask, r *refusal) *refusal {
	if over := g.count(a); over != nil {
		return over
	}
	return r
}

// produce makes the answer, charges it, and delivers it.
func (g *generation) produce(trigger *Fault) *refusal {
	g.compose()
	delay := g.latency()
	if f := g.pick(trigger, asOutcome); f != nil {
		g.fault = f
		g.note(func(e *Request) { e.Fault = f.Name })
		f.kind.shape(g)
		delay += time.Duration(f.Delay)
	} else if most := g.ask.maxTokens; most > 0 && g.answer.usage.images+g.answer.usage.rest > most {
		g.truncate()
	}
	if f := g.pick(trigger, inTransport); f != nil {
		g.fault, g.delivery = f, f.Name
		g.note(func(e *Request) { e.Fault = f.Name })
		delay += time.Duration(f.Delay)
	}
	if g.delivery == "hang" {
		return g.hang()
	}
	if limit := serverTimeout(g.r); limit > 0 && delay > limit {
		if g.wait(limit) != nil {
			return g.left()
		}
		return &refusal{code: http.StatusGatewayTimeout, status: "DEADLINE_EXCEEDED",
			message: "Deadline expired before operation could complete."}
	}
	if g.stream && len(g.answer.parts) > 1 { // words come first
		g.rest = delay - delay/4
		delay /= 4
	}
	err := g.wait(delay)
	g.charge() // Google made the picture, whoever still waits for it
	if err != nil {
		return g.left()
	}
	g.draw()
	return g.deliver()
}

// serverTimeout is the deadline a client sets by header, zero for none.
func serverTimeout(r *http.Request) time.Duration {
	s, err := strconv.ParseFloat(r.Header.Get("X-Server-Timeout"), 64)
	if err != nil || s <= 0 {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

func (g *generation) latency() time.Duration {
	if g.s.opts.Latency == nil {
		return 0
	}
	return g.s.opts.Latency(g.model.id, g.ask.size)
}

// wait passes time, or returns an error when the client leaves first.
func (g *generation) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-g.r.Context().Done():
		return errLeft
	}
}

// hang holds the request until the client leaves, or for as long as the fault says and then answers after all.
func (g *generation) hang() *refusal {
	g.charge()
	if d := time.Duration(g.fault.Delay); d > 0 {
		if g.wait(d) != nil {
			return g.left()
		}
		g.draw()
		return g.deliver()
	}
	<-g.r.Context().Done()
	return g.left()
}

// charge writes the answer down and bills it.
func (g *generation) charge() {
	served := g.model
	if m := findModel(g.answer.model); m != nil {
		served = m
	}
	full := g.answer.usage.cost(served)
	cost := full
	if g.saidFree || g.filtered && g.s.opts.Filtered == "free" || g.brokeFree() {
		cost = 0
	}
	if g.fault != nil && g.fault.Charge != nil {
		cost = 0
		if *g.fault.Charge {
			cost = full
		}
	}
	g.s.quota.spend(g.s.now(), g.project, cost)
	g.note(func(e *Request) {
		e.Charged, e.ResponseID, e.ServedModel = cost, g.answer.id, g.answer.model
		if cost > 0 {
			e.used, e.served = g.answer.usage, served
		}
		e.FinishReason = strings.TrimSpace(g.answer.finish)
		if g.answer.blockReason != "" {
			e.FinishReason = g.answer.blockReason
		}
		e.Images = g.answer.images()
	})
}

// header begins the response.
func (g *generation) header(code int, contentType string) {
	h := g.w.Header()
	h.Set("X-Gemini-Service-Tier", "standard")
	if g.ask != nil {
		h.Set("X-Gemini-Service-Tier", g.ask.tier)
	}
	g.note(func(e *Request) { e.Status = code })
	g.s.header(g.w, code, contentType, g.began)
}
