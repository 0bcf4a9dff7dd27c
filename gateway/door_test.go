package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// kept are keys that do not change.
type kept []plantain.VirtualKey

func (k kept) Keys(context.Context) ([]plantain.VirtualKey, error) { return k, nil }

func (kept) Accounts(context.Context) (map[plantain.ClientName]pool.State, error) { return nil, nil }
func (kept) ChangeKey(context.Context, plantain.ClientName, time.Time, func(*plantain.VirtualKey) error) (plantain.VirtualKey, error) {
	return plantain.VirtualKey{}, nil
}
func (kept) CreateKey(context.Context, plantain.VirtualKey, time.Time) error { return nil }
func (kept) RotateKey(_ context.Context, k plantain.VirtualKey, _, _ time.Time) (plantain.VirtualKey, error) {
	return k, nil
}
func (kept) RevokeKey(context.Context, plantain.ClientName, time.Time) error { return nil }
func (kept) NoteKey(context.Context, [32]byte, time.Time) error              { return nil }

// relayed answers every request with who sent it.
func relayed(keys kept, operator string) http.Handler {
	g := &Gateway{
		Relay: roundTrip(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			_, _ = w.WriteString(string(visitorOf(r).client))
			return w.Result(), nil
		}),
		Door: &Door{Keys: keys, Operator: plantain.NewSecret(operator), Now: func() time.Time { return now }},
		Attempts: func(plantain.ClientName, plantain.RequestID) ([]Attempt, error) {
			return []Attempt{{Client: "bob", Number: 1}}, nil
		},
	}
	if err := g.Door.Load(context.Background()); err != nil {
		panic(err)
	}
	return g.Handler()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheDoor(t *testing.T) {
	t.Parallel()
	alice, aliceKept := NewKey("alice", false, now, time.Time{})
	boss, bossKept := NewKey("boss", true, now, time.Time{})
	late, lateKept := NewKey("late", false, now, now)
	gone, goneKept := NewKey("gone", false, now, time.Time{})
	goneKept.Revoked = now
	ending, endingKept := NewKey("ending", false, now, time.Time{})
	endingKept.Revoked = now.Add(time.Minute)
	keys := kept{aliceKept, bossKept, lateKept, goneKept, endingKept}
	const gemini, projects, request = "POST /v1beta/models/nb2:generateContent", "GET /api/v1/requests", "GET /api/v1/requests/r-1"
	for name, c := range map[string]struct {
		keys   kept
		route  string
		header [2]string
		query  string
		host   string
		from   string
		status int
		says   string
	}{
		"open to this machine":                {nil, gemini, [2]string{}, "", "localhost:8787", "127.0.0.1:1", 200, "local"},
		"not to a foreign name":               {nil, gemini, [2]string{}, "", "evil.example", "127.0.0.1:1", 403, "localhost"},
		"not to a foreign address":            {nil, gemini, [2]string{}, "", "localhost", "192.0.2.1:1", 403, "this machine"},
		"not to a page of another site":       {nil, gemini, [2]string{"Sec-Fetch-Site", "cross-site"}, "", "localhost", "127.0.0.1:1", 403, ""},
		"a key as Google's SDKs send it":      {keys, gemini, [2]string{"X-Goog-Api-Key", alice}, "", "gw.example", "192.0.2.1:1", 200, "alice"},
		"a key as a bearer token":             {keys, gemini, [2]string{"Authorization", "Bearer " + alice}, "", "gw.example", "192.0.2.1:1", 200, "alice"},
		"a bearer token in small letters":     {keys, gemini, [2]string{"Authorization", "bearer " + alice}, "", "gw.example", "192.0.2.1:1", 200, "alice"},
		"a key in the address":                {keys, gemini, [2]string{}, "?key=" + alice, "gw.example", "192.0.2.1:1", 200, "alice"},
		"no key":                              {keys, gemini, [2]string{}, "", "localhost", "127.0.0.1:1", 403, "plantain keys create"},
		"a wrong key":                         {keys, gemini, [2]string{"X-Goog-Api-Key", "pk-wrong"}, "", "localhost", "127.0.0.1:1", 400, "API_KEY_INVALID"},
		"an expired key":                      {keys, gemini, [2]string{"X-Goog-Api-Key", late}, "", "localhost", "127.0.0.1:1", 400, "expired"},
		"a revoked key":                       {keys, gemini, [2]string{"X-Goog-Api-Key", gone}, "", "localhost", "127.0.0.1:1", 400, "revoked"},
		"a rotated key in its grace":          {keys, gemini, [2]string{"X-Goog-Api-Key", ending}, "", "localhost", "127.0.0.1:1", 200, "ending"},
		"revoked keys do not open it again":   {kept{goneKept}, gemini, [2]string{}, "", "localhost", "127.0.0.1:1", 403, ""},
		"the operator":                        {keys, projects, [2]string{"Authorization", "Bearer op"}, "", "localhost", "127.0.0.1:1", 200, "bob"},
		"an admin sees all requests":          {keys, projects, [2]string{"X-Goog-Api-Key", boss}, "", "localhost", "127.0.0.1:1", 200, "bob"},
		"a client does not":                   {keys, projects, [2]string{"X-Goog-Api-Key", alice}, "", "localhost", "127.0.0.1:1", 403, "admin"},
		"a client does not see another's one": {keys, request, [2]string{"X-Goog-Api-Key", alice}, "", "localhost", "127.0.0.1:1", 404, "no request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(c.route, " ")
			r := httptest.NewRequest(method, path+c.query, strings.NewReader("{}"))
			r.Host, r.RemoteAddr = c.host, c.from
			if c.header[0] != "" {
				r.Header.Set(c.header[0], c.header[1])
			}
			w := httptest.NewRecorder()
			relayed(c.keys, "op").ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("got %d: %s", w.Code, w.Body)
			}
			for _, key := range []string{alice, boss, late, gone, ending} {
				if strings.Contains(w.Body.String(), key) {
					t.Error("a key came back")
				}
			}
		})
	}
}

func TestOnlyAnAdminChoosesTheProject(t *testing.T) {
	t.Parallel()
	alice, aliceKept := NewKey("alice", false, now, time.Time{})
	boss, bossKept := NewKey("boss", true, now, time.Time{})
	for key, status := range map[string]int{alice: 400, boss: 200} {
		r := httptest.NewRequest("POST", "/v1beta/models/nb2:generateContent", strings.NewReader("{}"))
		r.Header.Set("X-Goog-Api-Key", key)
		r.Header.Set("Plantain-Project", "a")
		w := httptest.NewRecorder()
		relayed(kept{aliceKept, bossKept}, "op").ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("got %d, want %d: %s", w.Code, status, w.Body)
		}
	}
}

func TestAnAdminHasAProjectAskedAgain(t *testing.T) {
	t.Parallel()
	alice, aliceKept := NewKey("alice", false, now, time.Time{})
	boss, bossKept := NewKey("boss", true, now, time.Time{})
	var asked []plantain.ProjectName
	g := &Gateway{
		Door:     &Door{Keys: kept{aliceKept, bossKept}, Now: func() time.Time { return now }},
		Projects: func() []pool.Report { return []pool.Report{{Project: "a"}} },
		Recheck: func(_ context.Context, p plantain.ProjectName) error {
			asked = append(asked, p)
			return nil
		},
	}
	if err := g.Door.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, project string
		status       int
	}{{alice, "a", 403}, {boss, "x", 404}, {boss, "a", 200}} {
		r := httptest.NewRequest("POST", "/api/v1/projects/"+c.project+"/recheck", nil)
		r.Header.Set("Authorization", "Bearer "+c.key)
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: got %d, want %d: %s", c.project, w.Code, c.status, w.Body)
		}
	}
	if !slices.Equal(asked, []plantain.ProjectName{"a"}) {
		t.Errorf("asked again: %v", asked)
	}
}

func TestNamesOfClients(t *testing.T) {
	t.Parallel()
	for name, fine := range map[plantain.ClientName]bool{
		"alice": true, "build-7@ci.example": true, "": false, "local": false, "two words": false, "new\nline": false,
		plantain.ClientName(strings.Repeat("x", 65)): false, "käthe": false,
		"..": false, ".hidden": false, "-o": false, "a/b": false,
	} {
		if err := CheckClient(name); (err == nil) != fine {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// noted keeps when keys were used, unless it fails.
type noted struct {
	kept
	fails error
	used  map[[32]byte]time.Time
}

func (n *noted) NoteKey(_ context.Context, key [32]byte, at time.Time) error {
	if n.fails == nil {
		n.used[key] = at
	}
	return n.fails
}

func TestTheUseOfAKeyIsSeenAtOnceAndWrittenDownLater(t *testing.T) {
	t.Parallel()
	key, k := NewKey("alice", false, now.Add(-time.Minute), time.Time{})
	keys := &noted{kept: kept{k}, used: map[[32]byte]time.Time{}}
	d := &Door{Keys: keys, Now: func() time.Time { return now }}
	if err := d.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var visits sync.WaitGroup
	for range 8 {
		visits.Go(func() {
			r := httptest.NewRequest("GET", "/v1beta/models", nil)
			r.Header.Set("X-Goog-Api-Key", key)
			v, err := d.admit(r)
			if err != nil {
				t.Error(err)
			}
			d.note(v)
		})
	}
	visits.Wait()
	if at := d.seen(k).Used; !at.Equal(now) {
		t.Errorf("it is seen as used at %v", at)
	}
	keys.fails = errors.New("the disk is full")
	if err := d.Write(t.Context()); !errors.Is(err, keys.fails) {
		t.Error(err)
	}
	keys.fails = nil
	if err := d.Write(t.Context()); err != nil || !keys.used[k.Hash].Equal(now) {
		t.Errorf("%v, %v is written down", err, keys.used[k.Hash])
	}
	clear(keys.used)
	if err := d.Write(t.Context()); err != nil || len(keys.used) > 0 {
		t.Errorf("%v: it is written down twice", err)
	}
}

func TestOrdersForKeysThatCouldNotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order KeyOrder
		fine  bool
	}{
		"for ever":           {KeyOrder{Name: "a"}, true},
		"for a while":        {KeyOrder{Name: "a", Expires: now.Add(time.Hour), Grace: 60}, true},
		"expired":            {KeyOrder{Name: "a", Expires: now}, false},
		"a grace before now": {KeyOrder{Name: "a", Grace: -1}, false},
		"an endless grace":   {KeyOrder{Name: "a", Grace: 1e18}, false},
		"nobody's":           {KeyOrder{}, false},
	} {
		if err := c.order.Check(now); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}
