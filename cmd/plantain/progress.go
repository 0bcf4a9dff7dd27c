package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/relay"
)

// progress is one line on a terminal that tells what a request is doing. Where
// there is no terminal it is silent.
type progress struct {
	w     *world
	begun time.Time

	mu   sync.Mutex
	line string
	end  chan struct{}
	done chan struct{}
}

func newProgress(w *world) *progress {
	p := &progress{w: w, begun: time.Now(), line: "on its way", end: make(chan struct{}), done: make(chan struct{})}
	go p.draw()
	return p
}

func (p *progress) draw() {
	defer close(p.done)
	if !p.w.tty {
		return
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.end:
			fmt.Fprint(p.w.stderr, "\r\x1b[K")
			return
		case <-tick.C:
			p.mu.Lock()
			fmt.Fprintf(p.w.stderr, "\r\x1b[K%4.0f s  %s", time.Since(p.begun).Seconds(), p.line)
			p.mu.Unlock()
		}
	}
}

// show takes the next event of the request.
func (p *progress) show(e relay.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = tell(e)
	if e.Kind == relay.EventJudged && e.Class != plantain.Success && p.w.tty {
		fmt.Fprintf(p.w.stderr, "\r\x1b[K%s\n", p.line)
	}
}

// say prints a line of its own.
func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w.tty {
		text = "\r\x1b[K" + text
	}
	fmt.Fprintln(p.w.stderr, text)
}

// tell puts an event into words.
func tell(e relay.Event) string {
	switch e.Kind {
	case relay.EventWaiting:
		return fmt.Sprintf("attempt %d waits until %s (%s)", e.Attempt, e.Until.Local().Format("15:04:05"), e.Why)
	case relay.EventSent:
		return fmt.Sprintf("attempt %d is out through %s%s", e.Attempt, e.Project, instead(e))
	case relay.EventJudged:
		return fmt.Sprintf("attempt %d through %s%s: %s, cost %s", e.Attempt, e.Project, instead(e), e.Class, e.Cost)
	case relay.EventSpared:
		return fmt.Sprintf("answered by request %s (%s)", e.Earlier, e.Why)
	case relay.EventTurnedAway:
		return fmt.Sprintf("there is no room in time (%s)", e.Why)
	default:
		return string(e.Kind)
	}
}

// instead tells of a model that serves in the place of the one asked for.
func instead(e relay.Event) string {
	if e.Asked == "" {
		return ""
	}
	return fmt.Sprintf(" by %s in place of %s", e.Model, e.Asked)
}

func (p *progress) stop() {
	close(p.end)
	<-p.done
}
