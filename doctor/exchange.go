package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

const (
	// patience is how long one call may take.
	patience = 10 * time.Second
	// longest is what is read of an answer: the feed of incidents has some MB.
	longest = 32 << 20
)

// An exchange is one call and what came of it.
type exchange struct {
	facts   gemini.Facts
	verdict plantain.Verdict // of an answer that is an error
	body    []byte
	url     *url.URL
	proxy   *url.URL // nil: none
	key     plantain.Secret
	sent    time.Time
	steps   steps
}

// steps are how long the parts of an exchange took; zero: it was not made.
type steps struct{ dns, connect, tls, first time.Duration }

// call makes a call of the Gemini API with the key of a project.
func (d *Doctor) call(ctx context.Context, p Project, method, path, body string) *exchange {
	return d.fetch(ctx, p.Key, method, p.Base+path, body)
}

// fetch makes one call. An empty key is shown to nobody.
func (d *Doctor) fetch(ctx context.Context, key plantain.Secret, method, target, body string) *exchange {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	x := &exchange{key: key, facts: gemini.Facts{Stage: plantain.Dialing}}
	trace, stop := x.trace(d.now)
	defer stop()
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), method, target, strings.NewReader(body))
	if err != nil {
		x.facts.Err = err
		return x
	}
	x.url = r.URL
	if !key.Empty() {
		r.Header.Set("X-Goog-Api-Key", key.Reveal())
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if d.Transport.Proxy != nil {
		x.proxy, _ = d.Transport.Proxy(r) // the exchange fails by the same error
	}
	x.sent = d.now()
	res, err := d.Transport.RoundTrip(r) // a redirect is an answer too
	if err == nil {
		defer res.Body.Close()
		x.facts.Status, x.facts.Header = res.StatusCode, res.Header
		x.body, err = io.ReadAll(io.LimitReader(res.Body, longest))
	}
	x.facts.Took = d.now().Sub(x.sent)
	x.facts.Err = err
	if err != nil {
		return x
	}
	x.facts.Stage = plantain.Done
	scan := gemini.NewScanner(res.Header.Get("Content-Type"))
	_, _ = scan.Write(x.body)
	x.facts.Body = scan.Finish()
	if x.facts.Status >= 300 {
		x.verdict = d.Rules.Judge(x.facts)
	}
	return x
}

// trace measures the steps. Its hooks run on goroutines of the client, which may
// outlive the exchange: stop ends the measuring.
func (x *exchange) trace(now func() time.Time) (t *httptrace.ClientTrace, stop func()) {
	var mu sync.Mutex
	stopped := false
	begun := map[*time.Duration]time.Time{}
	begin := func(step *time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		begun[step] = now()
	}
	end := func(step *time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if at, ok := begun[step]; ok && !stopped {
			*step = now().Sub(at)
		}
	}
	s := &x.steps
	begin(&s.first)
	return &httptrace.ClientTrace{
			DNSStart:             func(httptrace.DNSStartInfo) { begin(&s.dns) },
			DNSDone:              func(httptrace.DNSDoneInfo) { end(&s.dns) },
			ConnectStart:         func(_, _ string) { begin(&s.connect) },
			ConnectDone:          func(_, _ string, _ error) { end(&s.connect) },
			TLSHandshakeStart:    func() { begin(&s.tls) },
			TLSHandshakeDone:     func(tls.ConnectionState, error) { end(&s.tls) },
			GotFirstResponseByte: func() { end(&s.first) },
		}, func() {
			mu.Lock()
			defer mu.Unlock()
			stopped = true
		}
}

// answered reports that the API itself spoke, and not something in between.
func (x *exchange) answered() bool {
	s := x.facts.Status
	return x.facts.Err == nil && x.facts.Body.Form == gemini.FormJSON && s != http.StatusProxyAuthRequired && (s < 300 || s >= 400)
}

// good reports a call that succeeded.
func (x *exchange) good() bool { return x.answered() && x.facts.Status < 300 }

// is reports a call that the API refused for a reason of that class.
func (x *exchange) is(classes ...plantain.Class) bool {
	if !x.answered() || x.good() {
		return false
	}
	for _, c := range classes {
		if x.verdict.Class == c {
			return true
		}
	}
	return false
}

// seen is the answer in one line, without the key.
func (x *exchange) seen() string {
	b := &x.facts.Body
	text := fmt.Sprintf("HTTP %d", x.facts.Status)
	if len(b.Errors) > 0 {
		text += " " + b.Errors[0].Status
		if m := b.Errors[0].Message; m != "" {
			text += ": " + m
		}
	} else if !x.good() {
		text += " " + x.facts.Header.Get("Content-Type") + ": " + b.Text
	}
	return x.plain(text)
}

// plain makes a text fit to be shown: one line, cut, and without the key.
func (x *exchange) plain(text string) string {
	const most = 300
	if !x.key.Empty() {
		text = strings.ReplaceAll(text, x.key.Reveal(), "[secret]")
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}
