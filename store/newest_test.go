package store

import (
	"strings"
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

// A client that came last long ago, or never, is not looked for among all attempts.
func TestTheNewestRequestIsFoundByAnIndex(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		conn, err := s.reader.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		explain := "EXPLAIN QUERY PLAN "
		if s.Shared() {
			// A table as small as this one is else read whole.
			explain = "EXPLAIN "
			if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = off"); err != nil {
				t.Fatal(err)
			}
		}
		for client, index := range map[plantain.ClientName]string{"alice": "attempts_of_client", "": "attempts_of_request"} {
			text, args := newest(client)
			rows, err := conn.QueryContext(t.Context(), explain+text, plain(args)...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var plan []string
			for rows.Next() {
				var step, skip any
				into := []any{&skip, &skip, &skip, &step}
				if s.Shared() {
					into = into[3:]
				}
				if err := rows.Scan(into...); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, step.(string))
			}
			all := strings.Join(plan, "\n")
			if !strings.Contains(all, index) || strings.Contains(strings.ToLower(all), "sort") || strings.Contains(all, "B-TREE") || strings.Contains(all, "Filter") {
				t.Errorf("of %q:\n%s\n%v", client, all, rows.Err())
			}
		}
	})
}
