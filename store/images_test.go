package store

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
)

func TestPicturesAreFoundAsTheyWereHung(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		var hung []plantain.Picture
		for n, client := range []plantain.ClientName{"alice", "bob", "alice"} {
			p := plantain.Picture{
				ID: plantain.PictureID(fmt.Sprint("i-", n)), Request: plantain.RequestID(fmt.Sprint("r-", n)), Attempt: "a-1", Client: client,
				Project: "studio", Model: "nb2", Size: "1K", Width: 1024, Height: 768, MIME: "image/png", Bytes: 7, Digest: "d", Prompt: "p",
				Cost: plantain.Cost{Low: 1, High: 67_000_000}, Made: now.Add(time.Duration(n) * time.Hour).Local(),
				Ratio: "16:9", Text: "a \"poster\",\nπ", Identity: fmt.Sprint("id-", n), Given: []string{"id-7", plantain.Unidentified},
				Thread: "r-0", Parent: "r-0", Draft: "4K", Final: n == 1, Healed: "memory",
			}
			must(t, s.HangPicture(t.Context(), p))
			hung = append(hung, p)
		}
		s = reopen()
		ids := func(q gallery.Query) string {
			t.Helper()
			found, err := s.Pictures(t.Context(), q)
			must(t, err)
			var all []string
			for _, p := range found {
				all = append(all, string(p.ID))
			}
			return strings.Join(all, " ")
		}
		for want, q := range map[string]gallery.Query{
			"i-2 i-1 i-0": {}, "i-2 i-0": {Client: "alice"}, "i-1": {Client: "bob", Model: "nb2"}, "i-2": {Request: "r-2"},
			"i-1 i-0": {Before: "i-2"}, "i-2 i-1": {Limit: 2}, "": {ID: "i-1", Client: "alice"}, "i-0": {Named: "i-0"},
		} {
			if got := ids(q); got != want {
				t.Errorf("%+v gives %s, want %s", q, got, want)
			}
		}
		for want, q := range map[string]gallery.Query{
			"i-1": {Named: "r-1"}, "i-2 i-1 i-0": {Named: "r-", Thread: "r-0"}, "": {Named: "_-1"}, "i-2": {Client: "alice", Identities: []string{"id-1", "id-2", "id-9"}},
		} {
			if got := ids(q); got != want {
				t.Errorf("%+v gives %s, want %s", q, got, want)
			}
		}
		if found, err := s.Pictures(t.Context(), gallery.Query{ID: "i-1"}); err != nil || len(found) != 1 || !reflect.DeepEqual(found[0], hung[1]) {
			t.Errorf("got %+v, %v, want %+v", found, err, hung[1])
		}
		must(t, s.DropPictures(t.Context(), []plantain.PictureID{"i-1"}))
		left, err := s.ExpirePictures(t.Context(), now.Add(time.Hour))
		if files := slices.Collect(maps.Keys(left)); err != nil || len(files) != 1 || files[0] != "i-2.png" {
			t.Errorf("left are %v, %v", files, err)
		}
	})
}

func TestThreadsComeByTheirLastPicture(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, reopen func() *Store) {
		s := reopen()
		for n, of := range []struct {
			client plantain.ClientName
			thread plantain.RequestID
		}{{"alice", "r-0"}, {"alice", "r-1"}, {"bob", "r-2"}, {"alice", "r-0"}, {"alice", "r-4"}} {
			must(t, s.HangPicture(t.Context(), plantain.Picture{ID: plantain.PictureID(fmt.Sprint("i-", n)), Client: of.client, Thread: of.thread}))
		}
		for want, q := range map[string]gallery.ThreadQuery{
			"i-4 i-3 i-2 i-1 i-0": {}, "i-4 i-3 i-1 i-0": {Client: "alice"}, "i-4 i-3 i-0": {Limit: 2}, "i-2 i-1": {Before: "i-3"},
			"i-1": {Client: "alice", Before: "i-3", Limit: 1}, "": {Client: "carol"},
		} {
			found, err := s.Threads(t.Context(), q)
			must(t, err)
			var got []string
			for _, p := range found {
				got = append(got, string(p.ID))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%+v gives %v, want %s", q, got, want)
			}
		}
	})
}
