package pool

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

var (
	noon   = time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC) // noon Pacific
	tier1  = Limits{plantain.LimitRPM: 10, plantain.LimitIPM: 10, plantain.LimitRPD: 1000}
	one    = Amount{Requests: 1, Images: 1}
	oneMin = time.Minute
)

func pacificTime(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, gemini.Pacific)
	if err != nil {
		panic(err)
	}
	return t
}

// send puts one attempt through a state: reserved at open, sent at sent.
func send(s *State, id string, open, sent time.Time) {
	s.Reserve(open, plantain.AttemptID(id), open.Add(5*time.Minute), one)
	s.Settle(sent, plantain.AttemptID(id), sent, one)
}

func TestRoomReturnsAMinuteAfterTheLastByteLeft(t *testing.T) {
	t.Parallel()
	var s State
	for i := range 10 {
		s.Reserve(noon, plantain.AttemptID(fmt.Sprint(i)), noon.Add(5*time.Minute), one)
	}
	for i := range 10 {
		// The answer took 40 s; the request had left after one.
		s.Settle(noon.Add(40*time.Second), plantain.AttemptID(fmt.Sprint(i)), noon.Add(time.Second), one)
	}
	at, limit, never := s.Room(noon.Add(41*time.Second), one, tier1)
	if want := noon.Add(time.Second + oneMin + Margin); !at.Equal(want) || limit == "" || never {
		t.Errorf("room at %v for %s, want %v", at, limit, want)
	}
	if at, _, _ := s.Room(at, one, tier1); !at.Equal(noon.Add(time.Second + oneMin + Margin)) {
		t.Errorf("no room at the instant that was promised, but at %v", at)
	}
}

func TestAnAttemptThatIsOutHoldsItsRoom(t *testing.T) {
	t.Parallel()
	var s State
	for i := range 10 {
		s.Reserve(noon, plantain.AttemptID(fmt.Sprint(i)), noon.Add(5*time.Minute), one)
	}
	late := noon.Add(2 * time.Minute)
	if n := s.Used(plantain.LimitRPM, late); n != 10 {
		t.Errorf("%d in use while they are out, want 10", n)
	}
	// Nobody settled them: each may have been sent at any moment until its deadline.
	if n := s.Used(plantain.LimitRPM, noon.Add(6*time.Minute)); n != 10 {
		t.Errorf("%d in use a minute after the deadline of attempts that nobody settled, want 10", n)
	}
	if n := s.Used(plantain.LimitRPM, noon.Add(6*time.Minute+Margin)); n != 0 {
		t.Errorf("%d in use when the last of them no longer counts, want 0", n)
	}
	if n := s.Used(plantain.LimitRPD, noon.Add(5*time.Minute)); n != 10 {
		t.Errorf("the day counts %d, want 10: what may have been sent stays in it", n)
	}
	send(&s, "next", noon.Add(6*time.Minute), noon.Add(6*time.Minute))
	if n := s.Used(plantain.LimitRPD, noon.Add(6*time.Minute)); n != 11 {
		t.Errorf("the day counts %d, want 11: what may have been sent stays in it", n)
	}
}

func TestWhatNobodySettledComesBackInItsTime(t *testing.T) {
	t.Parallel()
	var s State
	s.Reserve(noon, "a", noon.Add(5*time.Minute), Amount{Spend: 10})
	spend := Limits{plantain.LimitSpend: 10}
	at, limit, _ := s.Room(noon.Add(6*time.Minute), Amount{Spend: 1}, spend)
	if want := noon.Add(5*time.Minute + 10*time.Minute + Margin); !at.Equal(want) || limit != plantain.LimitSpend {
		t.Errorf("room at %v for %s, want %v", at, limit, want)
	}
}

func TestTheDayEndsAtMidnightPacificInBothChangesOfTheClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now   string
		hours float64
	}{
		"an ordinary day": {"2026-11-24 00:00:00", 24},
		"spring forward":  {"2026-03-08 00:00:00", 23},
		"fall back":       {"2026-11-01 00:00:00", 25},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := pacificTime(c.now)
			if got := gemini.Midnight(now).Sub(now).Hours(); got != c.hours {
				t.Errorf("the day has %v hours, want %v", got, c.hours)
			}
			var s State
			limits := Limits{plantain.LimitRPD: 1}
			send(&s, "a", now.Add(time.Hour), now.Add(time.Hour))
			at, limit, _ := s.Room(now.Add(2*time.Hour), one, limits)
			if want := gemini.Midnight(now).Add(Margin); !at.Equal(want) || limit != plantain.LimitRPD {
				t.Errorf("room at %v by %s, want %v", at, limit, want)
			}
			if at, _, _ := s.Room(gemini.Midnight(now).Add(Margin), one, limits); at.After(gemini.Midnight(now).Add(Margin)) {
				t.Errorf("no room after midnight, but at %v", at)
			}
		})
	}
}

func TestAnAttemptThatIsOutAtMidnightCountsInBothDays(t *testing.T) {
	t.Parallel()
	midnight := pacificTime("2026-11-25 00:00:00")
	var s State
	s.Reserve(midnight.Add(-time.Second), "a", midnight.Add(time.Minute), one)
	for _, at := range []time.Time{midnight.Add(-time.Millisecond), midnight.Add(time.Second)} {
		if n := s.Used(plantain.LimitRPD, at); n != 1 {
			t.Errorf("at %v the day counts %d, want 1", at, n)
		}
	}
	s.Settle(midnight.Add(10*time.Second), "a", midnight.Add(-100*time.Millisecond), one)
	if n := s.Used(plantain.LimitRPD, midnight.Add(20*time.Second)); n != 1 {
		t.Errorf("sent within the margin of midnight, the new day counts %d, want 1", n)
	}
}

func TestALimitOfZeroNeverHasRoom(t *testing.T) {
	t.Parallel()
	var s State
	if _, limit, never := s.Room(noon, one, Limits{plantain.LimitRPD: 0}); !never || limit != plantain.LimitRPD {
		t.Errorf("never %v by %s", never, limit)
	}
}

func TestAStateStaysSmallHoweverLargeTheLimit(t *testing.T) {
	t.Parallel()
	var s State
	for i := range 20_000 {
		at := noon.Add(time.Duration(i) * 3 * time.Millisecond)
		send(&s, fmt.Sprint(i), at, at)
	}
	if n := len(s.Ticks); n > 600 {
		t.Errorf("%d ticks", n)
	}
	if n := s.Used(plantain.LimitRPM, noon.Add(time.Minute)); n != 20_000 {
		t.Errorf("%d in use, want 20000", n)
	}
}

func TestAStateComesBackFromJSON(t *testing.T) {
	t.Parallel()
	var s State
	for i := range 5 {
		at := noon.Add(time.Duration(i) * time.Second)
		s.Reserve(at, plantain.AttemptID(fmt.Sprint(i)), at.Add(time.Minute), Amount{Requests: 1, Images: 2, Tokens: 30, Spend: 4})
		if i < 3 {
			s.Settle(at, plantain.AttemptID(fmt.Sprint(i)), at, Amount{Requests: 1, Images: 2, Tokens: 30, Spend: 4})
		}
	}
	s.Parks(Parking{Reason: plantain.RateDay, Since: noon, Until: noon.Add(time.Hour), Why: "full"})
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, s) {
		t.Errorf("%v: %s comes back as\n%+v, want\n%+v", err, text, back, s)
	}
}

func TestWhatAVerdictParks(t *testing.T) {
	t.Parallel()
	backOff := 4 * time.Second
	midnight := gemini.Midnight(noon).Add(Margin)
	for class, c := range map[plantain.Class]struct {
		verdict plantain.Verdict
		scope   Scope
		until   time.Time // zero: not by itself
	}{
		plantain.QuotaUnknown: {plantain.Verdict{}, ScopeModel, noon.Add(backOff)},
		plantain.RateMinute:   {plantain.Verdict{Wait: 17 * time.Second}, ScopeModel, noon.Add(17*time.Second + Margin)},
		plantain.RateDay:      {plantain.Verdict{Stated: 36 * time.Second}, ScopeModel, midnight},
		plantain.QuotaZero:    {plantain.Verdict{}, ScopeModel, time.Time{}},
		plantain.Billing:      {plantain.Verdict{}, ScopeProject, time.Time{}},
		plantain.KeyInvalid:   {plantain.Verdict{}, ScopeProject, time.Time{}},
		plantain.Permission:   {plantain.Verdict{}, ScopeProject, time.Time{}},
		plantain.Region:       {plantain.Verdict{}, ScopeUpstream, time.Time{}},
		plantain.Capacity:     {plantain.Verdict{}, ScopeNone, time.Time{}},
		plantain.ServerError:  {plantain.Verdict{}, ScopeNone, time.Time{}},
		plantain.SafetyImage:  {plantain.Verdict{}, ScopeNone, time.Time{}},
		plantain.BadRequest:   {plantain.Verdict{}, ScopeNone, time.Time{}},
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			c.verdict.Class = class
			scope, p := After(c.verdict, noon, backOff)
			if scope != c.scope || !p.Until.Equal(c.until) {
				t.Errorf("parks %q until %v, want %q until %v", scope, p.Until, c.scope, c.until)
			}
		})
	}
}

func TestADayQuotaWithAShortDelayGetsOneProbe(t *testing.T) {
	t.Parallel()
	var s State
	_, p := After(plantain.Verdict{Class: plantain.RateDay, Stated: 36 * time.Second}, noon, time.Second)
	s.Parks(p)
	probe := noon.Add(36*time.Second + Margin)
	if at, _ := s.Park.Ends(noon, ""); !at.Equal(probe) {
		t.Fatalf("the probe is at %v, want %v", at, probe)
	}
	s.Reserve(probe, "a", probe.Add(time.Minute), one)
	if at, _ := s.Park.Ends(probe, ""); !at.Equal(gemini.Midnight(noon).Add(Margin)) {
		t.Errorf("after the probe it ends at %v", at)
	}
	_, again := After(plantain.Verdict{Class: plantain.RateDay, Stated: 36 * time.Second}, probe.Add(time.Second), time.Second)
	s.Parks(again)
	if at, _ := s.Park.Ends(probe.Add(time.Hour), ""); !at.Equal(gemini.Midnight(noon).Add(Margin)) {
		t.Errorf("a second probe was granted, at %v", at)
	}
}

func TestAParkingThatOnlyAChangeEndsEndsWithTheConfiguration(t *testing.T) {
	t.Parallel()
	p := Parking{Reason: plantain.KeyInvalid, Since: noon, Under: "old key"}
	if _, forever := p.Ends(noon, "old key"); !forever {
		t.Error("it ended by itself")
	}
	if at, forever := p.Ends(noon, "new key"); forever || at.After(noon) {
		t.Error("it outlived the key it was about")
	}
}

func TestAShortParkingDoesNotEndALongOne(t *testing.T) {
	t.Parallel()
	var s State
	s.Parks(Parking{Reason: plantain.RateDay, Until: noon.Add(5 * time.Hour)})
	s.Parks(Parking{Reason: plantain.RateMinute, Until: noon.Add(time.Minute)})
	if s.Park.Reason != plantain.RateDay {
		t.Errorf("parked for %s", s.Park.Reason)
	}
	s.Parks(Parking{Reason: plantain.QuotaZero})
	if s.Park.Reason != plantain.QuotaZero {
		t.Errorf("parked for %s", s.Park.Reason)
	}
}
