package store

import (
	"errors"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
)

func TestAClientHasOneLiveKey(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s, ctx := reopen(), t.Context()
		key := func(n byte) plantain.VirtualKey {
			return plantain.VirtualKey{Client: "alice", Hash: [32]byte{n}, Hint: "pk-", Admin: n == 1, Created: now.Add(time.Duration(n) * time.Second)}
		}
		if err := s.CreateKey(ctx, key(1), now); err != nil {
			t.Fatal(err)
		}
		if err := s.CreateKey(ctx, key(2), now); !errors.Is(err, ErrHasKey) {
			t.Errorf("a second key: %v", err)
		}
		if k, err := s.RotateKey(ctx, key(3), now, now.Add(time.Hour)); err != nil || !k.Admin {
			t.Errorf("rotated to %+v, %v; want an admin's, as the old one", k, err)
		}
		live := func(at time.Time) (n int) {
			keys, err := reopen().Keys(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				if k.Live(at) {
					n++
				}
			}
			return n
		}
		if n := live(now); n != 2 {
			t.Errorf("%d live in the grace, want 2", n)
		}
		// The grace of another rotation must not lengthen the one that runs.
		if _, err := reopen().RotateKey(ctx, key(5), now, now.Add(90*time.Minute)); err != nil || live(now.Add(time.Hour)) != 2 {
			t.Errorf("rotated again: %v, %d live after the first grace, want 2", err, live(now.Add(time.Hour)))
		}
		if n := live(now.Add(2 * time.Hour)); n != 1 {
			t.Errorf("%d live after it, want 1", n)
		}
		s = reopen()
		if err := s.RevokeKey(ctx, "alice", now); err != nil || live(now) != 0 {
			t.Errorf("revoked: %v", err)
		}
		s = reopen()
		if err := s.RevokeKey(ctx, "alice", now); !errors.Is(err, ErrNoKey) {
			t.Errorf("revoked again: %v", err)
		}
		if _, err := s.RotateKey(ctx, key(4), now, now); !errors.Is(err, ErrNoKey) {
			t.Errorf("rotated what is revoked: %v", err)
		}
	})
}

func TestWhenAKeyWasUsedNeverGoesBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s, ctx := reopen(), t.Context()
		k := plantain.VirtualKey{Client: "alice", Hash: [32]byte{1}, Hint: "pk-", Created: now}
		if err := s.CreateKey(ctx, k, now); err != nil {
			t.Fatal(err)
		}
		for _, used := range []time.Time{now.Add(time.Hour), now} {
			if err := s.NoteKey(ctx, k.Hash, used); err != nil {
				t.Fatal(err)
			}
		}
		keys, err := s.Keys(ctx)
		if err != nil || len(keys) != 1 || !keys[0].Used.Equal(now.Add(time.Hour)) {
			t.Errorf("%v: %+v", err, keys)
		}
	})
}
