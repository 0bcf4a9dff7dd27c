package relay

import (
	"maps"
	"regexp"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
)

// owners are the projects that files of the Files API belong to, as far as
// requests that named one have shown: no other project may read it, so such a
// request is sent there, and waits for room there. Which project that is, nobody
// says: it is found out by asking one after the other, which costs nothing. The
// zero value is ready.
type owners struct {
	mu     sync.Mutex
	byFile map[string]owner
}

type owner struct {
	project plantain.ProjectName
	until   time.Time
}

const (
	// fileLife is how long Google keeps a file (gemini-api.md §1).
	fileLife  = 48 * time.Hour
	mostFiles = 10_000
)

var fileName = regexp.MustCompile(`(?:^|/v1(?:beta)?/)(files/[a-z0-9-]{1,40})$`)

// filesOf are the files of the Files API that a request names.
func filesOf(asked gemini.Asked) (files []string) {
	for _, turn := range asked.Turns {
		for i := range turn.Parts {
			if m := fileName.FindStringSubmatch(turn.Parts[i].URI); m != nil {
				files = append(files, m[1])
			}
		}
	}
	return files
}

// of gives the project that owns one of these files, if that is known.
func (o *owners) of(files []string, now time.Time) (plantain.ProjectName, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range files {
		if own, ok := o.byFile[f]; ok && now.Before(own.until) {
			return own.project, true
		}
	}
	return "", false
}

// note learns from an attempt that named these files.
func (o *owners) note(files []string, project plantain.ProjectName, v plantain.Verdict, now time.Time) {
	if len(files) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range files {
		own, known := o.byFile[f]
		switch {
		case pool.Foreign(v) && own.project == project:
			delete(o.byFile, f)
		case v.Class == plantain.Success && !known && o.room(now):
			o.byFile[f] = owner{project, now.Add(fileLife)}
		}
	}
}

// room makes room for one more.
func (o *owners) room(now time.Time) bool {
	if o.byFile == nil {
		o.byFile = map[string]owner{}
	}
	if len(o.byFile) >= mostFiles {
		maps.DeleteFunc(o.byFile, func(_ string, own owner) bool { return !now.Before(own.until) })
	}
	return len(o.byFile) < mostFiles
}

// ownerOf gives the project that owns what a request names, where that is known,
// one of ours, and did not refuse it; empty: any may be asked.
func (t *Transport) ownerOf(f *flight, now time.Time) plantain.ProjectName {
	own, known := t.owners.of(f.ask.files, now)
	if _, ours := t.set().Ways[own]; !known || !ours || f.without[own] {
		return ""
	}
	return own
}
