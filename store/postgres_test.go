package store

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
	"github.com/plantainhq/plantain/relay/bookstest"
)

// postgres is a server that runs as long as this test binary: its input, which
// nobody writes to, ends with the binary.
var postgres = sync.OnceValues(func() (*url.URL, error) {
	cmd := exec.Command("../scripts/postgres.sh")
	var says strings.Builder
	cmd.Stderr = &says
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if _, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	running = cmd
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = cmd.Wait()
		return nil, errors.New(strings.TrimSpace(says.String()))
	}
	return url.Parse(strings.TrimSpace(line))
})

var (
	running   *exec.Cmd // kept, or its input would be closed
	databases atomic.Int64
)

// database gives the URL of an empty database.
func database(t *testing.T) plantain.Secret {
	t.Helper()
	if testing.Short() {
		t.Skip("PostgreSQL is not started for -short")
	}
	server, err := postgres()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	ask(t, plantain.NewSecret(server.String()), "CREATE DATABASE "+name)
	own := *server
	own.Path = "/" + name
	return plantain.NewSecret(own.String())
}

// ask runs a statement beside the store and gives the one number it may give.
func ask(t *testing.T, at plantain.Secret, statement string) (n int64) {
	t.Helper()
	db, err := sql.Open("pgx", at.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(statement).Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%s: %v", statement, err)
	}
	return n
}

func connect(t *testing.T, at plantain.Secret) *Store {
	t.Helper()
	s, err := Connect(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestPostgreSQLKeepsThePromisesOfBooks(t *testing.T) {
	t.Parallel()
	bookstest.Run(t, func(t *testing.T) bookstest.Books { return connect(t, database(t)) })
}

func TestTwoGatewaysOnOneDatabaseNeverExceedALimitTogether(t *testing.T) {
	t.Parallel()
	const limit, callers = 23, 80
	at := database(t)
	gateways := []*Store{connect(t, at), connect(t, at)}
	// Every change also touches the windows of other projects, in another order each.
	others := []pool.Key{{Project: "a"}, {Project: "z"}, {Project: key.Project}, {Project: "b", Model: "nb2"}}
	var admitted, refused atomic.Int64
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			s := gateways[n%2]
			keys := []pool.Key{key, others[n%4], others[(n+1+n/4%3)%4]}
			a := plantain.Attempt{ID: plantain.AttemptID(fmt.Sprint("a-", n)), Request: "r", Project: key.Project, Model: key.Model, Opened: now, Deadline: now.Add(time.Minute)}
			err := s.Open(context.Background(), a, keys, func(st pool.States) error {
				if st[key].Used(plantain.LimitRPM, now) >= limit {
					return &pool.NoRoom{}
				}
				for _, k := range keys {
					st[k].Reserve(now, a.ID, a.Deadline, pool.Amount{Requests: 1})
				}
				return nil
			})
			switch none := (*pool.NoRoom)(nil); {
			case err == nil:
				admitted.Add(1)
				// Most are settled by the other gateway while the first one goes on.
				err = gateways[(n+1)%2].Settle(context.Background(), ledger.Entry{Attempt: a.ID}, keys, func(st pool.States) error {
					for _, k := range keys {
						st[k].Settle(now, a.ID, now, pool.Amount{Requests: 1})
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			case errors.As(err, &none):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if admitted.Load() != limit || refused.Load() != callers-limit {
		t.Errorf("%d admitted, %d refused, want %d of %d", admitted.Load(), refused.Load(), limit, callers)
	}
	states, err := gateways[0].Windows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := states[key].Used(plantain.LimitRPM, now); n != limit {
		t.Errorf("the window counts %d, want %d", n, limit)
	}
	if n := ask(t, at, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}

func TestGatewaysThatAreAliveKeepWhatTheySent(t *testing.T) {
	t.Parallel()
	at := database(t)
	first, second := connect(t, at), connect(t, at)
	deadline := now.Add(time.Minute)
	openAttempt(t, first, "a-1", deadline)
	openAttempt(t, first, "a-2", deadline)
	if n, err := second.Recover(t.Context(), deadline.Add(late)); n != 0 || err != nil {
		t.Fatalf("took %d from a gateway that may be alive, %v", n, err)
	}
	if err := first.Settle(t.Context(), ledger.Entry{Attempt: "a-1"}, nil, func(pool.States) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if n, err := second.Recover(t.Context(), deadline.Add(late+time.Second)); n != 1 || err != nil {
		t.Fatalf("recovered %d, %v, want the one that is overdue", n, err)
	}
	err := first.Settle(t.Context(), ledger.Entry{Attempt: "a-2"}, nil, func(pool.States) error { return nil })
	if !errors.Is(err, relay.ErrNotOut) {
		t.Errorf("settled what was given up: %v", err)
	}
}

func TestGatewaysThatStartAtOnceMakeTheTablesOnce(t *testing.T) {
	t.Parallel()
	at := database(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Connect(context.Background(), at)
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	wg.Wait()
}

func TestALostConnectionIsTriedAgain(t *testing.T) {
	t.Parallel()
	at := database(t)
	s := connect(t, at)
	const cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	openAttempt(t, s, "a-1", now.Add(time.Minute))
	ask(t, at, cut) // between two changes
	openAttempt(t, s, "a-2", now.Add(time.Minute))
	calls := 0
	err := s.Update(t.Context(), []pool.Key{key}, func(st pool.States) error {
		if calls++; calls == 1 {
			ask(t, at, cut) // in the middle of one
		}
		st[key].Seq++
		return nil
	})
	if err != nil || calls != 2 {
		t.Errorf("called %d times, %v", calls, err)
	}
	if states, err := s.Windows(t.Context()); err != nil || states[key].Seq != 3 {
		t.Errorf("%+v, %v; want three changes", states[key], err)
	}
}

func TestWindowsThatSomebodyRemovedBeginAgain(t *testing.T) {
	t.Parallel()
	at := database(t)
	s := connect(t, at)
	openAttempt(t, s, "a-1", now.Add(time.Minute))
	ask(t, at, "DELETE FROM windows")
	openAttempt(t, s, "a-2", now.Add(time.Minute))
}

func TestTheClocksOfOneMachineAgree(t *testing.T) {
	t.Parallel()
	s := connect(t, database(t))
	if lead := s.Lead().Abs(); lead > 100*time.Millisecond {
		t.Errorf("the database is %v away", lead)
	}
	// As if this machine's clock had been set since.
	s.backend.(*server).lead.Store(int64(time.Hour))
	if err := s.MeasureClock(t.Context()); err != nil || s.Lead().Abs() > 100*time.Millisecond {
		t.Errorf("the database is %v away, %v", s.Lead(), err)
	}
}

func TestAnErrorToldOfAStoreHasNoPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://user:se/cret@host/db", "postgres://user:se%zzcret@host/db", "postgres://user:secret@host/db?sslmode=odd",
		"postgres://user:secret@127.0.0.1:1/db?connect_timeout=1",
	} {
		_, err := Connect(t.Context(), plantain.NewSecret(address))
		if err == nil || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
