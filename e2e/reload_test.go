package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// told counts the lines of the log with a text in them.
func (p *process) told(text string) int { return strings.Count(p.output(), text) }

func TestASettingThatTakesARestartIsTold(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	gw := startGateway(t, sim.URL, []string{"sim-1-a"})
	writeConfig(t, gw.dir, sim.URL, []string{"sim-1-a", "sim-1-b"}, "listen: 127.0.0.1:1", "store: sqlite:other.db")
	waitFor(t, "the rest to be in force", func() bool { return gw.projectsNow() == "a b" })
	waitFor(t, "the store to be told", func() bool { return gw.told("setting=store") == 1 })
	if gw.told("setting=listen") != 0 {
		t.Error("--listen goes before the file, so no restart would change it")
	}
	if err := gw.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "it to be told again, as it is still so", func() bool { return gw.told("setting=store") == 2 })
	writeConfig(t, gw.dir, sim.URL, []string{"sim-1-a"})
	waitFor(t, "the change back", func() bool { return gw.projectsNow() == "a" && gw.told("is in force") == 3 })
	if gw.told("setting=store") != 2 {
		t.Error("a store that is the one in use does not take a restart")
	}
}

func TestAFileThatIsGoneForAMomentChangesNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	gw := start(t, dir, []string{"GEMINI_API_KEY=sim-1-env", "PLANTAIN_UPSTREAM=" + sim.URL}, "serve", "--listen", "127.0.0.1:0")
	if err := os.Remove(filepath.Join(dir, "plantain.yaml")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the lack to be told", func() bool { return gw.told("changes nothing") == 1 })
	if got := gw.projectsNow(); got != "a" {
		t.Errorf("it serves %s", got)
	}
	writeConfig(t, dir, sim.URL, []string{"sim-1-a", "sim-1-b"})
	waitFor(t, "the file that is back", func() bool { return gw.projectsNow() == "a b" })
}

// A file that has lost its projects is one that is being written. That the environment
// has a key does not make it a configuration; where there never were any, it does.
func TestAFileThatIsEmptyForAMomentChangesNothing(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "plantain.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	gw := start(t, dir, []string{"GEMINI_API_KEY=sim-1-env", "PLANTAIN_UPSTREAM=" + sim.URL}, "serve", "--listen", "127.0.0.1:0")
	write("queue: {max_length: 5}\n")
	waitFor(t, "a file without projects", func() bool { return gw.told("is in force") == 1 && gw.projectsNow() == "default" })
	writeConfig(t, dir, sim.URL, []string{"sim-1-a"})
	waitFor(t, "the first project", func() bool { return gw.projectsNow() == "a" })
	for i, text := range []string{"", " \n", "# projects:\n", "queue: {max_length: 5}\n"} {
		write(text)
		waitFor(t, "the lack to be told", func() bool { return gw.told("names no projects any more and changes nothing") == i+1 })
		if got := gw.projectsNow(); got != "a" {
			t.Fatalf("after %q it serves %s", text, got)
		}
	}
	writeConfig(t, dir, sim.URL, []string{"sim-1-a", "sim-1-b"})
	waitFor(t, "the file that has content again", func() bool { return gw.projectsNow() == "a b" })
}

// A ConfigMap of Kubernetes is a folder of links, of which one is replaced.
func TestAConfigThatIsReplacedThroughALinkTakesEffect(t *testing.T) {
	t.Parallel()
	sim := startSim(t)
	dir := t.TempDir()
	for name, keys := range map[string][]string{"one": {"sim-1-a"}, "two": {"sim-1-a", "sim-1-b"}} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		writeConfig(t, filepath.Join(dir, name), sim.URL, keys)
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("one", "..data")
	link(filepath.Join("..data", "plantain.yaml"), "plantain.yaml")
	gw := start(t, dir, nil, "serve", "--listen", "127.0.0.1:0")
	link("two", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the second project", func() bool { return gw.projectsNow() == "a b" })
}
