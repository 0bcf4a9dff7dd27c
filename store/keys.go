package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

// A KeyError is a fault of whoever asked to change a key, in words for it.
type KeyError string

func (e KeyError) Error() string { return string(e) }

// Client gives the text, which a client may read, and whether it is about a key
// that is missing.
func (e KeyError) Client() (text string, missing bool) { return string(e), e == ErrNoKey }

// ErrNoKey says that a client has no live key; ErrHasKey that it has one already.
const (
	ErrNoKey  = KeyError("there is no live key of that name")
	ErrHasKey = KeyError("there is a live key of that name already; rotate it, or revoke it first")
)

// Keys gives all virtual keys, the revoked ones too, oldest first.
func (s *Store) Keys(ctx context.Context) ([]plantain.VirtualKey, error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT hash, client, hint, admin, created, expires, revoked, used, allowance FROM keys ORDER BY created, hash")
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	defer rows.Close()
	var keys []plantain.VirtualKey
	for rows.Next() {
		var k plantain.VirtualKey
		var hash, allowance string
		var admin, created, expires, revoked, used int64
		if err := rows.Scan(&hash, &k.Client, &k.Hint, &admin, &created, &expires, &revoked, &used, &allowance); err != nil {
			return nil, fmt.Errorf("read the keys: %w", err)
		}
		if n, err := hex.Decode(k.Hash[:], []byte(hash)); err != nil || n != len(k.Hash) {
			return nil, fmt.Errorf("read the keys: the hash of a key of %s is damaged", k.Client)
		}
		if err := json.Unmarshal([]byte(allowance), &k.Allowance); err != nil {
			return nil, fmt.Errorf("read the keys: what %s may use is damaged: %w", k.Client, err)
		}
		k.Admin, k.Created, k.Expires, k.Revoked, k.Used = admin != 0, instant(created), instant(expires), instant(revoked), instant(used)
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// CreateKey keeps a new key. It gives ErrHasKey where the client has a live one.
func (s *Store) CreateKey(ctx context.Context, k plantain.VirtualKey, now time.Time) error {
	return s.backend.do(ctx, func(t *tx) error {
		n, err := t.liveKeys(k.Client, now)
		if err != nil {
			return err
		}
		if n > 0 {
			return ErrHasKey
		}
		return t.insertKey(k)
	})
}

// RotateKey puts a new key in the place of a client's live one, which ends at
// ends. The new one inherits whether it is an admin's, when it expires and what it
// may use, and is given as it is kept. It gives ErrNoKey where the client has none.
func (s *Store) RotateKey(ctx context.Context, k plantain.VirtualKey, now, ends time.Time) (plantain.VirtualKey, error) {
	err := s.backend.do(ctx, func(t *tx) error {
		old, err := t.liveKey(k.Client, now)
		if err != nil {
			return err
		}
		k.Admin, k.Expires, k.Allowance = old.Admin, old.Expires, old.Allowance
		if _, err := t.endKeys(k.Client, now, ends); err != nil {
			return err
		}
		return t.insertKey(k)
	})
	return k, err
}

// ChangeKey changes when a client's live key ends and what it may use, by change,
// which may be called again, and gives it as it is kept. It gives ErrNoKey where the
// client has none, and the error of change as it is.
func (s *Store) ChangeKey(ctx context.Context, c plantain.ClientName, now time.Time, change func(*plantain.VirtualKey) error) (k plantain.VirtualKey, err error) {
	err = s.backend.do(ctx, func(t *tx) error {
		if k, err = t.liveKey(c, now); err != nil {
			return err
		}
		if err := change(&k); err != nil {
			return err
		}
		allowance, err := json.Marshal(k.Allowance)
		if err != nil {
			return fmt.Errorf("encode an allowance: %w", err)
		}
		// All of its live keys: in the grace of a rotation there are two.
		_, err = t.write(`UPDATE keys SET expires = $3, allowance = $4 WHERE client = $1 AND `+isLive, c, millis(now), millis(k.Expires), string(allowance))
		if err != nil {
			return fmt.Errorf("change a key: %w", err)
		}
		return nil
	})
	return k, err
}

// Accounts gives what the clients have used; one that never used anything has none.
func (s *Store) Accounts(ctx context.Context) (map[plantain.ClientName]pool.State, error) {
	rows, err := s.query(ctx, readWindows+" WHERE project LIKE 'client:%'")
	if err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	defer rows.Close()
	accounts := map[plantain.ClientName]pool.State{}
	return accounts, scanWindows(rows, func(k pool.Key, s pool.State) { accounts[k.Client()] = s })
}

// RevokeKey ends all live keys of a client at once. It gives ErrNoKey where it
// has none.
func (s *Store) RevokeKey(ctx context.Context, c plantain.ClientName, now time.Time) error {
	return s.backend.do(ctx, func(t *tx) error {
		n, err := t.endKeys(c, now, now)
		if err == nil && n == 0 {
			return ErrNoKey
		}
		return err
	})
}

// NoteKey keeps when a key was last used.
func (s *Store) NoteKey(ctx context.Context, hash [32]byte, used time.Time) error {
	return s.backend.do(ctx, func(t *tx) error {
		if _, err := t.write(`UPDATE keys SET used = $2 WHERE hash = $1 AND used < $2`, hex.EncodeToString(hash[:]), millis(used)); err != nil {
			return fmt.Errorf("note the use of a key: %w", err)
		}
		return nil
	})
}

// isLive is the condition of [plantain.VirtualKey.Live], with the present as $2.
const isLive = `(expires = 0 OR expires > $2) AND (revoked = 0 OR revoked > $2)`

func (t *tx) liveKeys(c plantain.ClientName, now time.Time) (n int, err error) {
	err = t.row(`SELECT COUNT(*) FROM keys WHERE client = $1 AND `+isLive, c, millis(now)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read the keys: %w", err)
	}
	return n, nil
}

// liveKey gives a client's live key, the newest of several, or ErrNoKey.
func (t *tx) liveKey(c plantain.ClientName, now time.Time) (plantain.VirtualKey, error) {
	k := plantain.VirtualKey{Client: c}
	var admin, created, expires int64
	var allowance string
	err := t.row(`SELECT hint, admin, created, expires, allowance FROM keys WHERE client = $1 AND `+isLive+` ORDER BY created DESC LIMIT 1`,
		c, millis(now)).Scan(&k.Hint, &admin, &created, &expires, &allowance)
	if errors.Is(err, sql.ErrNoRows) {
		return k, ErrNoKey
	}
	if err == nil {
		err = json.Unmarshal([]byte(allowance), &k.Allowance)
	}
	if err != nil {
		return k, fmt.Errorf("read a key: %w", err)
	}
	k.Admin, k.Created, k.Expires = admin != 0, instant(created), instant(expires)
	return k, nil
}

func (t *tx) endKeys(c plantain.ClientName, now, ends time.Time) (int64, error) {
	// One that is ending already must not live longer by this.
	n, err := t.write(`UPDATE keys SET revoked = CASE WHEN revoked = 0 OR revoked > $3 THEN $3 ELSE revoked END
		WHERE client = $1 AND `+isLive, c, millis(now), millis(ends))
	if err != nil {
		return 0, fmt.Errorf("end a key: %w", err)
	}
	return n, nil
}

func (t *tx) insertKey(k plantain.VirtualKey) error {
	admin := 0
	if k.Admin {
		admin = 1
	}
	allowance, err := json.Marshal(k.Allowance)
	if err != nil {
		return fmt.Errorf("encode an allowance: %w", err)
	}
	_, err = t.write(`INSERT INTO keys (hash, client, hint, admin, created, expires, revoked, allowance) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		hex.EncodeToString(k.Hash[:]), k.Client, k.Hint, admin, millis(k.Created), millis(k.Expires), millis(k.Revoked), string(allowance))
	if err != nil {
		return fmt.Errorf("keep a key: %w", err)
	}
	return nil
}
