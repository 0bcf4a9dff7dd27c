package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/pool/windowstest"
	"github.com/plantainhq/plantain/relay/bookstest"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSQLiteKeepsThePromisesOfBooks(t *testing.T) {
	t.Parallel()
	bookstest.Run(t, func(t *testing.T) bookstest.Books { return open(t, filepath.Join(t.TempDir(), "p.db")) })
}

func TestBothDatabasesKeepThePromisesOfWindows(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		windowstest.Run(t, func(t *testing.T) func() pool.Store {
			s := open(t, filepath.Join(t.TempDir(), "p.db"))
			return func() pool.Store { return s } // one process has a file at a time
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		windowstest.Run(t, func(t *testing.T) func() pool.Store {
			at := database(t)
			return func() pool.Store { return connect(t, at) }
		})
	})
}

var (
	key = pool.Key{Project: "studio", Model: "nb2"}
	now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

func openAttempt(t *testing.T, s *Store, id plantain.AttemptID, deadline time.Time) {
	t.Helper()
	a := plantain.Attempt{ID: id, Request: "r-1", Number: 1, Client: "local", Project: key.Project, Model: key.Model,
		Estimate: 90_000_000, Opened: now, Deadline: deadline}
	err := s.Open(t.Context(), a, []pool.Key{key}, func(st pool.States) error {
		st[key].Reserve(now, id, deadline, pool.Amount{Requests: 1})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// onEach runs a test on both databases. reopen gives the same store anew, as
// another process has it.
func onEach(t *testing.T, test func(t *testing.T, reopen func() *Store)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "p.db")
		var last *Store
		test(t, func() *Store {
			if last != nil {
				_ = last.Close()
			}
			last = open(t, path)
			return last
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		at := database(t)
		test(t, func() *Store { return connect(t, at) })
	})
}

func TestWhatAnEarlierProcessLeftOutIsUnknownWithItsRange(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		openAttempt(t, reopen(), "a-1", now.Add(time.Minute))
		second := reopen()
		n, err := second.Recover(t.Context(), now.Add(3*time.Minute))
		if err != nil || n != 1 {
			t.Fatalf("recovered %d, %v", n, err)
		}
		rows, err := second.Attempts(t.Context(), "r-1", 10)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		r := rows[0]
		if r.State != ledger.Unknown || r.Entry.Cost != (plantain.Cost{Low: 0, High: 90_000_000}) || r.Entry.Verdict.Class != plantain.Unanswered {
			t.Errorf("got %s, %v, %s", r.State, r.Entry.Cost, r.Entry.Verdict.Class)
		}
	})
}

func TestWindowsSurviveTheProcess(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		first := reopen()
		openAttempt(t, first, "a-1", now.Add(time.Minute))
		err := first.Settle(t.Context(), ledger.Entry{Attempt: "a-1", Sent: now, Settled: now}, []pool.Key{key}, func(st pool.States) error {
			st[key].Settle(now, "a-1", now, pool.Amount{Requests: 1})
			st[key].Parks(pool.Parking{Reason: plantain.RateDay, Since: now, Until: now.Add(time.Hour)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		states, err := reopen().Windows(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := states[key]
		if s == nil || s.Used(plantain.LimitRPD, now) != 1 || s.Park.Reason != plantain.RateDay || !s.Park.Until.Equal(now.Add(time.Hour)) {
			t.Errorf("got %+v", s)
		}
	})
}

func TestTheLedgerGivesBackWhatItWasTold(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		entries := []ledger.Entry{
			{Sent: now, Settled: now.Add(time.Second), Took: time.Second, Stage: plantain.Reading, Status: 429,
				Verdict: plantain.Verdict{Class: plantain.RateMinute, Charged: plantain.ChargedNo, Limit: plantain.LimitRPM, Explanation: "The minute is used up."},
				Finish:  "STOP", Served: "nb2", ResponseID: "id", Images: 1, Width: 1024, Height: 768, AnswerLength: 3e9,
				Cost: plantain.Cost{Low: 1, High: 5e12}, Differs: "size=1K asked=4K", Continuation: "f00d"},
			{Settled: now}, // nothing is known: not even the charge
		}
		for i, e := range entries {
			e.Attempt = plantain.AttemptID(fmt.Sprint("a-", i))
			openAttempt(t, s, e.Attempt, now.Add(time.Minute))
			if err := s.Settle(t.Context(), e, nil, func(pool.States) error { return nil }); err != nil {
				t.Fatal(err)
			}
			rows, err := s.Attempts(t.Context(), "", 1)
			if err != nil || len(rows) != 1 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			got := rows[0].Entry
			got.Sent, got.Settled = got.Sent.UTC(), got.Settled.UTC()
			if want := fmt.Sprintf("%#v", e); fmt.Sprintf("%#v", got) != want {
				t.Errorf("got  %#v\nwant %s", got, want)
			}
		}
	})
}

func TestNoWordOfAClientCanSpoilTheBooks(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		a := plantain.Attempt{ID: "a-1", Request: "r-1", Size: "1K\x00\xff", Opened: now, Deadline: now}
		none := func(pool.States) error { return nil }
		if err := s.Open(t.Context(), a, nil, none); err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(t.Context(), ledger.Entry{Attempt: "a-1", Finish: "\xc3\x28\x00"}, nil, none); err != nil {
			t.Error(err)
		}
		if rows, err := s.Attempts(t.Context(), "r-\x00", 1); err != nil || len(rows) != 0 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
}

func TestASecondProcessIsToldWhoHasTheStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	first := open(t, path)
	if err := first.Announce("127.0.0.1:8787", plantain.NewSecret("op-key")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path)
	held := (*HeldError)(nil)
	if !errors.As(err, &held) || held.Holder.PID != os.Getpid() || !strings.Contains(err.Error(), "127.0.0.1:8787") {
		t.Fatalf("got %v", err)
	}
	if h, ok := HeldBy(path); !ok || h.Address != "127.0.0.1:8787" || h.Operator.Reveal() != "op-key" {
		t.Errorf("held by %+v, %v", h, ok)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := HeldBy(path); ok {
		t.Error("still held after it was closed")
	}
}

func TestAStoreIsOneByWhateverNameItIsOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "p.db"), filepath.Join(t.TempDir(), "link.db")
	must(t, os.Symlink(path, link)) // there is nothing yet that it leads to
	s := open(t, link)
	openAttempt(t, s, "a-1", now.Add(time.Minute))
	must(t, s.Announce("127.0.0.1:8787", plantain.NewSecret("op-key")))
	if _, err := Open(t.Context(), path); !errors.As(err, new(*HeldError)) {
		t.Errorf("opened it by two names at once: %v", err)
	}
	for _, name := range []string{path, link} {
		if h, ok := HeldBy(name); !ok || h.Address != "127.0.0.1:8787" {
			t.Errorf("%s is held by %+v", name, h)
		}
	}
	if at, err := os.Stat(path); err != nil || at.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", at.Mode(), err)
	}
	must(t, s.Close())
	if rows, err := open(t, path).Attempts(t.Context(), "", 10); err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestADamagedStoreIsCalledThat(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func([]byte) []byte{
		"no database":       func([]byte) []byte { return []byte(strings.Repeat("not a database ", 500)) },
		"pages overwritten": func(b []byte) []byte { copy(b[4096:], strings.Repeat("\xde\xad\xbe\xef", 4096)); return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "p.db")
			s := open(t, path)
			openAttempt(t, s, "a-1", now.Add(time.Minute))
			must(t, s.Close())
			file, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, spoil(file), 0o600))
			if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAStoreThatIsNoDatabaseIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestAPathWithOddCharactersWorks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "büro ?#%20 one", "p.db")
	openAttempt(t, open(t, path), "a-1", now.Add(time.Minute))
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestWhatGoesOnWithAnotherAttemptSaysWithWhich(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		none := func(pool.States) error { return nil }
		for _, a := range []struct{ id, client, continues, token, want string }{
			{"a-1", "one", "", "f00d", ""},
			{"a-2", "one", "f00d", "beef", "a-1"},
			{"a-3", "one", "beef", "", "a-2"},
			{"a-4", "two", "f00d", "", ""}, // another client's token is nobody's
		} {
			id := plantain.AttemptID(a.id)
			must(t, s.Open(t.Context(), plantain.Attempt{ID: id, Request: plantain.RequestID("r-" + a.id), Client: plantain.ClientName(a.client), Continues: a.continues, Opened: now, Deadline: now}, nil, none))
			must(t, s.Settle(t.Context(), ledger.Entry{Attempt: id, Continuation: a.token}, nil, none))
			rows, err := s.Attempts(t.Context(), plantain.RequestID("r-"+a.id), 1)
			must(t, err)
			if string(rows[0].After) != a.want {
				t.Errorf("%s goes on with %q, want %q", a.id, rows[0].After, a.want)
			}
		}
	})
}
