package gallery_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/store"
)

// open gives a gallery on a real store, with a way to hang a picture: its number, its
// client, its thread and what it goes on with.
func open(t *testing.T) (*gallery.Gallery, func(p plantain.Picture)) {
	t.Helper()
	dir := t.TempDir()
	rows, err := store.Open(t.Context(), filepath.Join(dir, "p.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rows.Close() })
	g := &gallery.Gallery{Rows: rows}
	if g.Shelf, err = gallery.NewShelf(filepath.Join(dir, "gallery")); err != nil {
		t.Fatal(err)
	}
	if g.Thumbs, err = gallery.NewShelf(filepath.Join(dir, "thumbnails")); err != nil {
		t.Fatal(err)
	}
	return g, func(p plantain.Picture) {
		t.Helper()
		p.MIME = "image/png"
		if err := g.Hang(t.Context(), p, strings.NewReader("the bytes of "+string(p.ID))); err != nil {
			t.Fatal(err)
		}
	}
}

// family hangs a thread of alice that branches, one of two pictures, and one of bob's:
//
//	r-a1 - r-a2 - r-a4        r-b5        r-c6
//	            \ r-a3
func family(hang func(plantain.Picture)) {
	for n, p := range []plantain.Picture{
		{Request: "r-a1", Thread: "r-a1"}, {Request: "r-a2", Thread: "r-a1", Parent: "r-a1"}, {Request: "r-a3", Thread: "r-a1", Parent: "r-a2"},
		{Request: "r-a4", Thread: "r-a1", Parent: "r-a2"}, {Request: "r-b5", Thread: "r-b5"}, {Request: "r-b5", Thread: "r-b5"}, {Request: "r-c6", Thread: "r-c6"},
	} {
		p.ID, p.Attempt, p.Client = plantain.PictureID(fmt.Sprint("i-", n+1)), "a-"+plantain.AttemptID(p.Request), "alice"
		p.Cost, p.Identity = plantain.Cost{Low: 10, High: 20}, fmt.Sprint("identity-", n+1)
		if p.Request == "r-c6" {
			p.Client = "bob"
		}
		hang(p)
	}
}

func tell(threads []gallery.Thread) string {
	var b strings.Builder
	for _, t := range threads {
		fmt.Fprintf(&b, "%s of %s:", t.ID, t.Client)
		for _, turn := range t.Turns {
			fmt.Fprintf(&b, " %s(%d)", turn.Request, len(turn.Pictures))
		}
		fmt.Fprintf(&b, " %d-%d\n", t.Cost().Low, t.Cost().High)
	}
	return b.String()
}

func TestAThreadIsAllThatGoesBackToOneRequest(t *testing.T) {
	t.Parallel()
	g, hang := open(t)
	family(hang)
	const a, b = "r-a1 of alice: r-a1(1) r-a2(1) r-a3(1) r-a4(1) 40-80\n", "r-b5 of alice: r-b5(2) 10-20\n"
	for client, want := range map[plantain.ClientName]string{"": "r-c6 of bob: r-c6(1) 10-20\n" + b + a, "alice": b + a, "carol": ""} {
		got, err := g.Threads(t.Context(), gallery.ThreadQuery{Client: client})
		if err != nil || tell(got) != want {
			t.Errorf("%q:\n%s%v; want\n%s", client, tell(got), err, want)
		}
	}
}

func TestATurnIsFoundByAnyOfItsNames(t *testing.T) {
	t.Parallel()
	g, hang := open(t)
	if _, _, err := g.Thread(t.Context(), "alice", gallery.Last); err == nil || err.Error() != "no picture is kept yet" {
		t.Errorf("of nothing: %v", err)
	}
	family(hang)
	for name, want := range map[string]plantain.RequestID{"r-a2": "r-a2", "i-3": "r-a3", "r-b": "r-b5", "i-6": "r-b5", gallery.Last: "r-b5"} {
		thread, turn, err := g.Thread(t.Context(), "alice", name)
		if err != nil || turn.Request != want || thread.ID != turn.Asked().Thread {
			t.Errorf("%s: %s in %s, %v; want %s", name, turn.Request, thread.ID, err, want)
		}
	}
	for name, want := range map[string]string{
		"r-a": "may be any of r-a4, r-a3, r-a2, r-a1: write more", "r-c6": "no picture is kept of r-c6", "i-%": "no picture is kept of i-%", "": "may be any of",
	} {
		_, _, err := g.Thread(t.Context(), "alice", name)
		if !errors.As(err, new(*gallery.NotKeptError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", name, err, want)
		}
	}
}

func TestAConversationGoesOnWithTheLastPictureThatIsKept(t *testing.T) {
	t.Parallel()
	g, hang := open(t)
	family(hang)
	for sent, want := range map[string]plantain.RequestID{
		"identity-1 identity-2": "r-a2", "identity-2 identity-1": "r-a1", "identity-4 never-seen -": "r-a4", "never-seen": "", "": "", "identity-7": "",
	} {
		p, found, err := g.GoesOn(t.Context(), "alice", strings.Fields(sent))
		if err != nil || p.Request != want || found != (want != "") {
			t.Errorf("%q goes on with %q, %t, %v; want %q", sent, p.Request, found, err, want)
		}
	}
}

// A client that has its picture may name it at once, while it is still being hung.
func TestWhoeverHasAPictureFindsItsThread(t *testing.T) {
	t.Parallel()
	g, hang := open(t)
	synctest.Test(t, func(t *testing.T) {
		_, firstHung := g.Announce("alice")
		earlier, secondHung := g.Announce("alice")
		var told []string
		go func() {
			earlier()
			told = append(told, "second")
			hang(plantain.Picture{ID: "i-2", Request: "r-2", Client: "alice", Thread: "r-2"})
			secondHung()
		}()
		_, _, err := g.Thread(t.Context(), "bob", gallery.Last)
		if !errors.As(err, new(*gallery.NotKeptError)) {
			t.Errorf("bob waits for alice: %v", err)
		}
		go func() {
			_, turn, err := g.Thread(t.Context(), "alice", gallery.Last)
			told = append(told, fmt.Sprint(turn.Request, err))
		}()
		synctest.Wait()
		if len(told) > 0 {
			t.Errorf("before the first hangs: %q", told)
		}
		firstHung()
		synctest.Wait()
		if got := fmt.Sprint(told); got != "[second r-2<nil>]" {
			t.Errorf("got %s", got)
		}
	})
}
