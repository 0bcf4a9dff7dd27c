package plantain_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
)

func TestMoneyIsPrintedExactly(t *testing.T) {
	t.Parallel()
	for n, want := range map[plantain.Nanodollars]string{
		0: "$0.000", 67_200_000: "$0.0672", 1: "$0.000000001", plantain.Dollar: "$1.000", -1_500_000_000: "$-1.500", 240_000_000: "$0.240",
	} {
		if got := n.String(); got != want {
			t.Errorf("%d is printed as %s, want %s", int64(n), got, want)
		}
	}
}

func TestASecretCannotPrintItself(t *testing.T) {
	t.Parallel()
	s := plantain.NewSecret("hunter2")
	asJSON, err := json.Marshal(map[string]any{"key": s})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", s)
	holder := struct{ Key plantain.Secret }{s}
	for _, printed := range []string{
		s.String(), fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%+v %#v", holder, holder),
		fmt.Sprintf("%v", &holder), string(asJSON), log.String(), fmt.Errorf("wrapped: %v", s).Error(),
	} {
		if strings.Contains(printed, "hunter2") || strings.Contains(printed, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("the secret is in %q", printed)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("the secret is lost")
	}
}

func TestVerdictWordsComeBackFromJSON(t *testing.T) {
	t.Parallel()
	type words struct {
		Class   plantain.Class
		Charged plantain.Charged
	}
	for want, text := range map[words]string{
		{}:                                      `{"Class":"unclassifiable","Charged":"unknown"}`,
		{plantain.RateDay, plantain.ChargedNo}:  `{"Class":"rate_day","Charged":false}`,
		{plantain.Success, plantain.ChargedYes}: `{"Class":"success","Charged":true}`,
	} {
		got, err := json.Marshal(want)
		if err != nil || string(got) != text {
			t.Errorf("%+v is %s (%v), want %s", want, got, err, text)
		}
		var back words
		if err := json.Unmarshal(got, &back); err != nil || back != want {
			t.Errorf("%s comes back as %+v (%v)", got, back, err)
		}
	}
}
