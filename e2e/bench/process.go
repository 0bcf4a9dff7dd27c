package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench holds the processes of a run.
type bench struct {
	ctx      context.Context
	dir      string
	binary   string
	protocol string
	slot     time.Duration

	upstream, proxy, gateway *process
	gallery                  *process // a gateway that keeps pictures and signatures
	gateways                 int
}

// A process is a contender, or the upstream.
type process struct {
	name string
	cmd  *exec.Cmd
	url  string
}

func (b *bench) start() (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := b.trust(); err != nil {
		return err
	}
	if b.upstream, err = b.spawn("upstream", b.dir, self, "upstream", b.protocol); err != nil {
		return err
	}
	if b.proxy, err = b.spawn("ReverseProxy", b.dir, self, "reverseproxy", b.upstream.url); err != nil {
		return err
	}
	if b.gateway, err = b.newGateway("images: 0, signatures: 0"); err != nil {
		return err
	}
	b.gallery, err = b.newGateway("images: 30d, images_max: 1GB, signatures_max: 1GB")
	return err
}

// trust has everybody trust the upstream's certificate, which every [httptest.Server] has.
func (b *bench) trust() error {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	file := filepath.Join(b.dir, "upstream.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}
	return errors.Join(os.WriteFile(file, pem.EncodeToMemory(block), 0o600), os.Setenv("SSL_CERT_FILE", file))
}

// newGateway starts a gateway with empty books, limits that never bind, and what it
// keeps.
func (b *bench) newGateway(retention string) (*process, error) {
	b.gateways++
	dir := filepath.Join(b.dir, fmt.Sprintf("gateway-%d", b.gateways))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	const tier = "{rpm: 100000000, ipm: 100000000, rpd: 1000000000, tpm: 1000000000000, ten_minute_dollars: 999999}"
	config := fmt.Sprintf("projects:\n  - {name: a, api_key: k, tier: 1, base_url: %q}\nretention: {%s}\ncatalogue: {tiers: {1: %s}}\n", b.upstream.url, retention, tier)
	if err := os.WriteFile(filepath.Join(dir, "plantain.yaml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	return b.spawn("gateway", dir, b.binary, "serve", "--listen", "127.0.0.1:0", "--log-level", "warn")
}

func (b *bench) close() {
	for _, p := range []*process{b.gallery, b.gateway, b.proxy, b.upstream} {
		p.stop()
	}
}

var listens = regexp.MustCompile(`listens on (https?://\S+)`)

// spawn starts a process and waits until it says where it listens.
func (b *bench) spawn(name, dir, command string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.CommandContext(b.ctx, command, args...)}
	p.cmd.Dir = dir
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stderr)
	var seen bytes.Buffer
	for lines.Scan() {
		if m := listens.FindStringSubmatch(lines.Text()); m != nil {
			p.url = m[1]
			go func() {
				for lines.Scan() { // the log of a contender must not fill its pipe
					fmt.Fprintln(os.Stderr, name+":", lines.Text())
				}
			}()
			return p, nil
		}
		fmt.Fprintln(&seen, lines.Text())
	}
	return nil, fmt.Errorf("%s ended at once: %w\n%s", name, p.cmd.Wait(), &seen)
}

func (p *process) stop() {
	if p == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-done
	}
}

// cpu is the processor time that a process has used.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil
}

// peak is the largest resident memory that a process ever had, in bytes.
func (p *process) peak() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM of process %d", p.cmd.Process.Pid)
}
