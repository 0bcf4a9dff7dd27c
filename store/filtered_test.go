package store

import (
	"reflect"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/relay"
)

func TestWhatWasFilteredComesBackUntilItExpires(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s, ctx := reopen(), t.Context()
		f := relay.Filtered{
			Client: "alice", Model: "nb2", Digest: [32]byte{1, 2, 0xff}, Length: 20_000_000,
			Verdict: plantain.Verdict{Class: plantain.SafetyImage, Explanation: "“gefiltert”\n", Fix: "Change it."}, Finish: "IMAGE_SAFETY", Status: 200,
			Request: "r-1", Times: 1, Cost: plantain.Cost{Low: 0, High: 67_123_456}, At: now, Expires: now.Add(time.Hour),
		}
		remembered := func(at time.Time) []relay.Filtered {
			all, err := reopen().Filtered(ctx, at)
			if err != nil {
				t.Fatal(err)
			}
			for i := range all {
				all[i].At, all[i].Expires = all[i].At.UTC(), all[i].Expires.UTC()
			}
			return all
		}
		keep := func(f relay.Filtered) {
			if err := s.KeepFiltered(ctx, f); err != nil {
				t.Fatal(err)
			}
		}
		keep(f)
		f.Times, f.Request = 2, "r-2" // the same once more
		keep(f)
		if got := remembered(now); !reflect.DeepEqual(got, []relay.Filtered{f}) {
			t.Errorf("got %+v\nwant %+v", got, f)
		}
		if got := remembered(f.Expires); len(got) != 0 {
			t.Errorf("after its time there is %+v", got)
		}
		s = reopen()
		other := f
		other.Client, other.At, other.Expires = "bob", f.Expires, now.Add(2*time.Hour)
		keep(other) // which drops what expired
		if got := remembered(now); len(got) != 1 || got[0].Client != "bob" {
			t.Errorf("kept is %+v", got)
		}
		s = reopen()
		if err := s.ForgetFiltered(ctx, other); err != nil || len(remembered(now)) != 0 {
			t.Errorf("%v: still there", err)
		}
	})
}
