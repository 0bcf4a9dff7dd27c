package plantain

import "time"

// A VirtualKey is what a client of the gateway shows at the door. The key itself
// is known to the client alone; here is its hash.
type VirtualKey struct {
	Client  ClientName
	Hash    [32]byte // SHA-256 of the key
	Hint    string   // the start of the key, to recognise it by; no secret
	Admin   bool     // may see all clients' requests, the pool, and make keys
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: it was not; in the future: it ends then, after a rotation
	Used    time.Time // when it last opened the door; zero: never
	Allowance
}

// An Allowance is what a client may use. Its zero value limits nothing.
type Allowance struct {
	// Limits are the sizes of [ClientRequests], [ClientImages] and the budgets, these
	// in nano-dollars. One that is absent does not bind; one of 0 admits nothing.
	Limits  map[Limit]int64 `json:"limits,omitempty"`
	Models  []Model         `json:"models,omitempty"`   // ids or short names; nil: all
	MaxSize string          `json:"max_size,omitempty"` // "2K"; empty: every size
	// WarnWeak has answers say, in Plantain-Lint, what a prompt lacks that needs work.
	WarnWeak bool `json:"warn_weak,omitempty"`
}

// Live reports whether the key opens the door at an instant.
func (k VirtualKey) Live(now time.Time) bool {
	return (k.Expires.IsZero() || now.Before(k.Expires)) && (k.Revoked.IsZero() || now.Before(k.Revoked))
}
