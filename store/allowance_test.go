package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/pool"
)

func TestWhatAKeyMayUseIsKeptChangedAndInherited(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s, ctx := reopen(), t.Context()
		may := plantain.Allowance{Limits: map[plantain.Limit]int64{plantain.BudgetMonth: 20_000_000_000}, Models: []plantain.Model{"nb2"}, MaxSize: "2K"}
		key := func(n byte) plantain.VirtualKey {
			return plantain.VirtualKey{Client: "alice", Hash: [32]byte{n}, Hint: "pk-", Created: now.Add(time.Duration(n) * time.Second), Allowance: may}
		}
		allowed := func() (all []plantain.Allowance) {
			keys, err := reopen().Keys(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				all = append(all, k.Allowance)
			}
			return all
		}
		if _, err := s.ChangeKey(ctx, "alice", now, func(*plantain.VirtualKey) error { return nil }); !errors.Is(err, ErrNoKey) {
			t.Errorf("changed what is not there: %v", err)
		}
		if err := s.CreateKey(ctx, key(1), now); err != nil {
			t.Fatal(err)
		}
		if got := allowed(); !reflect.DeepEqual(got, []plantain.Allowance{may}) {
			t.Errorf("kept as %+v", got)
		}
		s = reopen()
		if k, err := s.RotateKey(ctx, plantain.VirtualKey{Client: "alice", Hash: [32]byte{2}, Hint: "pk-", Created: now.Add(time.Minute)}, now, now.Add(time.Hour)); err != nil || !reflect.DeepEqual(k.Allowance, may) {
			t.Errorf("inherited as %+v, %v", k, err)
		}
		wrong := errors.New("wrong")
		if _, err := s.ChangeKey(ctx, "alice", now, func(k *plantain.VirtualKey) error { k.MaxSize = "4K"; return wrong }); !errors.Is(err, wrong) {
			t.Errorf("got %v", err)
		}
		less := plantain.Allowance{Limits: map[plantain.Limit]int64{}, MaxSize: "1K"}
		k, err := s.ChangeKey(ctx, "alice", now, func(k *plantain.VirtualKey) error { k.Allowance = less; return nil })
		if err != nil || k.MaxSize != "1K" {
			t.Errorf("changed to %+v, %v", k, err)
		}
		// Both of its keys: the old one lives on for an hour.
		for _, a := range allowed() {
			if a.MaxSize != "1K" || len(a.Models)+len(a.Limits) > 0 {
				t.Errorf("changed to %+v", a)
			}
		}
	})
}

func TestAccountsAreTheClientsAndNoProjects(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s, ctx := reopen(), t.Context()
		alice := pool.Client{Name: "alice"}
		err := s.Update(ctx, []pool.Key{key, pool.AccountKey("alice")}, func(states pool.States) error {
			states[key].Reserve(now, "a-1", now.Add(time.Minute), pool.Amount{Requests: 1})
			return alice.Take(states, now, plantain.Attempt{ID: "a-1", Deadline: now.Add(time.Minute)}, pool.Amount{Spend: 7})
		})
		if err != nil {
			t.Fatal(err)
		}
		accounts, err := reopen().Accounts(ctx)
		if a := accounts["alice"]; err != nil || len(accounts) != 1 || len(a.Account.Out) != 1 || a.Account.Out[0].Spend != 7 {
			t.Errorf("%v: %+v", err, accounts)
		}
	})
}
