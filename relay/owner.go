package relay

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/pool"
)

// owners are the projects that files of the Files API and continuation tokens
// belong to: no other project may use them, so a request that names one is sent
// there, and waits for room there. A token belongs to the project whose answer had
// it. Which project a file belongs to, nobody says: it is found out by asking one
// after the other, which costs nothing. The zero value is ready.
type owners struct {
	mu     sync.Mutex
	byName map[string]owner
}

type owner struct {
	project plantain.ProjectName
	until   time.Time
}

const (
	// fileLife is how long Google keeps a file (gemini-api.md §1); how long a token
	// is good, nobody says.
	fileLife  = 48 * time.Hour
	mostNames = 10_000
)

var fileName = regexp.MustCompile(`(?:^|/v1(?:beta)?/)(files/[a-z0-9-]{1,40})$`)

// namesIn are the files and the token in a request.
func namesIn(asked gemini.Asked) (names []string) {
	if id := tokenID(asked.Continuation); id != "" {
		names = append(names, id)
	}
	for _, turn := range asked.Turns {
		for i := range turn.Parts {
			if m := fileName.FindStringSubmatch(turn.Parts[i].URI); m != nil {
				names = append(names, m[1])
			}
		}
	}
	return names
}

// tokenID identifies a continuation token, however its base64 is written; empty
// for none. The token itself is nobody's business.
func tokenID(token string) string {
	if token == "" {
		return ""
	}
	plain := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(token)
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:16])
}

// of gives the project that owns one of these, if that is known.
func (o *owners) of(names []string, now time.Time) (plantain.ProjectName, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range names {
		if own, ok := o.byName[f]; ok && now.Before(own.until) {
			return own.project, true
		}
	}
	return "", false
}

// gave notes whose answer had a token; empty: it had none.
func (o *owners) gave(token string, project plantain.ProjectName, now time.Time) {
	if token == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.room(now) {
		o.byName[token] = owner{project, now.Add(fileLife)}
	}
}

// note learns from an attempt that named these.
func (o *owners) note(names []string, project plantain.ProjectName, v plantain.Verdict, now time.Time) {
	if len(names) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range names {
		own, known := o.byName[f]
		switch {
		case pool.Foreign(v) && own.project == project:
			delete(o.byName, f)
		case v.Class == plantain.Success && !known && o.room(now):
			o.byName[f] = owner{project, now.Add(fileLife)}
		}
	}
}

// room makes room for one more.
func (o *owners) room(now time.Time) bool {
	if o.byName == nil {
		o.byName = map[string]owner{}
	}
	if len(o.byName) >= mostNames {
		maps.DeleteFunc(o.byName, func(_ string, own owner) bool { return !now.Before(own.until) })
	}
	return len(o.byName) < mostNames
}

// ownerOf gives the project that owns what a request names, where that is known,
// one of ours, and did not refuse it; empty: any may be asked.
func (t *Transport) ownerOf(f *flight, now time.Time) plantain.ProjectName {
	own, known := t.owners.of(f.ask.names, now)
	if _, ours := t.set().Ways[own]; !known || !ours || f.without[own] {
		return ""
	}
	return own
}
