package store

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// claiming is the first attempt of a request that claims a key.
func claiming(r plantain.RequestID, key string) plantain.Attempt {
	return plantain.Attempt{
		ID: plantain.AttemptID("a-" + r), Request: r, Number: 1, Client: "alice", Project: "studio", Model: "nb2", Estimate: 90_000_000,
		Opened: now, Deadline: now.Add(time.Minute),
		Claim: plantain.Claim{Key: key, Call: "call-" + key, Expires: now.Add(24 * time.Hour)},
	}
}

func nothing(pool.States) error { return nil }

func owedTo(t *testing.T, s *Store, c plantain.ClientName, key string, at time.Time) *gallery.Owed {
	t.Helper()
	o, err := s.Owed(t.Context(), plantain.Answer{Client: c, Claim: plantain.Claim{Key: key}}, at)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func answerOf(a plantain.Attempt) *plantain.Answer {
	return &plantain.Answer{Claim: a.Claim, Client: a.Client, Request: a.Request, Status: 200, Size: 7, Kept: now,
		Header: map[string][]string{"Content-Type": {"application/json"}}}
}

func TestAnAnswerIsOwedFromItsSettlementUntilItExpires(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		a := claiming("r-1", "k")
		must(t, s.Open(t.Context(), a, nil, nothing))
		if o := owedTo(t, s, "alice", "k", now); o == nil || !o.Kept.IsZero() || o.Spent.High != a.Estimate || o.Elsewhere || o.Call != "call-k" {
			t.Errorf("while it is out: %+v", o)
		}
		must(t, s.Settle(t.Context(), ledger.Entry{Attempt: a.ID, Cost: plantain.Exactly(67), Answer: answerOf(a)}, nil, nothing))
		s = reopen()
		o := owedTo(t, s, "alice", "k", now.Add(23*time.Hour))
		if o == nil || o.Request != "r-1" || o.Status != 200 || o.Size != 7 || !o.Kept.Equal(now) || o.Header["Content-Type"][0] != "application/json" {
			t.Fatalf("after it was settled: %+v", o)
		}
		for name, o := range map[string]*gallery.Owed{
			"another client": owedTo(t, s, "bob", "k", now), "another key": owedTo(t, s, "alice", "other", now),
			"after it expired": owedTo(t, s, "alice", "k", now.Add(24*time.Hour)),
		} {
			if o != nil {
				t.Errorf("%s is owed %+v", name, o)
			}
		}
		if left, err := s.ExpireAnswers(t.Context(), now.Add(24*time.Hour)); err != nil || len(left) != 0 {
			t.Errorf("%v is left, %v", left, err)
		}
	})
}

func TestAClaimWhoseProcessEndedTellsWhatItMayHaveCost(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		paid, free := claiming("r-1", "paid"), claiming("r-2", "free")
		must(t, s.Open(t.Context(), paid, nil, nothing))
		must(t, s.Open(t.Context(), free, nil, nothing))
		must(t, s.Settle(t.Context(), ledger.Entry{Attempt: free.ID}, nil, nothing))
		s = reopen()
		later := now.Add(3 * time.Minute)
		if _, err := s.Recover(t.Context(), later); err != nil {
			t.Fatal(err)
		}
		if o := owedTo(t, s, "alice", "paid", later); o == nil || o.Elsewhere || o.Spent != (plantain.Cost{Low: 0, High: paid.Estimate}) {
			t.Errorf("one that was out: %+v", o)
		}
		if o := owedTo(t, s, "alice", "free", later); o == nil || o.Elsewhere || o.Spent != (plantain.Cost{}) {
			t.Errorf("one that cost nothing: %+v", o)
		}
		must(t, s.ReleaseClaim(t.Context(), "r-1"))
		if o := owedTo(t, s, "alice", "paid", later); o != nil {
			t.Errorf("one that was released: %+v", o)
		}
	})
}

func TestOfTwoProcessesTheFirstHasTheKey(t *testing.T) {
	t.Parallel()
	at := database(t)
	first, second := connect(t, at), connect(t, at)
	a, b := claiming("r-1", "k"), claiming("r-2", "k")
	must(t, first.Open(t.Context(), a, nil, nothing))
	if err := second.Open(t.Context(), b, nil, nothing); !errors.Is(err, relay.ErrClaimed) {
		t.Fatalf("got %v", err)
	}
	if rows, err := second.Attempts(t.Context(), "r-2", 10); err != nil || len(rows) != 0 {
		t.Errorf("%d attempts of the one that was refused, %v", len(rows), err)
	}
	if o := owedTo(t, second, "alice", "k", now); o == nil || !o.Elsewhere {
		t.Errorf("to the second it is %+v", o)
	}
	if o := owedTo(t, second, "alice", "k", now.Add(3*time.Minute)); o == nil || o.Elsewhere {
		t.Errorf("when the first must have ended it is %+v", o)
	}
	// The one that has it goes on with it, and keeps the answer.
	again := a
	again.ID, again.Number = "a-again", 2
	must(t, first.Open(t.Context(), again, nil, nothing))
	must(t, first.Settle(t.Context(), ledger.Entry{Attempt: again.ID, Answer: answerOf(a)}, nil, nothing))
	if o := owedTo(t, second, "alice", "k", now); o == nil || o.Kept.IsZero() {
		t.Errorf("when it is answered it is %+v", o)
	}
	// An answer that comes late does not take the place of another request's.
	must(t, second.KeepAnswer(t.Context(), plantain.Answer{Claim: b.Claim, Client: "alice", Request: "r-2", Status: 500, Kept: now}))
	if o := owedTo(t, second, "alice", "k", now); o == nil || o.Request != "r-1" || o.Status != 200 {
		t.Errorf("after a late answer it is %+v", o)
	}
}

// What the journal holds is owed after a crash as well.
func TestTheJournalKeepsWhatIsOwed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	s := open(t, path)
	w := s.backend.(*writer)
	w.turn <- struct{}{} // the tables stay behind
	a := claiming("r-1", "k")
	made := journaled{steps: []step{{Opens: &a}, {Settles: &ledger.Entry{Attempt: a.ID, Answer: answerOf(a)}}}}
	must(t, w.write(&made, true))
	texts, err := w.journals.read()
	must(t, err)
	if len(texts) != 1 {
		t.Fatalf("%d records in the journal", len(texts))
	}
	var r record
	must(t, json.Unmarshal(texts[0], &r))
	must(t, w.transact(func(t *tx) error { return errors.Join(t.redo(r), t.redo(r)) }))
	<-w.turn
	if o := owedTo(t, s, "alice", "k", now); o == nil || o.Kept.IsZero() || o.Size != 7 {
		t.Errorf("owed is %+v", o)
	}
}
