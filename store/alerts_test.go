package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAnAlertIsToldOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		take := func(at time.Duration) (ids string) {
			alerts, err := s.TakeAlerts(t.Context(), now.Add(at))
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range alerts {
				ids += a.ID + a.Body + " "
			}
			return ids
		}
		for n, want := range []bool{true, false} {
			if news, err := s.KeepAlert(t.Context(), "day-10", "{}", now.Add(time.Duration(n)*time.Second)); news != want || err != nil {
				t.Fatalf("kept the %d. time: %v, %v", n+1, news, err)
			}
		}
		steps := []struct {
			at   time.Duration
			want string
		}{
			{0, "day-10{} "}, {59 * time.Second, ""}, {time.Minute, "day-10{} "}, // it failed, and comes again later and later
			{2 * time.Minute, ""}, {3 * time.Minute, "day-10{} "},
		}
		for _, step := range steps {
			if got := take(step.at); got != step.want {
				t.Errorf("after %s: %q, want %q", step.at, got, step.want)
			}
		}
		s = reopen()
		if err := s.AlertTold(t.Context(), "day-10", now); err != nil {
			t.Fatal(err)
		}
		if got := take(time.Hour); got != "" {
			t.Errorf("told again: %s", got)
		}
		if news, err := s.KeepAlert(t.Context(), "day-10", "{}", now); news || err != nil {
			t.Errorf("news again: %v, %v", news, err)
		}
		if _, err := s.KeepAlert(t.Context(), "day-20", "{}", now); err != nil {
			t.Fatal(err)
		}
		if got := take(25 * time.Hour); got != "" {
			t.Errorf("told a day late: %s", got)
		}
	})
}

func TestOfManyGatewaysOneTellsAnAlert(t *testing.T) {
	t.Parallel()
	at := database(t)
	gateways := []*Store{connect(t, at), connect(t, at)}
	if _, err := gateways[0].KeepAlert(t.Context(), "day-10", "{}", now); err != nil {
		t.Fatal(err)
	}
	var told atomic.Int64
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			alerts, err := gateways[n%2].TakeAlerts(t.Context(), now)
			if err != nil {
				t.Error(err)
			}
			told.Add(int64(len(alerts)))
		})
	}
	wg.Wait()
	if told.Load() != 1 {
		t.Errorf("%d gateways tell it", told.Load())
	}
}
