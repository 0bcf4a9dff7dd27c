package main

import (
	"slices"
	"testing"
	"time"

	"github.com/plantainhq/plantain/config"
)

func TestASettingWithoutEffectIsNamed(t *testing.T) {
	t.Parallel()
	c := config.Default()
	if got := idle(&c); len(got) != 0 {
		t.Errorf("the defaults are named: %v", got)
	}
	c.Retention.Signatures = time.Hour
	if got := idle(&c); !slices.Equal(got, []string{"retention.signatures"}) {
		t.Errorf("got %v", got)
	}
}
