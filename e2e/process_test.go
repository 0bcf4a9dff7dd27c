package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is one running plantain command.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	URL  string
	dir  string // its working folder
	done chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

var listening = regexp.MustCompile(`listens on (http://[0-9.:\[\]]+)`)

// environment is that of a command whose home is a folder, with more of it.
func environment(home string, more []string) []string {
	return slices.Concat([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, trusting, more)
}

// start runs a command in a folder and waits until it says where it listens.
func start(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	aDayAhead(t)
	p := &process{t: t, cmd: exec.Command(binary, args...), dir: dir, done: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Env = environment(dir, env)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.mu.Lock()
			fmt.Fprintln(&p.log, lines.Text())
			p.mu.Unlock()
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case found <- m[1]:
				default:
				}
			}
		}
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of plantain %s:\n%s", args[0], p.output())
		}
	})
	select {
	case p.URL = <-found:
	case <-p.done:
		t.Fatalf("plantain %s ended: %s", strings.Join(args, " "), p.output())
	case <-time.After(time.Minute):
		t.Fatalf("plantain %s does not listen: %s", strings.Join(args, " "), p.output())
	}
	return p
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the process as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// interrupt asks the process to end in order, and waits for it.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(60 * time.Second):
		p.t.Fatal("the process does not end")
	}
}

// A google is a running simulator, with HTTPS in front of it.
type google struct{ *process }

func startSim(t *testing.T, args ...string) *google {
	t.Helper()
	g := &google{start(t, t.TempDir(), nil, append([]string{"sim", "--listen", "127.0.0.1:0"}, args...)...)}
	g.URL = secured(t, strings.TrimPrefix(g.URL, "http://"))
	return g
}

// fault plants what goes wrong next, as one object of POST /sim/faults.
func (g *google) fault(fault map[string]any) {
	g.t.Helper()
	body, err := json.Marshal(fault)
	if err != nil {
		g.t.Fatal(err)
	}
	res, err := http.Post(g.URL+"/sim/faults", "application/json", bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		text, _ := io.ReadAll(res.Body)
		g.t.Fatalf("plant %s: %s %s", body, res.Status, text)
	}
}

// arrival is one entry of GET /sim/requests.
type arrival struct {
	Project string
	Model   string
	Method  string
	Path    string
	Status  int
	Fault   string
	Prompt  string
	Charged int64 `json:"charged_nanodollars"`
}

// arrivals gives the calls of a kind that reached the simulator: those whose
// path ends in verb.
func (g *google) arrivals(verb string) []arrival {
	g.t.Helper()
	var all []arrival
	g.get("/sim/requests", &all)
	var out []arrival
	for _, a := range all {
		if strings.HasSuffix(a.Path, verb) {
			out = append(out, a)
		}
	}
	return out
}

func (g *google) billed() int64 {
	g.t.Helper()
	var bill struct {
		Total int64 `json:"total_nanodollars"`
	}
	g.get("/sim/bill", &bill)
	return bill.Total
}

// get reads JSON from a process.
func (p *process) get(path string, into any) {
	p.t.Helper()
	if err := json.Unmarshal(p.ask(http.MethodGet, path, "").body, into); err != nil {
		p.t.Fatalf("GET %s: %v", path, err)
	}
}

// startGateway runs serve over projects with the given keys, with more lines of
// configuration.
func startGateway(t *testing.T, upstream string, keys []string, more ...string) *process {
	t.Helper()
	dir := t.TempDir()
	writeConfig(t, dir, upstream, keys, more...)
	return start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
}

func writeConfig(t *testing.T, dir, upstream string, keys []string, more ...string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("projects:\n")
	for i, key := range keys {
		name := string(rune('a' + i%26))
		if i >= 26 {
			name += fmt.Sprint(i / 26)
		}
		fmt.Fprintf(&b, "  - {name: %s, api_key: %q, tier: %d, base_url: %q}\n", name, key, tierOf(key), upstream)
	}
	for _, line := range more {
		b.WriteString(line + "\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "plantain.yaml"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tierOf reads the tier from a key of the simulator, "sim-2-NAME".
func tierOf(key string) int {
	if len(key) > 4 && key[4] >= '1' && key[4] <= '3' {
		return int(key[4] - '0')
	}
	return 1
}

const prompt = `{"contents":[{"role":"user","parts":[{"text":"A red apple on a white background"}]}]}`

// An answer is what a client got.
type answer struct {
	*http.Response
	body []byte
}

// generate asks a model for a picture.
func (p *process) generate(model, body string, header ...string) answer {
	p.t.Helper()
	return p.ask(http.MethodPost, "/v1beta/models/"+model+":generateContent", body, header...)
}

// ask sends a body, of JSON unless a header says otherwise, as a plain HTTP client.
// Headers come by name and value.
func (p *process) ask(method, path, body string, header ...string) answer {
	p.t.Helper()
	a, err := p.send(context.Background(), method, path, body, header...)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// try is generate for what may fail.
func (p *process) try(ctx context.Context, model, body string, header ...string) (answer, error) {
	return p.send(ctx, http.MethodPost, "/v1beta/models/"+model+":generateContent", body, header...)
}

func (p *process) send(ctx context.Context, method, path, body string, header ...string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.URL+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res, b}, err
}

// run runs a command to its end and gives what it printed.
func run(t *testing.T, dir string, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	cmd.Env = environment(dir, env)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
