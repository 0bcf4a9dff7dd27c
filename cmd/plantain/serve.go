package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/lmittmann/tint"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gateway"
)

type serveCmd struct {
	Listen   string `placeholder:"HOST:PORT" help:"Where to listen. Default: 127.0.0.1:8787, or listen: of the configuration."`
	LogLevel string `enum:"debug,info,warn,error" default:"info" help:"What to log: debug, info, warn or error."`
	Clock    clock  `embed:"" prefix:"clock-"`
}

// clock sets the test-only rate and offset of a program that must live through a
// day with real sockets.
type clock struct {
	Rate  float64       `hidden:"" default:"1"`
	Shift time.Duration `hidden:""`
}

func (c clock) clock() plantain.Clock {
	return plantain.Clock{Start: time.Now(), Shift: c.Shift, Rate: c.Rate}
}

func (serveCmd) Help() string {
	return `With only GEMINI_API_KEY set it needs no configuration. Point any Gemini SDK at it by the base URL, for Google's own by GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8787.

A change of plantain.yaml takes effect at once, or on SIGHUP, without a request being dropped; a file that is wrong changes nothing and is told in the log. Then projects that are parked without an end, for a key or for billing, are tried again.

It stops on Ctrl-C after it has finished what was already sent, because that is paid for; a second Ctrl-C stops it at once.`
}

func (s *serveCmd) Run(w *world) error {
	log := logger(w, s.LogLevel)
	slog.SetDefault(log)
	from := w.source(s.Listen)
	changes := begin(from.path)
	defer changes.end()
	c, err := from.load()
	if err != nil {
		return err
	}
	h, err := build(w.ctx, c, log, s.Clock.clock())
	if err != nil {
		return err
	}
	return h.serve(w, from, changes)
}

func logger(w *world, level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the parser checked it
	return slog.New(tint.NewTextHandler(w.stderr, &tint.Options{Level: l, TimeFormat: time.DateTime, NoColor: !w.tty}))
}

// serve answers requests until the program is told to stop.
func (h *house) serve(w *world, from source, changes *watch) error {
	server, err := listen(h.built.Listen, h.gateway.Handler(), !h.door.Open())
	if err != nil {
		return errors.Join(err, h.close(w.ctx))
	}
	if err := h.announce(server.address); err != nil {
		h.log.Warn("other commands will not find this gateway", "error", err)
	}
	leave := h.attend(w.ctx, from, changes)
	defer leave()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // bodies lie outside of the heap, which is some megabytes: they cost less than collecting twice as often
	}
	// What the start took, migrations above all, is not needed again. Some of it lies in pools,
	// which let go at the second collection.
	runtime.GC()
	debug.FreeOSMemory()
	fmt.Fprintf(w.stderr, "plantain listens on http://%s with %s; stop it with Ctrl-C\n", server.address, count(len(h.built.Projects), "project"))
	select {
	case err := <-server.start():
		leave()
		return errors.Join(err, h.close(context.Background()))
	case <-w.ctx.Done():
	}
	leave()
	return h.stop(w, server, h.now.Load().Timeout)
}

// attend does what has to be done beside serving. leave ends it, and may be called
// again.
func (h *house) attend(ctx context.Context, from source, changes *watch) (leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	var crew sync.WaitGroup
	crew.Go(func() { h.sweep(ctx) })
	crew.Go(func() { h.follow(ctx, from, changes) })
	crew.Go(func() { h.alert(ctx) })
	crew.Go(func() { h.note(ctx) })
	if h.store.Shared() {
		crew.Go(func() { h.keepUp(ctx) })
	}
	return func() {
		cancel()
		crew.Wait()
	}
}

// stop ends in order: no new requests, then what runs, then the store. It waits
// no longer than an attempt may take, and for answers a moment more; a second signal
// ends the process by itself.
func (h *house) stop(w *world, server *server, longest time.Duration) error {
	const moment = 5 * time.Second // what net/http leaves a connection on which nothing was asked yet
	ctx, cancel := context.WithTimeout(context.Background(), longest+2*moment)
	defer cancel()
	if n := h.relay.Running(); n > 0 {
		fmt.Fprintf(w.stderr, "plantain finishes %s that may be paid for; Ctrl-C again ends at once\n", count(n, "request"))
	}
	h.relay.Stop()
	go func() {
		// When all that was sent is finished, answers need a moment and no more: an
		// upload that never ends must not hold the end up.
		_ = h.relay.Close(ctx)
		time.Sleep(moment)
		_ = server.Close()
	}()
	err := server.Shutdown(ctx)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, h.close(ctx))
}

// announce lets the commands of this user find the gateway.
func (h *house) announce(address string) error { return h.store.Announce(address, h.door.Operator) }

// sweep gives up attempts past their deadline that nobody settled, such as after
// a full disk, removes answers that are owed to nobody any more, and lets no clock
// that was ahead for a while hold anybody up.
func (h *house) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := h.setBack(ctx); err != nil && ctx.Err() == nil {
				h.log.Error("look for what a clock left that was ahead", "error", err)
			}
			if h.relay.Ready() != nil {
				continue // what is still to be settled would be given up
			}
			if _, err := h.store.Recover(ctx, h.clock.Now()); err != nil && ctx.Err() == nil {
				h.log.Error("look for overdue attempts", "error", err)
			}
			if _, err := h.answers.Tidy(ctx, h.clock.Now(), false); err != nil && ctx.Err() == nil {
				h.log.Error("tidy up the answers that are kept", "error", err)
			}
			if _, err := h.gallery.Tidy(ctx, h.clock.Now(), false); err != nil && ctx.Err() == nil {
				h.log.Error("tidy up the gallery", "error", err)
			}
			if err := h.signatures.Tidy(h.clock.Now(), false); err != nil && ctx.Err() == nil {
				h.log.Error("tidy up the thought signatures", "error", err)
			}
		}
	}
}

// keepUp looks every few seconds at what others who share the store have changed.
func (h *house) keepUp(ctx context.Context) {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := h.refresh(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			h.log.Error("the database does not answer; what other gateways do is not seen", "error", err)
		}
		failed = err != nil
	}
}

// refresh reads windows, keys and what was filtered anew, and the database's clock.
func (h *house) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	windows, err := h.store.Windows(ctx)
	if err != nil {
		return err
	}
	h.pool.Saw(windows)
	return errors.Join(h.door.Load(ctx), h.relay.LoadFilters(ctx), h.store.MeasureClock(ctx))
}

// A server is an HTTP server that has its port already.
type server struct {
	*http.Server
	listener net.Listener
	address  string
}

// listen takes the port, so that a used one is told before anything begins.
// Without keys it takes none that others could reach.
func listen(address string, handler http.Handler, keys bool) (*server, error) {
	if err := gateway.CheckListen(address, keys); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, unheard(address, err)
	}
	return &server{
		Server:   &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute},
		listener: l, address: l.Addr().String(),
	}, nil
}

// unheard says why there can be no listening on an address.
func unheard(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use already, perhaps by another gateway; stop it, or choose another port with --listen", address)
	}
	return fmt.Errorf("%w; choose another address with --listen", err)
}

// start serves until Shutdown; the channel tells if that fails.
func (s *server) start() <-chan error {
	failed := make(chan error, 1)
	go func() {
		if err := s.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return failed
}
