package sim

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
)

// project is one Google Cloud project. It has no state of its own: the key says all.
type project struct {
	name string // NAME of sim-TIER-NAME
	tier string // free, 1, 2 or 3
}

func (p project) id() string { return "sim-" + p.tier + "-" + p.name }

// number is what Google calls the project in its complaints.
func (p project) number() string {
	h := fnv.New32a()
	h.Write([]byte(p.id()))
	return fmt.Sprint(100_000_000_000 + int64(h.Sum32()))
}

// owner reads a key: sim-1-NAME, or sim-1-NAME.anything for a second key of the same project.
func owner(key string) (project, bool) {
	rest, ok := strings.CutPrefix(key, "sim-")
	tier, name, more := strings.Cut(rest, "-")
	name, _, _ = strings.Cut(name, ".")
	switch tier {
	case "free", "1", "2", "3":
		return project{name, tier}, ok && more && name != ""
	}
	return project{}, false
}

// credential finds the key in the places Google looks: header, query, bearer.
func credential(r *http.Request) (key string, bearer bool) {
	if k := r.Header.Get("X-Goog-Api-Key"); k != "" {
		return k, false
	}
	if k := r.URL.Query().Get("key"); k != "" {
		return k, false
	}
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token), true
	}
	return "", false
}

// admit names the project a request belongs to.
func admit(r *http.Request) (project, *refusal) {
	key, _ := credential(r)
	if key == "" {
		return project{}, noKey()
	}
	p, ok := owner(key)
	if !ok {
		return p, keyInvalid("API key not valid. Please pass a valid API key.")
	}
	return p, nil
}
