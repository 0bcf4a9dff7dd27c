package main

import (
	"github.com/plantainhq/plantain/config"
)

// idle names what is set and has no effect in this version, so that nobody relies
// on it: what it is for is not built yet.
func idle(c *config.Config) []string {
	d := config.Default()
	var names []string
	add := func(set bool, name string) {
		if set {
			names = append(names, name)
		}
	}
	add(c.Retention.Signatures != d.Retention.Signatures, "retention.signatures")
	return names
}
