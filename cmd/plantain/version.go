package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Run never fails; kong wants the error.
func (versionCmd) Run(w *world) error { //nolint:unparam // the signature of a command
	v := buildFacts()
	if w.output == "json" {
		w.json(v)
		return nil
	}
	fmt.Fprintf(w.stdout, "plantain %s (%s, %s)\n", v["version"], v["go"], v["platform"])
	if v["revision"] != "" {
		fmt.Fprintf(w.stdout, "revision %s of %s\n", v["revision"], v["time"])
	}
	return nil
}

// buildFacts are what this binary was built from.
func buildFacts() map[string]string {
	v := map[string]string{"version": "devel", "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v["version"] = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v["revision"] = s.Value
		case "vcs.time":
			v["time"] = s.Value
		case "vcs.modified":
			v["modified"] = s.Value
		}
	}
	return v
}
