package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/pool"
)

// crashing is set in a process that a test starts from this binary and kills: the
// path of the store that it is to move in.
const crashing = "PLANTAIN_TEST_CRASHING_STORE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashing); path != "" {
		moveUntilKilled(path)
		return
	}
	os.Exit(m.Run())
}

// moveUntilKilled opens and settles attempts with many callers and says of each
// what was promised.
func moveUntilKilled(path string) {
	s, err := Open(context.Background(), path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var out sync.Mutex
	say := func(what string, id plantain.AttemptID) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(what, id)
	}
	var all sync.WaitGroup
	for caller := range 8 {
		all.Go(func() {
			for n := 0; ; n++ {
				id := plantain.AttemptID(fmt.Sprintf("a-%d-%d-%d", os.Getpid(), caller, n))
				a := plantain.Attempt{ID: id, Request: "r", Project: key.Project, Model: key.Model, Opened: now, Deadline: now.Add(time.Hour)}
				err := s.Open(context.Background(), a, []pool.Key{key}, func(st pool.States) error {
					st[key].Reserve(now, id, a.Deadline, pool.Amount{Requests: 1})
					return nil
				})
				if err != nil {
					say(err.Error(), id)
				}
				say("opened", id)
				err = s.Settle(context.Background(), ledger.Entry{Attempt: id, Settled: now, Status: 200}, []pool.Key{key}, func(st pool.States) error {
					st[key].Settle(now, id, now, pool.Amount{Requests: 1})
					return nil
				})
				if err != nil {
					say(err.Error(), id)
				}
				say("settled", id)
			}
		})
	}
	all.Wait()
}

func TestWhatWasPromisedSurvivesKill9(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	promised := map[plantain.AttemptID]ledger.State{}
	for _, moves := range []int{1, 40, 700, 1500} { // within a journal, and over several
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashing+"="+path)
		said, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(said)
		for n := 0; lines.Scan(); n++ {
			what, id, _ := strings.Cut(lines.Text(), " ")
			switch what {
			case "opened":
				promised[plantain.AttemptID(id)] = ledger.Sent
			case "settled":
				promised[plantain.AttemptID(id)] = ledger.Settled
			default:
				t.Error(lines.Text())
			}
			if n == moves {
				_ = child.Process.Kill()
			}
		}
		_ = child.Wait()
	}
	s := open(t, path)
	rows, err := s.Attempts(t.Context(), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	there := map[plantain.AttemptID]ledger.State{}
	var settled int64
	for _, r := range rows {
		there[r.ID] = r.State
		if r.State == ledger.Settled {
			settled++
		}
	}
	for id, state := range promised {
		if is := there[id]; is != state && (state == ledger.Settled || is == "") {
			t.Errorf("%s was %s, and is %q", id, state, is)
		}
	}
	states, err := s.Windows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Books and windows are one fact, also after a crash.
	if used := states[key].Used(plantain.LimitRPD, now); used != int64(len(rows)) {
		t.Errorf("the windows count %d requests, the books %d", used, len(rows))
	}
	if settled == 0 {
		t.Error("nothing was settled")
	}
}

func TestAPictureThatWasRemovedStaysSoAfterKill9(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*Store) error{
		"by its id": func(s *Store) error { return s.DropPictures(t.Context(), []plantain.PictureID{"i-1"}) },
		"by its age": func(s *Store) error {
			_, err := s.ExpirePictures(t.Context(), now.Add(time.Hour))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "p.db")
			s := open(t, path)
			must(t, s.HangPicture(t.Context(), plantain.Picture{ID: "i-1", Prompt: "a private one", Made: now}))
			must(t, remove(s))
			left := filepath.Join(t.TempDir(), "p.db")
			must(t, s.backend.(*writer).alone(t.Context(), func() error { // as it stands at this moment
				for _, of := range []string{"", "-wal", ".redo0", ".redo1"} {
					file, err := os.ReadFile(path + of)
					if errors.Is(err, fs.ErrNotExist) {
						continue
					}
					if err := errors.Join(err, os.WriteFile(left+of, file, 0o600)); err != nil {
						return err
					}
				}
				return nil
			}))
			all, err := open(t, left).Pictures(t.Context(), gallery.Query{})
			must(t, err)
			if len(all) > 0 {
				t.Errorf("%q is back", all[0].Prompt)
			}
		})
	}
}
