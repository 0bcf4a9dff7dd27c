package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/pool"
)

// settled is how long a file must be quiet before it is read: editors write it in
// several steps.
const settled = 200 * time.Millisecond

// follow puts a changed configuration in force, when its file changes or its owner
// says so, until the context ends. A file that is wrong changes nothing.
func (h *house) follow(ctx context.Context, from source, w *watch) {
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.events:
			if w.concerns(e) {
				quiet = time.After(settled)
			}
			continue
		case err := <-w.errors:
			h.log.Warn("watch the configuration", "error", err)
			quiet = time.After(settled) // events may have been lost
			continue
		case <-quiet:
		case <-w.asked:
		}
		quiet = nil
		h.reload(from)
	}
}

// A watch tells of changes in the folder of a file: one that is replaced is
// another file, so to watch the file itself would be to watch the old one.
type watch struct {
	path   string
	target string // where the path led when last looked at
	events <-chan fsnotify.Event
	errors <-chan error
	asked  chan os.Signal // SIGHUP
	folder *fsnotify.Watcher
}

// begin watches a file; call it before the file is read, so that no change is
// missed. Without a path only signals come.
func begin(path string, log *slog.Logger) *watch {
	w := &watch{path: path, asked: make(chan os.Signal, 1)}
	signal.Notify(w.asked, syscall.SIGHUP)
	if path == "" {
		return w
	}
	folder, err := fsnotify.NewWatcher()
	if err == nil {
		w.folder, w.events, w.errors = folder, folder.Events, folder.Errors
		err = folder.Add(filepath.Dir(path))
	}
	if err != nil {
		log.Warn("the configuration is not watched; send SIGHUP after a change", "error", err)
	}
	w.target, _ = filepath.EvalSymlinks(path) // none: whatever comes is a change
	return w
}

func (w *watch) end() {
	signal.Stop(w.asked)
	if w.folder != nil {
		_ = w.folder.Close()
	}
}

// concerns reports whether an event is one of the file. The store may be in the
// same folder and write often.
func (w *watch) concerns(e fsnotify.Event) bool {
	switch {
	case e.Op == fsnotify.Chmod:
		return false
	case filepath.Base(e.Name) == filepath.Base(w.path):
		return true
	case e.Op == fsnotify.Write:
		return false
	}
	// Kubernetes replaces a folder through which the file is linked.
	was := w.target
	w.target, _ = filepath.EvalSymlinks(w.path)
	return w.target != was
}

// reload reads the configuration again and puts it in force.
func (h *house) reload(from source) {
	next, err := from.load()
	if err != nil {
		h.log.Error("the configuration is wrong and changes nothing", "error", err)
		return
	}
	members, set, err := settings(next)
	if err != nil {
		h.log.Error("the configuration is wrong and changes nothing", "error", err)
		return
	}
	// The ways come first: a member without one could not be sent through.
	h.relay.Change(set)
	h.pool.Replace(members)
	h.gateway.Limit(next.Clients.Concurrency)
	h.now.Store(next)
	if err := h.recheck(context.Background(), ""); err != nil {
		h.log.Error("parked projects could not be let back in", "error", err)
	}
	h.log.Info("the configuration is in force", "projects", len(members))
	for _, name := range takeRestart(h.built, next) {
		h.log.Warn("a change of this setting takes a restart", "setting", name)
	}
}

// recheck lets projects that are parked without an end be asked once more: what
// they were parked for may be mended without a word of it in the file. An empty
// name is all of them.
func (h *house) recheck(ctx context.Context, name plantain.ProjectName) error {
	keys := slices.DeleteFunc(h.pool.Endless(), func(k pool.Key) bool { return name != "" && k.Project != name })
	if len(keys) == 0 {
		return nil
	}
	if err := h.update(ctx, keys, pool.Mended); err != nil {
		return fmt.Errorf("end a parking: %w", err)
	}
	return nil
}

// takeRestart names the settings in which a configuration differs from the one
// that the house was built from, where no change can be put in force.
func takeRestart(built, next *config.Config) (names []string) {
	for _, s := range []struct{ name, was, is string }{
		{"listen", built.Listen, next.Listen},
		{"store", built.Store.Reveal(), next.Store.Reveal()},
		{"images", built.Images, next.Images},
		{"retention.images", built.Retention.Images.String(), next.Retention.Images.String()},
		{"retention.prompts", strconv.FormatBool(built.Retention.Prompts), strconv.FormatBool(next.Retention.Prompts)},
		{"retention.images_max", strconv.FormatInt(built.Retention.ImagesMax, 10), strconv.FormatInt(next.Retention.ImagesMax, 10)},
		{"retention.signatures", built.Retention.Signatures.String(), next.Retention.Signatures.String()},
		{"retention.signatures_max", strconv.FormatInt(built.Retention.SignaturesMax, 10), strconv.FormatInt(next.Retention.SignaturesMax, 10)},
		{"retention.idempotency_max", strconv.FormatInt(built.Retention.IdempotencyMax, 10), strconv.FormatInt(next.Retention.IdempotencyMax, 10)},
		{"spool.memory", strconv.FormatInt(built.Spool.Memory, 10), strconv.FormatInt(next.Spool.Memory, 10)},
	} {
		if s.was != s.is {
			names = append(names, s.name)
		}
	}
	return names
}
