package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const prompt = `{"contents":[{"role":"user","parts":[{"text":"A red apple on a white background"}]}]}`

// A tally is what one slot brought.
type tally struct {
	answers int64 // whole ones
	cut     int64 // begun and not whole; refused ones are an error of the run
	took    time.Duration
	cpu     time.Duration
	times   []time.Duration
}

func (t *tally) add(o tally) {
	t.answers, t.cut, t.took, t.cpu = t.answers+o.answers, t.cut+o.cut, t.took+o.took, t.cpu+o.cpu
	t.times = append(t.times, o.times...)
}

func (t *tally) rate() float64 { return float64(t.answers) / t.took.Seconds() }

func (t *tally) quantile(q float64) time.Duration {
	if len(t.times) == 0 {
		return 0
	}
	slices.Sort(t.times)
	return t.times[int(math.Ceil(q*float64(len(t.times))))-1]
}

// A client asks one contender for answers of one size.
type client struct {
	http  *http.Client
	url   string
	size  int
	delay time.Duration
	want  int64
}

func newClient(p *process, size int) *client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.DisableCompression = 256, true
	return &client{http: &http.Client{Transport: t}, url: p.url, size: size, want: int64(len(answer(size)))}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// once asks for one answer; whole is false where it was cut.
func (c *client) once(ctx context.Context, buffer []byte) (whole bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/v1beta/models/gemini-3.1-flash-image:generateContent", strings.NewReader(prompt))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", fmt.Sprintf(wish, c.size, c.delay)) // what the gateway passes on
	res, err := c.http.Do(r)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 2000))
		return false, fmt.Errorf("%s: %s", res.Status, text)
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{res.Body}, buffer)
	return err == nil && n == c.want, nil
}

// closed runs callers that each ask again as soon as they are answered.
func (b *bench) closed(p *process, c *client, callers int) (t tally, err error) {
	cpu, err := p.cpu()
	if err != nil {
		return t, err
	}
	ctx, cancel := context.WithCancelCause(b.ctx)
	defer cancel(nil)
	var answers, cut atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for range callers {
		wg.Go(func() {
			buffer := make([]byte, 64<<10)
			for time.Since(begun) < b.slot && ctx.Err() == nil {
				whole, err := c.once(ctx, buffer)
				switch {
				case err != nil:
					cancel(err)
				case whole:
					answers.Add(1)
				default:
					cut.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return t, fmt.Errorf("%s: %w", p.name, err)
	}
	t = tally{answers: answers.Load(), cut: cut.Load(), took: time.Since(begun)}
	after, err := p.cpu()
	t.cpu = after - cpu
	return t, err
}

// open asks at a constant rate, whether or not the last answer has come, and
// times from the instant a request was due: a slow contender can't slow the load.
func (b *bench) open(p *process, c *client, rate float64) (t tally, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	every := time.Duration(float64(time.Second) / rate)
	begun := time.Now()
	for n := 0; ; n++ {
		due := begun.Add(time.Duration(n) * every)
		if due.Sub(begun) >= b.slot || b.ctx.Err() != nil {
			break
		}
		time.Sleep(time.Until(due))
		wg.Go(func() {
			whole, e := c.once(b.ctx, make([]byte, 64<<10))
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case e != nil:
				err = fmt.Errorf("%s: %w", p.name, e)
			case whole:
				t.answers++
				t.times = append(t.times, took)
			default:
				t.cut++
			}
		})
	}
	wg.Wait()
	t.took = time.Since(begun)
	return t, err
}
