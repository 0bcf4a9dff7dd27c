package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	nb2      = "gemini-3.1-flash-image"
	unsigned = "gemini-2.5-flash-image" // needs no signatures

	chatTurns = 10
)

// healing is the processor time of the gateway for a request of ten turns, by what it
// has of its signatures.
type healing struct {
	Turns     int     `json:"turns"`
	Bytes     float64 `json:"bytes"`        // without signatures
	Healed    float64 `json:"healed_bytes"` // with them
	PlainCPU  float64 `json:"plain_cpu_ms"`
	HealedCPU float64 `json:"healed_cpu_ms"`
	RightCPU  float64 `json:"right_cpu_ms"`
	Ratio     float64 `json:"healed_to_right"`
}

// heal measures what it costs to heal a long chat, and the peak memory of the gateway
// that does.
func (b *bench) heal() (h healing, peak float64, err error) {
	p, err := b.newGateway("images: 0")
	if err != nil {
		return h, 0, err
	}
	defer p.stop()
	right, bare, err := b.chat(p)
	if err != nil {
		return h, 0, err
	}
	h.Turns, h.Bytes, h.Healed = chatTurns, float64(len(bare)), float64(len(right))
	requests := []struct {
		model, body, how string
		cpu              *float64
		took             time.Duration
		sent             int
	}{
		{model: unsigned, body: bare, cpu: &h.PlainCPU},
		{model: nb2, body: bare, how: "memory", cpu: &h.HealedCPU},
		{model: nb2, body: right, cpu: &h.RightCPU},
	}
	for pass := range 2 * passes {
		for i := range requests {
			if pass%2 == 1 {
				i = len(requests) - 1 - i
			}
			r := &requests[i]
			before, err := p.cpu()
			if err != nil {
				return h, 0, err
			}
			n, err := b.ask(p, r.model, r.body, r.how, 1)
			if err != nil {
				return h, 0, err
			}
			after, err := p.cpu()
			if err != nil {
				return h, 0, err
			}
			r.took, r.sent = r.took+after-before, r.sent+n
		}
	}
	for _, r := range requests {
		*r.cpu = r.took.Seconds() * 1000 / float64(r.sent)
	}
	h.Ratio = h.HealedCPU / h.RightCPU
	if _, err := b.ask(p, nb2, bare, "memory", 8); err != nil {
		return h, 0, err
	}
	most, err := p.peak()
	return h, float64(most) / 1e6, err
}

// chat has a gateway make the pictures of a chat, and gives its next request as it
// should be and without its signatures, which is 25 MB.
func (b *bench) chat(p *process) (right, bare string, err error) {
	first := `{"role":"user","parts":[{"text":"a fox"}]}`
	right, bare = first, first
	for n := range chatTurns {
		text, _, err := post(b.ctx, p, nb2, prompt, 5_000_000, 0)
		if err != nil {
			return "", "", err
		}
		_, part, _ := strings.Cut(text, `"parts":[`)
		part, _, found := strings.Cut(part, `],"role"`)
		dropped, _, signed := strings.Cut(part, `,"thoughtSignature"`)
		if !found || !signed {
			return "", "", fmt.Errorf("no signed part in %.200s", text)
		}
		next := fmt.Sprintf(`,{"role":"user","parts":[{"text":"change %d"}]}`, n)
		right += `,{"role":"model","parts":[` + part + `]}` + next
		bare += `,{"role":"model","parts":[` + dropped + `}]}` + next
	}
	return `{"contents":[` + right + `]}`, `{"contents":[` + bare + `]}`, nil
}

// ask sends a request for the length of a slot, by some callers at once, and gives how
// often. It errs where one was not healed as it should be.
func (b *bench) ask(p *process, model, body, how string, callers int) (sent int, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	begun := time.Now()
	for range callers {
		wg.Go(func() {
			for time.Since(begun) < b.slot && b.ctx.Err() == nil {
				_, head, e := post(b.ctx, p, model, body, small/1000, 100*time.Millisecond*time.Duration(callers-1))
				if got := head.Get("Plantain-Healed"); e == nil && got != how {
					e = fmt.Errorf("healed by %q, want %q", got, how)
				}
				mu.Lock()
				sent, err = sent+1, errors.Join(err, e)
				mu.Unlock()
				if e != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return sent, err
}

// post sends a body and gives the answer, of about size bytes, and its header.
func post(ctx context.Context, p *process, model, body string, size int, delay time.Duration) (string, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/v1beta/models/"+model+":generateContent", strings.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", fmt.Sprintf(wish, size, delay))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if _, err := io.Copy(&text, res.Body); err != nil {
		return "", nil, err
	}
	if res.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("%s: %.2000s", res.Status, &text)
	}
	return text.String(), res.Header, nil
}
