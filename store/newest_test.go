package store

import (
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

func TestTheNewestRequestIsTheOneThatCameLast(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		newest := func(c, want string) {
			t.Helper()
			if got, err := s.Newest(t.Context(), plantain.ClientName(c)); err != nil || string(got) != want {
				t.Errorf("the newest of %q is %q, want %q; %v", c, got, want, err)
			}
		}
		newest("", "")
		for _, a := range []plantain.Attempt{
			{ID: "a-1", Request: "r-1", Client: "alice"},
			{ID: "a-2", Request: "r-2", Client: "alice"},
			{ID: "a-3", Request: "r-1", Client: "alice", Number: 2}, // it came first, however long it goes on
			{ID: "a-4", Request: "r-3", Client: "bob"},
		} {
			a.Opened, a.Deadline = now, now
			if err := s.Open(t.Context(), a, nil, func(pool.States) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		newest("alice", "r-2")
		newest("bob", "r-3")
		newest("", "r-3")
		newest("carol", "")
	})
}
