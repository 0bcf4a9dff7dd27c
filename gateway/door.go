package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

// Keys keeps the virtual keys. Its errors for a name that is taken or not there
// are for the client to read.
type Keys interface {
	Keys(ctx context.Context) ([]plantain.VirtualKey, error)
	CreateKey(ctx context.Context, k plantain.VirtualKey, now time.Time) error
	RotateKey(ctx context.Context, k plantain.VirtualKey, now, ends time.Time) (plantain.VirtualKey, error)
	// ChangeKey changes a client's live key by a function that may be called again.
	ChangeKey(ctx context.Context, c plantain.ClientName, now time.Time, change func(*plantain.VirtualKey) error) (plantain.VirtualKey, error)
	RevokeKey(ctx context.Context, c plantain.ClientName, now time.Time) error
	NoteKey(ctx context.Context, hash [32]byte, used time.Time) error
	// Accounts gives what the clients have used; one that used nothing has none.
	Accounts(ctx context.Context) (map[plantain.ClientName]pool.State, error)
}

// A Door decides who comes in: whoever shows a live virtual key, or, as long as
// none was ever made, anyone on this machine. It is safe for concurrent use.
type Door struct {
	Keys     Keys             // nil: there are no keys, ever
	Operator plantain.Secret  // a key of its own for the commands of this machine; empty: none
	Now      func() time.Time // nil: time.Now

	loading sync.Mutex // one at a time, or an older reading could replace a newer one

	mu     sync.RWMutex
	byHash map[[32]byte]plantain.VirtualKey

	using sync.Mutex
	used  map[[32]byte]time.Time // when, of keys of which it is not written down yet
}

// A visitor is who stands at the door.
type visitor struct {
	client plantain.ClientName
	admin  bool
	walkIn bool                // came in because the door stands open
	key    [32]byte            // the hash of what was shown; zero: no key of a client
	may    *plantain.Allowance // nil: anything, and nothing of it is counted
}

// Load reads the keys; call it at the start and after every change.
func (d *Door) Load(ctx context.Context) error {
	if d.Keys == nil {
		return nil
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	keys, err := d.Keys.Keys(ctx)
	if err != nil {
		return err
	}
	byHash := map[[32]byte]plantain.VirtualKey{}
	for _, k := range keys {
		byHash[k.Hash] = k
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byHash = byHash
	return nil
}

// Open reports whether the door stands open, because no key was ever made. That
// the last one expired or was revoked does not open it again.
func (d *Door) Open() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.byHash) == 0
}

// Why a visitor is turned away.
var (
	errNoKey    = errors.New("no key was shown")
	errWrongKey = errors.New("the key is not one of this gateway's, or it has expired or was revoked")
)

// admit finds out who a request comes from.
func (d *Door) admit(r *http.Request) (visitor, error) {
	shown := shownKey(r)
	if d.isOperator(shown) {
		return visitor{client: plantain.LocalClient, admin: true}, nil
	}
	if d.Open() {
		return visitor{client: plantain.LocalClient, admin: true, walkIn: true}, nil
	}
	if shown == "" {
		return visitor{}, errNoKey
	}
	d.mu.RLock()
	k, ok := d.byHash[sha256.Sum256([]byte(shown))]
	d.mu.RUnlock()
	if !ok || !k.Live(d.now()) {
		return visitor{}, errWrongKey
	}
	return visitor{client: k.Client, admin: k.Admin, key: k.Hash, may: &k.Allowance}, nil
}

// key gives the key that a visitor showed; false: it came in without.
func (d *Door) key(v visitor) (plantain.VirtualKey, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	k, ok := d.byHash[v.key]
	return k, ok
}

// note takes down that a visitor's key was used. No request waits for the disk for it.
func (d *Door) note(v visitor) {
	if v.key == [32]byte{} {
		return
	}
	d.using.Lock()
	defer d.using.Unlock()
	if d.used == nil {
		d.used = map[[32]byte]time.Time{}
	}
	d.used[v.key] = d.now()
}

// Write writes down when keys were used since it was called last; what can't be is
// tried again the next time.
func (d *Door) Write(ctx context.Context) error {
	d.using.Lock()
	used := maps.Clone(d.used)
	d.using.Unlock()
	for key, at := range used {
		if err := d.Keys.NoteKey(ctx, key, at); err != nil {
			return err
		}
		d.using.Lock()
		if d.used[key].Equal(at) {
			delete(d.used, key)
		}
		d.using.Unlock()
	}
	return nil
}

// seen gives a key with when it was used, written down or not.
func (d *Door) seen(k plantain.VirtualKey) plantain.VirtualKey {
	d.using.Lock()
	defer d.using.Unlock()
	if at := d.used[k.Hash]; at.After(k.Used) {
		k.Used = at
	}
	return k
}

func (d *Door) isOperator(shown string) bool {
	return !d.Operator.Empty() && subtle.ConstantTimeCompare([]byte(shown), []byte(d.Operator.Reveal())) == 1
}

func (d *Door) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// shownKey takes the key from where Google's and OpenAI's SDKs put it.
func shownKey(r *http.Request) string {
	if k := r.Header.Get("X-Goog-Api-Key"); k != "" {
		return k
	}
	if scheme, k, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(k)
	}
	return r.URL.Query().Get("key")
}

// NewKey makes a virtual key: the key itself, to be shown once, and what is kept
// of it. Its chance is 180 bits, of which the hint gives 20 away.
func NewKey(c plantain.ClientName, admin bool, created, expires time.Time) (string, plantain.VirtualKey) {
	key := "pk-" + strings.ToLower(rand.Text()+rand.Text()[:10])
	return key, plantain.VirtualKey{
		Client: c, Hash: sha256.Sum256([]byte(key)), Hint: key[:7], Admin: admin, Created: created, Expires: expires,
	}
}

// CheckClient refuses names that could not be told apart in a log or a label.
func CheckClient(c plantain.ClientName) error {
	if !clientName.MatchString(string(c)) || c == plantain.LocalClient {
		return errors.New("a name has 1 to 64 letters, digits and - _ . @, begins with a letter or digit, and is not \"local\"")
	}
	return nil
}

var clientName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)
