package plantain_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/plantainhq/plantain"
)

func TestAClockGoesByTheOneThatCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lead := 3 * time.Second
		c := plantain.Clock{Shift: time.Hour, Lead: func() time.Duration { return lead }}
		if got, want := c.Now(), time.Now().Add(time.Hour+3*time.Second); !got.Equal(want) {
			t.Errorf("it is %v, want %v", got, want)
		}
		lead = -time.Second // this machine's clock was set
		if got, want := c.Now(), time.Now().Add(time.Hour-time.Second); !got.Equal(want) {
			t.Errorf("it is %v, want %v", got, want)
		}
	})
}
