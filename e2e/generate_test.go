package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// jpegAnswer is a success with a picture of eight bytes, the head of a JPEG.
const jpegAnswer = `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/jpeg","data":"/9j/4AAQSkY="}}],"role":"model"},"finishReason":"STOP","index":0}],` +
	`"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1120,"totalTokenCount":1125,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}]},` +
	`"modelVersion":"gemini-3.1-flash-image","responseId":"R"}`

// slowGoogle is an upstream that makes the picture when it is told to.
type slowGoogle struct {
	URL  string
	came chan struct{} // a request has come
	make chan struct{} // lets one answer go
}

func startSlowGoogle(t *testing.T) *slowGoogle {
	s := &slowGoogle{came: make(chan struct{}, 10), make: make(chan struct{}, 10)}
	s.URL = canned(t, []byte(jpegAnswer), func(w http.ResponseWriter, r *http.Request, body []byte) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.came <- struct{}{}
		select {
		case <-s.make:
			_, _ = w.Write(body)
		case <-r.Context().Done():
		}
	})
	return s
}

// generation is a running plantain generate.
type generation struct {
	*exec.Cmd
	stdout, stderr lockedBuffer
}

func startGenerate(t *testing.T, dir string, args ...string) *generation {
	t.Helper()
	g := &generation{Cmd: exec.Command(binary, append([]string{"generate", "A red apple"}, args...)...)}
	g.Dir, g.Env = dir, environment(dir, nil)
	g.Stdout, g.Stderr = &g.stdout, &g.stderr
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Process.Kill() })
	return g
}

func (g *generation) interrupt(t *testing.T) {
	t.Helper()
	if err := g.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

func (g *generation) exit() int {
	_ = g.Wait()
	return g.ProcessState.ExitCode()
}

// Ctrl-C while an attempt is out would throw away what is paid for.
func TestCtrlCWaitsForWhatIsPaidFor(t *testing.T) {
	t.Parallel()
	for name, through := range map[string]bool{"alone": false, "through a gateway": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			google := startSlowGoogle(t)
			dir := t.TempDir()
			writeConfig(t, dir, google.URL, []string{"sim-1-a"})
			if through {
				start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
			}
			g := startGenerate(t, dir)
			<-google.came
			g.interrupt(t)
			waitFor(t, "generate to say that it waits", func() bool {
				return strings.Contains(g.stderr.String(), "r-") && strings.Contains(g.stderr.String(), "Ctrl-C again")
			})
			google.make <- struct{}{}
			if code := g.exit(); code != 0 || strings.TrimSpace(g.stdout.String()) != "a-red-apple.jpg" {
				t.Errorf("exit %d, printed %q: %s", code, g.stdout.String(), g.stderr.String())
			}
			if _, err := os.Stat(filepath.Join(dir, "a-red-apple.jpg")); err != nil {
				t.Error(err)
			}

			g = startGenerate(t, dir)
			<-google.came
			g.interrupt(t)
			waitFor(t, "generate to say that it waits", func() bool { return strings.Contains(g.stderr.String(), "Ctrl-C again") })
			told := len(g.stderr.String())
			g.interrupt(t)
			if code, last := g.exit(), g.stderr.String()[told:]; code != 1 || !strings.Contains(last, "r-") || !strings.Contains(last, "may be charged") {
				t.Errorf("exit %d, the last words are %q", code, last)
			}
			google.make <- struct{}{}
			if !through {
				return
			}
			// The last words are the command that has the picture when it is there.
			words := strings.Fields(g.stderr.String())
			get := words[len(words)-3:]
			waitFor(t, "the picture to be kept", func() bool {
				_, stderr, code := run(t, dir, nil, append(get, "-O", "kept.jpg")...)
				if code != 0 && !strings.Contains(stderr, "still be on its way") {
					t.Fatalf("%q: %s", get, stderr)
				}
				return code == 0
			})
			if kept, err := os.ReadFile(filepath.Join(dir, "kept.jpg")); err != nil || !bytes.HasPrefix(kept, []byte("\xff\xd8\xff")) {
				t.Errorf("%q wrote %d bytes, %v", get, len(kept), err)
			}
		})
	}
}

func TestCtrlCBeforeAnythingIsSentEndsAtOnce(t *testing.T) {
	t.Parallel()
	google := startSlowGoogle(t)
	dir := t.TempDir()
	writeConfig(t, dir, google.URL, []string{"sim-1-a"}, "catalogue: {tiers: {1: {rpm: 1}}}")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	google.make <- struct{}{}
	gw.generate("gemini-3.1-flash-image", prompt)
	<-google.came
	g := startGenerate(t, dir)
	waitFor(t, "generate to wait for room", func() bool { return strings.Contains(gw.metrics(""), "plantain_requests_waiting 1") })
	g.interrupt(t)
	if code := g.exit(); code != 1 || !strings.Contains(g.stderr.String(), "nothing was charged") {
		t.Errorf("exit %d: %s", code, g.stderr.String())
	}
	if len(google.came) != 0 {
		t.Error("it was sent all the same")
	}
}

func TestWhereThePictureGoesIsCheckedBeforeItIsPaidFor(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	for _, name := range []string{"taken.jpg", "file"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for out, want := range map[string]string{
		"none/x.jpg":      "there is no folder none",
		"file/x.jpg":      "there is no folder file",
		"folder":          "is a folder",
		"taken.jpg":       "exists already",
		"/proc/apple.jpg": "cannot be written",
	} {
		if _, stderr, code := run(t, dir, nil, "generate", "A red apple", "-O", out); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("-O %s: exit %d: %s", out, code, stderr)
		}
	}
	if _, stderr, code := run(t, dir, nil, "generate", "A red apple", "-O", "-", "-o", "json"); code != 2 {
		t.Errorf("-O - with -o json: exit %d: %s", code, stderr)
	}
	if n := len(sim.arrivals(":generateContent")); n != 0 {
		t.Fatalf("%d images were paid for", n)
	}

	stdout, stderr, code := run(t, dir, nil, "generate", "A red apple", "-O", "-")
	if code != 0 || !strings.HasPrefix(stdout, "\xff\xd8\xff") || !strings.HasSuffix(stdout, "\xff\xd9") {
		t.Errorf("-O -: exit %d, %d bytes: %s", code, len(stdout), stderr)
	}
	for _, c := range []struct{ out, want string }{
		{"apple.png", "apple.jpg"}, {"apple", "apple-2.jpg"}, {"v1.2", "v1.2.jpg"}, {"photo.JPEG", "photo.JPEG"},
	} {
		stdout, stderr, code := run(t, dir, nil, "generate", "A red apple", "-O", c.out)
		if code != 0 || strings.TrimSpace(stdout) != c.want {
			t.Errorf("-O %s: exit %d, %q: %s", c.out, code, stdout, stderr)
		}
		if data, err := os.ReadFile(filepath.Join(dir, c.want)); err != nil || !bytes.HasPrefix(data, []byte("\xff\xd8\xff")) {
			t.Errorf("-O %s: %s holds %d bytes, %v", c.out, c.want, len(data), err)
		}
		if said := strings.Contains(stderr, "image/jpeg"); said != (c.out == "apple.png") {
			t.Errorf("-O %s: told %q", c.out, stderr)
		}
	}
}

// lockedBuffer is what a process prints while a test looks.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
