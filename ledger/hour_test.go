package ledger

import (
	"reflect"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
)

func TestAnHourTellsHowManyWereRefusedAndHowLongImagesTook(t *testing.T) {
	t.Parallel()
	var hs Hours
	local := time.FixedZone("somewhere", 2*3600)
	for i := range 100 {
		hs.Add("nb2", time.Date(2026, 11, 1+i%14, 14, i%60, 0, 0, local), plantain.Success, time.Duration(100-i)*time.Second)
	}
	for _, c := range []plantain.Class{plantain.Capacity, plantain.ServerError, plantain.RateMinute, plantain.Unanswered} {
		hs.Add("nb2", time.Date(2026, 11, 3, 12, 59, 59, 0, time.UTC), c, time.Hour)
	}
	hs.Add("nb2", time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC), plantain.Capacity, time.Second)
	hs.Add("nb2", time.Date(2026, 11, 3, 23, 59, 0, 0, time.UTC), plantain.Success, time.Second)
	got, want := hs.List(), []Hour{
		{Model: "nb2", Hour: 0, Attempts: 1, Refused: 1},
		{Model: "nb2", Hour: 12, Attempts: 104, Refused: 2, Made: 100, MedianSeconds: 50, P95Seconds: 95},
		{Model: "nb2", Hour: 23, Attempts: 1, Made: 1, MedianSeconds: 1, P95Seconds: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
