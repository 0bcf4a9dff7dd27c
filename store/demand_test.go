package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/ledger"
)

func TestDemandIsWhenRequestsCameAndNotWhenTheyWereSent(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		minute := noon.Unix() / 60
		one := plantain.Attempt{Client: "alice", Model: "nb2", Number: 1}
		spent(t, s, 0, one, ledger.Entry{})
		one.Waited = 90 * time.Second
		spent(t, s, 2, one, ledger.Entry{}) // came half a minute after noon
		one.Number, one.Waited = 2, 0
		spent(t, s, 3, one, ledger.Entry{}) // the same request again
		other := plantain.Attempt{Client: "bob", Model: "pro", Number: 1}
		spent(t, s, 5, other, ledger.Entry{})
		for range 2 {
			if err := s.TurnAway(t.Context(), []ledger.Demand{{Model: "nb2", Minute: minute, TurnedAway: 3}, {Model: "lite", Minute: minute + 1, TurnedAway: 1}}, noon); err != nil {
				t.Fatal(err)
			}
		}
		s = reopen()
		got, err := s.Demand(t.Context(), noon)
		if err != nil {
			t.Fatal(err)
		}
		want := []ledger.Demand{{Model: "lite", Minute: minute + 1, TurnedAway: 2}, {Model: "nb2", Minute: minute, Sent: 2, TurnedAway: 6}, {Model: "pro", Minute: minute + 5, Sent: 1}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if err := s.TurnAway(t.Context(), nil, noon.AddDate(0, 0, 61)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Demand(t.Context(), noon.AddDate(0, 0, -1)); err != nil || got[0].Model != "nb2" || got[0].TurnedAway != 0 {
			t.Errorf("after two months it is still known: %v, %v", got, err)
		}
	})
}
