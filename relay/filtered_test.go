package relay

import (
	"fmt"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
)

func TestWhatIsRememberedOfAClientIsBounded(t *testing.T) {
	t.Parallel()
	var fs filters
	begun := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	one := func(c plantain.ClientName, n int) Filtered {
		return Filtered{Client: c, Digest: [32]byte{byte(n), byte(n >> 8)}, Length: int64(n % 7), At: begun.Add(time.Duration(n) * time.Second)}
	}
	fs.put(one("bob", 0))
	for n := range mostFiltered {
		if _, tooMany := fs.put(one("alice", n)); tooMany {
			t.Fatalf("%d are too many", n+1)
		}
	}
	for n := range 3 {
		if oldest, tooMany := fs.put(one("alice", mostFiltered+n)); !tooMany || oldest.At != one("alice", n).At {
			t.Errorf("the oldest that goes is %v, %t", oldest.At, tooMany)
		}
	}
	left := map[string]int{}
	for k, like := range fs.known {
		left[string(k.client)] += len(like)
	}
	if got := fmt.Sprint(left); got != fmt.Sprintf("map[alice:%d bob:1]", mostFiltered) {
		t.Errorf("left is %s", got)
	}
}
