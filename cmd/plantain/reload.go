package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/config"
	"github.com/plantainhq/plantain/pool"
)

// lookEvery is how often a file is looked at. One that changed is read when it has
// stayed the same for as long: editors write it in several steps.
const lookEvery = time.Second

// follow puts a changed configuration in force, when its file changes or its owner
// says so, until the context ends. A file that is wrong changes nothing.
func (h *house) follow(ctx context.Context, from source, w *watch) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for changing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			changed := w.changed()
			if changed || !changing {
				changing = changed
				continue
			}
		case <-w.asked:
		}
		changing = false
		h.reload(from)
	}
}

// A watch looks at a file. It does not have the system tell of changes: to hear of a
// file that is replaced is to hear of every file in its folder, and the store, which
// may be there, is written to with every attempt.
type watch struct {
	path  string
	seen  os.FileInfo    // nil: it was not there
	asked chan os.Signal // SIGHUP
}

// begin watches a file; call it before the file is read, so that no change is
// missed. Without a path only signals come.
func begin(path string) *watch {
	w := &watch{path: path, asked: make(chan os.Signal, 1)}
	signal.Notify(w.asked, syscall.SIGHUP)
	w.changed()
	return w
}

func (w *watch) end() { signal.Stop(w.asked) }

// changed reports whether the file was replaced or written to since the last call.
func (w *watch) changed() bool {
	if w.path == "" {
		return false
	}
	was := w.seen
	w.seen, _ = os.Stat(w.path) // nil where it is not there, or can't be looked at
	if was == nil || w.seen == nil {
		return was != w.seen
	}
	return !os.SameFile(was, w.seen) || !was.ModTime().Equal(w.seen.ModTime()) || was.Size() != w.seen.Size()
}

// reload reads the configuration again and puts it in force.
func (h *house) reload(from source) {
	next, err := from.load()
	if err != nil {
		h.log.Error("the configuration is wrong and changes nothing", "error", err)
		return
	}
	if next.OfEnv && !h.now.Load().OfEnv {
		// Most likely an editor or a deployment is in the middle of writing it.
		h.log.Error("the configuration names no projects any more and changes nothing; to go on with the key of the environment takes a restart")
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
