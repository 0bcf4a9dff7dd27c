package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// tell adds one attempt of a cent in each of some instants and gives the lines.
func tell(q Query, at ...string) (lines []string) {
	tally := NewTally(q)
	for _, s := range at {
		instant, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic(err)
		}
		tally.Add(Group{From: instant.Truncate(Quarter)}, Sums{Attempts: 1, Cost: plantain.Exactly(plantain.Dollar / 100)})
	}
	for _, r := range tally.Report().Rows {
		lines = append(lines, fmt.Sprintf("%s %d", r.Hour+r.Day, r.Attempts))
	}
	return lines
}

func TestADayEndsAtTheMidnightOfItsZone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone string
		by   Dimension
		at   []string
		want string
	}{
		"the evening of one zone is the morning of another": {"Asia/Tokyo", ByDay,
			[]string{"2026-11-24T14:59:59Z", "2026-11-24T15:00:00Z", "2026-11-25T01:00:00Z"}, "2026-11-24 1, 2026-11-25 2"},
		"Pacific": {"America/Los_Angeles", ByDay,
			[]string{"2026-11-24T07:59:00Z", "2026-11-24T08:00:00Z"}, "2026-11-23 1, 2026-11-24 1"},
		"a zone of three quarters of an hour": {"Asia/Kathmandu", ByDay,
			[]string{"2026-11-24T18:14:00Z", "2026-11-24T18:15:00Z"}, "2026-11-24 1, 2026-11-25 1"},
		"its hours": {"Asia/Kathmandu", ByHour,
			[]string{"2026-11-24T18:14:00Z", "2026-11-24T18:15:00Z", "2026-11-24T19:14:00Z"}, "2026-11-24T23:00+05:45 1, 2026-11-25T00:00+05:45 2"},
		"the day on which an hour comes twice has both": {"Europe/Berlin", ByHour,
			[]string{"2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T00:45:00Z"}, "2026-10-25T02:00+02:00 2, 2026-10-25T02:00+01:00 1"},
		"and is one day": {"Europe/Berlin", ByDay,
			[]string{"2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z", "2026-10-25T23:00:00Z"}, "2026-10-25 2, 2026-10-26 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(tell(Query{By: []Dimension{c.by}, Zone: zone(t, c.zone)}, c.at...), ", "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAQueryThatMakesNoSenseSaysWhy(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for want, q := range map[string]Query{
		`spend can't be told by "colour"; use project, client, model, size, verdict, hour, day`: {By: []Dimension{"colour"}, Since: now, Until: now.Add(1)},
		`"model" stands twice`: {By: []Dimension{ByModel, ByModel}, Since: now, Until: now.Add(1)},
		`an hour is in a day`:  {By: []Dimension{ByHour, ByDay}, Since: now, Until: now.Add(1)},
		`is empty`:             {Since: now, Until: now},
	} {
		if err := q.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestAThresholdIsPassedByWhatWasSpentForCertain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, zone(t, "Europe/Berlin"))
	thresholds := map[Period][]plantain.Nanodollars{Day: {10 * plantain.Dollar, 20 * plantain.Dollar}, Month: {10 * plantain.Dollar}}
	for _, c := range []struct {
		period    Period
		low, high plantain.Nanodollars
		want      string
	}{
		{Day, 10*plantain.Dollar - 1, 99 * plantain.Dollar, ""},
		{Day, 10 * plantain.Dollar, 10 * plantain.Dollar, "spend-day-2026-11-24-10.000 Plantain: $10.000 spent on 2026-11-24, which passes $10.000"},
		{Day, 30 * plantain.Dollar, 31 * plantain.Dollar, "spend-day-2026-11-24-10.000 Plantain: $30.000 spent on 2026-11-24, which passes $10.000; 1 attempts of unknown charge may add $1.000, " +
			"spend-day-2026-11-24-20.000 Plantain: $30.000 spent on 2026-11-24, which passes $20.000; 1 attempts of unknown charge may add $1.000"},
		{Month, 10 * plantain.Dollar, 10 * plantain.Dollar, "spend-month-2026-11-01-10.000 Plantain: $10.000 spent in November 2026, which passes $10.000"},
	} {
		tally := NewTally(c.period.Query(now))
		s := Sums{Cost: plantain.Cost{Low: c.low, High: c.high}, Unknown: c.high - c.low}
		if s.Unknown > 0 {
			s.Unsure = 1
		}
		tally.Add(Group{}, s)
		var got []string
		for _, a := range Passed(thresholds[c.period], c.period, tally.Report()) {
			got = append(got, a.ID+" "+a.Text)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s %s-%s:\ngot  %s\nwant %s", c.period, c.low, c.high, s, c.want)
		}
	}
}
