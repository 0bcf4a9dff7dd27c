// Command bench measures the gateway beside Go's own reverse proxy and no proxy
// at all, in one run: every contender is a process of its own, slots of the same
// length alternate (A B C C B A), and what is reported are ratios. The machine is
// shared, so absolute figures mean little.
//
// ReverseProxy and the gateway each reach the upstream as they do by themselves: where it
// offers HTTP/2, the first takes it and the second does not.
//
// The upstream sends the same bytes every time, so that what is measured is the
// proxy and not the making of pictures.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "upstream":
			upstream(os.Args[2])
			return
		case "reverseproxy":
			reverseProxy(os.Args[2])
			return
		}
	}
	slot := flag.Duration("slot", 3*time.Second, "length of one slot")
	out := flag.String("json", "", "where to write the figures as JSON; empty: bench.json, or bench-UPSTREAM.json")
	binary := flag.String("plantain", "", "the binary to measure; empty: build it")
	protocol := flag.String("upstream", "http", "how the upstream is reached: http, https, or h2 (https that offers HTTP/2 as well, as Google does)")
	memoryOnly := flag.Bool("memory", false, "measure memory only")
	flag.Parse()
	if !slices.Contains(protocols, *protocol) {
		fmt.Fprintln(os.Stderr, "bench: -upstream must be one of", strings.Join(protocols, ", "))
		os.Exit(2)
	}
	if *out == "" {
		*out = "bench" + strings.TrimSuffix("-"+*protocol, "-http") + ".json"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *slot, *out, *binary, *protocol, *memoryOnly)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A report is everything that was measured.
type report struct {
	Throughput []throughput `json:"throughput"`
	Latency    []latency    `json:"latency"`
	Memory     []memory     `json:"memory"`
	Gallery    []gallery    `json:"gallery"`
	Healing    healing      `json:"healing"`
}

func run(ctx context.Context, slot time.Duration, out, binary, protocol string, memoryOnly bool) error {
	dir, err := os.MkdirTemp("", "plantain-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binary == "" {
		binary = filepath.Join(dir, "plantain")
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/plantain")
		build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0") // static, as it is deployed
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build plantain: %w", err)
		}
	}
	b := &bench{ctx: ctx, dir: dir, binary: binary, protocol: protocol, slot: slot}
	defer b.close()
	if err := b.start(); err != nil {
		return err
	}
	var r report
	if !memoryOnly {
		if _, err := b.throughput(small, 8); err != nil { // to warm up: all of them begin with empty heaps and caches
			return err
		}
		if r.Throughput, err = b.throughputs(); err != nil {
			return err
		}
		if r.Latency, err = b.latencies(r.Throughput); err != nil {
			return err
		}
	}
	if r.Memory, err = b.memories(); err != nil {
		return err
	}
	healed := memory{What: "8 requests of 25 MB that are healed to 50, in flight", Most: 250}
	if r.Healing, healed.Peak, err = b.heal(); err != nil {
		return err
	}
	r.Memory = append(r.Memory, healed)
	if !memoryOnly {
		if r.Gallery, err = b.galleries(); err != nil {
			return err
		}
	}
	r.print(os.Stdout)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644)
}
