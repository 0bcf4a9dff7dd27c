package gemini

import (
	"testing"
	"time"
)

func TestTheBusiestHoursAreToldToTheMinute(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("UTC+9", 9*60*60)
	for _, c := range []struct {
		at    string
		busy  bool
		until string
	}{
		{"2026-11-24T00:00:00Z", false, "2026-11-24T10:00:00Z"},
		{"2026-11-24T09:59:59Z", false, "2026-11-24T10:00:00Z"},
		{"2026-11-24T10:00:00Z", true, "2026-11-24T14:00:00Z"},
		{"2026-11-24T13:59:59Z", true, "2026-11-24T14:00:00Z"},
		{"2026-11-24T14:00:00Z", false, "2026-11-25T10:00:00Z"},
		{"2026-12-31T23:00:00Z", false, "2027-01-01T10:00:00Z"},
	} {
		at, _ := time.Parse(time.RFC3339, c.at)
		want, _ := time.Parse(time.RFC3339, c.until)
		for _, at := range []time.Time{at, at.In(zone)} {
			if busy, until := Busiest(at); busy != c.busy || !until.Equal(want) {
				t.Errorf("%s: %t until %s, want %t until %s", at, busy, until, c.busy, want)
			}
		}
	}
}
