package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/plantainhq/plantain/config"
)

// settled is how long a file must be quiet before it is read: editors write it in
// several steps.
const settled = 200 * time.Millisecond

// follow puts a changed configuration in force, on SIGHUP and when its file
// changes, until the context ends. A file that is wrong changes nothing.
func (h *house) follow(w *world, now *config.Config) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	changes, stop := h.watch(w.configPath())
	defer stop()
	var quiet <-chan time.Time
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-changes:
			quiet = time.After(settled)
			continue
		case <-quiet:
		case <-hup:
		}
		quiet = nil
		if next := h.reload(w, now); next != nil {
			now = next
		}
	}
}

// watch tells of changes of a file. It watches the folder, because a file that is
// replaced is another file. Without a path nothing ever comes.
func (h *house) watch(path string) (changes <-chan struct{}, stop func()) {
	if path == "" {
		return nil, func() {}
	}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		err = watcher.Add(filepath.Dir(path))
	}
	if err != nil {
		h.log.Warn("the configuration is not watched; send SIGHUP after a change", "error", err)
		return nil, func() {}
	}
	told := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-watcher.Events:
				if filepath.Base(e.Name) != filepath.Base(path) || e.Op == fsnotify.Chmod {
					continue
				}
				select {
				case told <- struct{}{}:
				default:
				}
			case err := <-watcher.Errors:
				if err != nil {
					h.log.Warn("watch the configuration", "error", err)
				}
			}
		}
	}()
	return told, func() {
		cancel()
		_ = watcher.Close()
	}
}

// reload reads the configuration again and puts it in force. It gives nil, and
// changes nothing, where it is wrong.
func (h *house) reload(w *world, now *config.Config) *config.Config {
	next, err := w.loadConfig()
	if err != nil {
		h.log.Error("the configuration is wrong and changes nothing", "error", err)
		return nil
	}
	members, set, err := settings(next)
	if err != nil {
		h.log.Error("the configuration is wrong and changes nothing", "error", err)
		return nil
	}
	// The ways come first: a member without one could not be sent through.
	h.relay.Change(set)
	h.pool.Replace(members)
	h.gateway.Limit(next.Clients.Concurrency)
	h.log.Info("the configuration is in force", "projects", len(members))
	for _, fixed := range []struct{ name, was, is string }{
		{"listen", now.Listen, next.Listen}, {"store", now.Store.Reveal(), next.Store.Reveal()}, {"images", now.Images, next.Images},
		{"spool.memory", fmt.Sprint(now.Spool.Memory), fmt.Sprint(next.Spool.Memory)},
	} {
		if fixed.was != fixed.is {
			h.log.Warn("this setting takes a restart", "setting", fixed.name)
		}
	}
	return next
}
