package gateway

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestATimeIsReadAsPeopleMeanIt(t *testing.T) {
	t.Parallel()
	// In Berlin it is 00:30 on Tuesday, two days after an hour came twice.
	now := time.Date(2026, 10, 26, 23, 30, 0, 0, time.UTC)
	for asked, want := range map[string]string{
		"":                                  "2026-10-27T00:00:00+01:00 2026-10-28T00:00:00+01:00, 2026-10-01T00:00:00+02:00 2026-10-28T00:00:00+01:00",
		"since=1d":                          "2026-10-27T00:00:00+01:00 2026-10-28T00:00:00+01:00",
		"since=7d":                          "2026-10-21T00:00:00+02:00 2026-10-28T00:00:00+01:00",
		"since=12h":                         "2026-10-26T12:30:00+01:00 2026-10-28T00:00:00+01:00",
		"since=2026-10-25&until=2026-10-25": "2026-10-25T00:00:00+02:00 2026-10-26T00:00:00+01:00",
		"since=2026-10-25&until=2026-10-25T01:00:00Z": "2026-10-25T00:00:00+02:00 2026-10-25T02:00:00+01:00",
		"zone=UTC&since=1d":                           "2026-10-26T00:00:00Z 2026-10-27T00:00:00Z",
		"zone=%2B05:30&since=1d":                      "2026-10-27T00:00:00+05:30 2026-10-28T00:00:00+05:30",
	} {
		v, err := url.ParseQuery(asked)
		if err != nil {
			t.Fatal(err)
		}
		if !v.Has("zone") {
			v.Set("zone", "Europe/Berlin")
		}
		queries, err := SpendQueries(v, now)
		if err != nil {
			t.Fatalf("%s: %v", asked, err)
		}
		var got []string
		for _, q := range queries {
			got = append(got, q.Since.In(q.Zone).Format(time.RFC3339)+" "+q.Until.In(q.Zone).Format(time.RFC3339))
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q:\ngot  %s\nwant %s", asked, s, want)
		}
	}
}
