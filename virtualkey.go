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
	Used    time.Time // when it last opened the door, to the hour; zero: never
}

// Live reports whether the key opens the door at an instant.
func (k VirtualKey) Live(now time.Time) bool {
	return (k.Expires.IsZero() || now.Before(k.Expires)) && (k.Revoked.IsZero() || now.Before(k.Revoked))
}
