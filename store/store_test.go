package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
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

func TestWhatAnEarlierProcessLeftOutIsUnknownWithItsRange(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	first := open(t, path)
	openAttempt(t, first, "a-1", now.Add(time.Minute))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := open(t, path)
	n, err := second.Recover(t.Context(), now.Add(2*time.Minute))
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
}

func TestWindowsSurviveTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	first := open(t, path)
	openAttempt(t, first, "a-1", now.Add(time.Minute))
	err := first.Settle(t.Context(), ledger.Entry{Attempt: "a-1", Sent: now, Settled: now}, []pool.Key{key}, func(st pool.States) error {
		st[key].Settle(now, "a-1", now, pool.Amount{Requests: 1})
		st[key].Parks(pool.Parking{Reason: plantain.RateDay, Since: now, Until: now.Add(time.Hour)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	states, err := open(t, path).Windows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := states[key]
	if s == nil || s.Used(plantain.LimitRPD, now) != 1 || s.Park.Reason != plantain.RateDay || !s.Park.Until.Equal(now.Add(time.Hour)) {
		t.Errorf("got %+v", s)
	}
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
