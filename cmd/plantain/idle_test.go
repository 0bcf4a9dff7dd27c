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
	c.Projects = []config.Project{{Name: "a", Weight: 1}}
	if got := idle(&c); len(got) != 0 {
		t.Errorf("the defaults are named: %v", got)
	}
	c.Retention.Images = time.Hour
	c.Projects[0].Weight = 3
	if got := idle(&c); !slices.Equal(got, []string{"retention", "weight of project a"}) {
		t.Errorf("got %v", got)
	}
}
