package gallery_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gemini"
)

// asks gives a picture the text that asked for it.
func asks(text string, p plantain.Picture) plantain.Picture {
	sum := sha256.Sum256([]byte(text))
	p.Client, p.Text, p.Prompt = "alice", text, hex.EncodeToString(sum[:])
	return p
}

// sent tells a sequel as text: the turns by role, text and bytes, then size and ratio.
func sent(t *testing.T, s *gallery.Sequel) string {
	t.Helper()
	var b strings.Builder
	for _, turn := range s.Call.Turns {
		b.WriteString(turn.Role[:1])
		for _, p := range turn.Parts {
			b.WriteString(" " + p.Text)
			if p.MIME == "" {
				continue
			}
			file, err := p.Open()
			if err != nil {
				t.Fatal(err)
			}
			bytes, err := io.ReadAll(file)
			if err != nil {
				t.Fatal(err)
			}
			_ = file.Close()
			b.WriteString("<" + strings.TrimPrefix(string(bytes), "the bytes of ") + ">")
		}
		b.WriteString("; ")
	}
	return b.String() + strings.TrimSpace(fmt.Sprint(s.Model, " ", s.Call.Size, " ", s.Call.Ratio, " ", s.Draft))
}

func TestTheNextTurnIsAsTheOneBeforeUnlessWishedOtherwise(t *testing.T) {
	t.Parallel()
	g, hang := open(t)
	const nb2, pro, first = "gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-2.5-flash-image"
	hang(asks("a cat", plantain.Picture{ID: "i-1", Request: "r-1", Thread: "r-1", Model: nb2, Size: "512", Ratio: "16:9", Width: 688, Height: 384, Draft: "2K"}))
	hang(asks("", plantain.Picture{ID: "i-2", Request: "r-2", Thread: "r-1", Parent: "r-1", Model: nb2, Width: 1376, Height: 768, Given: []string{"x"}, Identity: "y"}))
	hang(asks("a tree", plantain.Picture{ID: "i-3", Request: "r-3", Thread: "r-3", Model: first, Width: 1248, Height: 832, Given: []string{"y", "-"}}))
	hang(asks("a bush", plantain.Picture{ID: "i-4", Request: "r-4", Thread: "r-4", Model: "gone", Identity: "x"}))
	for _, c := range []struct {
		name string
		wish gallery.Wish
		want string
	}{
		{"r-1", gallery.Wish{}, "u a cat; m <i-1>; u more; " + nb2 + " 512 16:9 2K"},
		{"r-1", gallery.Wish{Size: "1K"}, "u a cat; m <i-1>; u more; " + nb2 + " 1K 16:9"},
		{"r-1", gallery.Wish{Draft: true}, "u a cat; m <i-1>; u more; " + nb2 + " 512 16:9 2K"},
		{"r-1", gallery.Wish{Draft: true, Size: "4K", Ratio: "1:8"}, "u a cat; m <i-1>; u more; " + nb2 + " 512 1:8 4K"},
		{"r-1", gallery.Wish{Model: "pro"}, "u a cat; m <i-1>; u more; " + pro + "  16:9"},
		{"r-1", gallery.Wish{Model: "pro", Draft: true}, "takes as much for 1K as for 2K"},
		{"r-1", gallery.Wish{Images: []gallery.Given{{MIME: "image/png", Data: []byte("hat")}}}, "u a cat; m <i-1>; u more <hat>; " + nb2 + " 512 16:9 2K"},
		{"r-2", gallery.Wish{}, "u a cat; m <i-1>; u <i-4>; m <i-2>; u more; " + nb2 + "  16:9"},
		{"r-3", gallery.Wish{}, "u a tree <i-2>; m <i-3>; u more; " + first + "  3:2"},
		{"r-3", gallery.Wish{Size: "1K"}, "u a tree <i-2>; m <i-3>; u more; " + first + "  3:2"},
		{"r-3", gallery.Wish{Ratio: "1:8"}, "asked 1:8"},
		{"r-4", gallery.Wish{}, `"gone" is not known`},
		{"r-4", gallery.Wish{Model: "lite"}, "u a bush; m <i-4>; u more; gemini-3.1-flash-lite-image"},
	} {
		c.wish.Prompt = "more"
		s, err := g.Refine(t.Context(), gemini.DefaultCatalogue(), "alice", c.name, c.wish)
		if err != nil {
			if !errors.As(err, new(*gallery.UnfitError)) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %+v: %v; want %s", c.name, c.wish, err, c.want)
			}
			continue
		}
		if got := sent(t, s); got != c.want {
			t.Errorf("%s %+v:\ngot  %s\nwant %s", c.name, c.wish, got, c.want)
		}
	}
}

func TestAFinalIsTheSamePictureLarger(t *testing.T) {
	t.Parallel()
	g, hang := open(t)
	hang(asks("a cat", plantain.Picture{ID: "i-1", Request: "r-1", Thread: "r-1", Model: "nb2", Size: "512", Width: 688, Height: 384, Draft: "2K"}))
	hang(asks("a dog", plantain.Picture{ID: "i-2", Request: "r-2", Thread: "r-2", Model: "nb2"}))                                        // it came in no known size
	hang(asks("a cow", plantain.Picture{ID: "i-3", Request: "r-3", Thread: "r-3", Model: "pro", Size: "4K", Width: 1024, Height: 1024})) // asked 4K, came in 1K
	hang(asks("a bee", plantain.Picture{ID: "i-4", Request: "r-4", Thread: "r-4", Model: "lite"}))
	hang(asks("a hen", plantain.Picture{ID: "i-5", Request: "r-5", Thread: "r-5", Model: "pro", Width: 4096, Height: 4096}))
	for _, c := range []struct {
		name string
		wish gallery.Wish
		want string
	}{
		{"r-1", gallery.Wish{}, "2K 16:9"}, {"r-1", gallery.Wish{Size: "4K"}, "4K 16:9"}, {"r-1", gallery.Wish{Size: "512"}, "is 512 already"},
		{"r-1", gallery.Wish{Model: "lite"}, "1K 16:9"}, {"r-1", gallery.Wish{Size: "3K"}, "asked 3K"},
		{"r-2", gallery.Wish{}, "4K "}, {"r-2", gallery.Wish{Size: "1K"}, "is 1K already"},
		{"r-3", gallery.Wish{}, "4K 1:1"}, {"r-4", gallery.Wish{}, "makes 1K only"}, {"r-5", gallery.Wish{Model: "lite"}, "makes 1K only, and r-5 is 4K already"}, {"r-4", gallery.Wish{Model: "nb9"}, "not known"},
	} {
		s, err := g.Final(t.Context(), gemini.DefaultCatalogue(), "alice", c.name, c.wish)
		switch {
		case err != nil:
			if !errors.As(err, new(*gallery.UnfitError)) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %+v: %v; want %s", c.name, c.wish, err, c.want)
			}
		case s.Call.Size+" "+s.Call.Ratio != c.want || string(s.Final) != c.name || len(s.Call.Turns) != 3:
			t.Errorf("%s %+v: got %+v, want %s", c.name, c.wish, s, c.want)
		}
	}
}

func TestWhatIsMissingOfAThreadIsTold(t *testing.T) {
	t.Parallel()
	g, hang := open(t)
	refine := func(name string) (string, error) {
		t.Helper()
		s, err := g.Refine(t.Context(), gemini.DefaultCatalogue(), "alice", name, gallery.Wish{Prompt: "more", Model: "nb2"})
		if err != nil {
			return "", err
		}
		return sent(t, s) + " " + strings.Join(s.Notes, "; "), nil
	}
	parent := plantain.RequestID("")
	for n, megabytes := range []int64{10, 20, 10, 10} { // in base64 with their signatures, 133 MB
		id := fmt.Sprint(n + 1)
		p := asks("turn "+id, plantain.Picture{ID: plantain.PictureID("i-" + id), Request: plantain.RequestID("r-" + id), Thread: "r-1", Parent: parent})
		parent = p.Request
		hang(p) // for its file
		p.MIME, p.Bytes = "image/png", megabytes<<20
		if err := errors.Join(g.Rows.DropPictures(t.Context(), []plantain.PictureID{p.ID}), g.Rows.HangPicture(t.Context(), p)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := refine("r-4"); err != nil || got != "u turn 3; m <i-3>; u turn 4; m <i-4>; u more; gemini-3.1-flash-image it goes on from r-3: what came before is kept no more, or too much to be sent" {
		t.Errorf("got %s, %v", got, err)
	}
	parent = ""
	for n := range 40 { // of 1290 tokens; the model takes 32,768
		id := fmt.Sprint("many-", n)
		p := asks(id, plantain.Picture{ID: plantain.PictureID("i-" + id), Request: plantain.RequestID("r-" + id), Thread: "r-many-0", Parent: parent, Model: "original"})
		parent = p.Request
		hang(p)
	}
	if s, err := g.Refine(t.Context(), gemini.DefaultCatalogue(), "alice", "r-many-39", gallery.Wish{Prompt: "more"}); err != nil || len(s.Call.Turns) != 51 || len(s.Notes) != 1 {
		t.Errorf("%d turns, %q, %v", len(s.Call.Turns), s.Notes, err)
	}
	// The file of one is gone, and of another what was asked.
	for _, lost := range []plantain.PictureID{"i-many-30", "i-many-20"} {
		p, _, err := g.Find(t.Context(), lost)
		if err != nil {
			t.Fatal(err)
		}
		p.Text = ""
		if err := errors.Join(g.Rows.DropPictures(t.Context(), []plantain.PictureID{p.ID}), g.Rows.HangPicture(t.Context(), p)); err != nil {
			t.Fatal(err)
		}
		if lost == "i-many-30" {
			if err := g.Shelf.Remove(p.File()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, want := range map[string]string{
		"r-many-32": "u many-31; m <i-many-31>; u many-32; m <i-many-32>; u more; gemini-3.1-flash-image it goes on from r-many-31: what came before is kept no more, or too much to be sent",
		"r-many-21": "u many-21; m <i-many-21>; u more; gemini-3.1-flash-image it goes on from r-many-21: what came before is kept no more, or too much to be sent",
	} {
		if got, err := refine(name); err != nil || got != want {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	large := asks("large", plantain.Picture{ID: "i-5", Request: "r-5", Thread: "r-5", MIME: "image/png", Bytes: 50 << 20})
	silent := asks("silent", plantain.Picture{ID: "i-6", Request: "r-6", Thread: "r-6"})
	silent.Text = ""
	long := asks(strings.Repeat("x", gemini.MaxText), plantain.Picture{ID: "i-7", Request: "r-7", Thread: "r-7"})
	bare := asks("", plantain.Picture{ID: "i-8", Request: "r-8", Thread: "r-8", Given: []string{"-"}})
	lost := asks("lost", plantain.Picture{ID: "i-9", Request: "r-9", Thread: "r-9", MIME: "image/png"})
	hang(silent)
	hang(long)
	hang(bare)
	for _, p := range []plantain.Picture{large, lost} {
		if err := g.Rows.HangPicture(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"r-5": "have 134 MB as they are sent, and Google takes 100 MB", "r-6": "the prompt of r-6 is not kept", "r-8": "nothing is kept of what r-8 was asked",
		"r-9": "the file of image i-9 is not here",
	} {
		if _, err := refine(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", name, err, want)
		}
	}
	if got, err := refine("r-7"); err != nil || !strings.Contains(got, "the prompt of r-7 was longer than the 16 KiB") {
		t.Errorf("%.100s, %v", got, err)
	}
	_, err := g.Refine(t.Context(), gemini.DefaultCatalogue(), "bob", "r-7", gallery.Wish{Prompt: "more"})
	if !errors.As(err, new(*gallery.NotKeptError)) || strings.Contains(err.Error(), "alice") || !strings.Contains(g.Whose(t.Context(), "bob", "r-7", err).Error(), "is of client alice") {
		t.Errorf("bob is told %v", err)
	}
	if _, err := refine("r-6"); !errors.Is(g.Whose(t.Context(), "alice", "r-6", err), err) {
		t.Error("alice is told that it is not hers")
	}
}
