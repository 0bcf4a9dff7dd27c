package gallery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/plantainhq/plantain"
)

// wall remembers pictures, for tests of what is on the disk.
type wall struct {
	hung []plantain.Picture
	full error
}

func (w *wall) HangPicture(_ context.Context, p plantain.Picture) error {
	if w.full == nil {
		w.hung = append(w.hung, p)
	}
	return w.full
}

func (w *wall) Pictures(_ context.Context, q Query) (found []plantain.Picture, err error) {
	for _, p := range w.hung {
		if q.ID == "" || p.ID == q.ID {
			found = append(found, p)
		}
	}
	return found, nil
}

func (w *wall) Threads(context.Context, ThreadQuery) ([]plantain.Picture, error) { return nil, nil }

func (w *wall) DropPictures(_ context.Context, ids []plantain.PictureID) error {
	for _, id := range ids {
		w.drop(func(p plantain.Picture) bool { return p.ID == id })
	}
	return nil
}

func (w *wall) ExpirePictures(_ context.Context, before time.Time) (map[string]bool, error) {
	w.drop(func(p plantain.Picture) bool { return p.Made.Before(before) })
	files := map[string]bool{}
	for _, p := range w.hung {
		files[p.File()] = true
	}
	return files, nil
}

func (w *wall) drop(gone func(plantain.Picture) bool) {
	var left []plantain.Picture
	for _, p := range w.hung {
		if !gone(p) {
			left = append(left, p)
		}
	}
	w.hung = left
}

func newGallery(t *testing.T) (*Gallery, *wall, string) {
	t.Helper()
	dir, w := t.TempDir(), &wall{}
	g := &Gallery{Rows: w}
	var err error
	if g.Shelf, err = NewShelf(filepath.Join(dir, "gallery")); err != nil {
		t.Fatal(err)
	}
	if g.Thumbs, err = NewShelf(filepath.Join(dir, "thumbnails")); err != nil {
		t.Fatal(err)
	}
	return g, w, dir
}

func hang(t *testing.T, g *Gallery, id string, made time.Time, content []byte) plantain.Picture {
	t.Helper()
	p := plantain.Picture{ID: plantain.PictureID(id), MIME: "image/png", Made: made}
	if err := g.Hang(t.Context(), p, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	p, found, err := g.Find(t.Context(), p.ID)
	if err != nil || !found {
		t.Fatal(err, found)
	}
	return p
}

func TestAPictureIsKeptByteForByteUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	g, w, dir := newGallery(t)
	content := []byte("a picture")
	p := hang(t, g, "i-1", time.Now(), content)
	sum := sha256.Sum256(content)
	if p.Bytes != int64(len(content)) || p.Digest != hex.EncodeToString(sum[:]) {
		t.Errorf("kept as %+v", p)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "gallery", "i-1.png")); err != nil || !bytes.Equal(got, content) {
		t.Errorf("on the disk are %q, %v", got, err)
	}
	if err := g.Remove(t.Context(), p); err != nil || len(w.hung) != 0 || names(t, filepath.Join(dir, "gallery")) != "[]" {
		t.Errorf("after it was removed: %v, %v", err, w.hung)
	}
}

func TestAPictureThatCannotBeKeptIsNotThere(t *testing.T) {
	t.Parallel()
	broken := errors.New("no space left on device")
	g, w, dir := newGallery(t)
	if err := g.Hang(t.Context(), plantain.Picture{ID: "i-1"}, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	w.full = broken
	if err := g.Hang(t.Context(), plantain.Picture{ID: "i-2"}, strings.NewReader("a picture")); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got := names(t, filepath.Join(dir, "gallery")); got != "[]" || g.Lost() != 2 {
		t.Errorf("left are %s, %d lost", got, g.Lost())
	}
}

func TestTheGalleryForgetsByAgeAndBySize(t *testing.T) {
	t.Parallel()
	g, w, dir := newGallery(t)
	g.Age, g.Max = 10*time.Hour, 30
	now := time.Now()
	for n := range 6 {
		hang(t, g, fmt.Sprint("i-", n), now.Add(-time.Duration(n*3)*time.Hour), []byte("0123456789"))
		at := now.Add(-time.Duration(n*3) * time.Hour)
		name := filepath.Join(dir, "gallery", fmt.Sprint("i-", n, ".png"))
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, stray := range []string{"gallery/i-stray.png", "thumbnails/i-5.png"} {
		if err := os.WriteFile(filepath.Join(dir, stray), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !g.Crowded() {
		t.Error("sixty bytes fit in thirty")
	}
	// Of six, the age takes two; of the four that are left, the size takes two.
	if _, err := g.Tidy(t.Context(), now, true); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(dir, "gallery")); got != "[i-0.png i-1.png]" || len(w.hung) != 2 || g.Crowded() {
		t.Errorf("left are %s, %+v", got, w.hung)
	}
	if got := names(t, filepath.Join(dir, "thumbnails")); got != "[]" {
		t.Errorf("thumbnails left: %s", got)
	}
}

// A store that was lost must not take the pictures with it.
func TestTheGalleryOfAnotherStoreIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows, strays, minutes int
		stay                  bool
	}{
		"an empty store, pictures of yesterday": {0, 3, 24 * 60, true},
		"an older store":                        {1, maxStrays + 1, 1, true},
		"a crash":                               {1, 3, 1, false},
		"a crash before the first row":          {0, 1, 1, false},
		"pictures past their age":               {0, 3, 40 * 24 * 60, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _, dir := newGallery(t)
			g.Age = 30 * 24 * time.Hour
			for n := range c.rows {
				hang(t, g, fmt.Sprint("i-", n), time.Now(), []byte("known"))
			}
			at := time.Now().Add(-time.Duration(c.minutes) * time.Minute)
			for n := range c.strays {
				file := filepath.Join(dir, "gallery", fmt.Sprint("i-stray", n, ".png"))
				if err := os.WriteFile(file, []byte("stray"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(file, at, at); err != nil {
					t.Fatal(err)
				}
			}
			_, err := g.Tidy(t.Context(), time.Now(), true)
			files, _ := os.ReadDir(filepath.Join(dir, "gallery"))
			want := c.rows
			if c.stay {
				want += c.strays
			}
			if (err != nil) != c.stay || len(files) != want {
				t.Errorf("%d files are left, want %d; %v", len(files), want, err)
			}
		})
	}
}

// drawn is a picture of a size, black on its left and white on its right half.
func drawn(t *testing.T, w, h int) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := w / 2; x < w; x++ {
			m.SetGray(x, y, color.Gray{Y: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAThumbnailIsTheSamePictureSmaller(t *testing.T) {
	t.Parallel()
	g, _, dir := newGallery(t)
	for n, c := range []struct{ w, h, tw, th int }{{2048, 1024, 512, 256}, {600, 1200, 256, 512}, {100, 50, 100, 50}, {4000, 2, 512, 1}} {
		p := hang(t, g, fmt.Sprint("i-", n), time.Now(), drawn(t, c.w, c.h))
		for range 2 { // made, and kept
			f, err := g.Thumbnail(p)
			if err != nil {
				t.Fatal(err)
			}
			small, err := jpeg.Decode(f)
			_ = f.Close()
			if err != nil || small.Bounds().Dx() != c.tw || small.Bounds().Dy() != c.th {
				t.Fatalf("of %d x %d: %v, %v", c.w, c.h, small.Bounds(), err)
			}
			left, _, _, _ := small.At(c.tw/8, c.th/2).RGBA()
			right, _, _, _ := small.At(c.tw*7/8, c.th/2).RGBA()
			if left > 0x3000 || right < 0xd000 {
				t.Errorf("of %d x %d: left is %x and right %x", c.w, c.h, left, right)
			}
		}
	}
	if got := names(t, filepath.Join(dir, "thumbnails")); got != "[i-0.png i-1.png i-2.png i-3.png]" {
		t.Errorf("kept are %s", got)
	}
}

func TestWhatCannotBeMadeSmallerIsToldSo(t *testing.T) {
	t.Parallel()
	g, _, _ := newGallery(t)
	bomb := drawn(t, 8, 8)
	copy(bomb[16:], "\x00\x01\x00\x00\x00\x01\x00\x00") // 65536 x 65536
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	for n, content := range [][]byte{[]byte("no picture"), bomb, drawn(t, 600, 600)[:200]} {
		if _, err := g.Thumbnail(hang(t, g, fmt.Sprint("i-", n), time.Now(), content)); !errors.Is(err, ErrNoThumbnail) || n == 1 && !strings.Contains(err.Error(), "65536 x 65536 pixels") {
			t.Errorf("%d: got %v", n, err)
		}
	}
}
