package gallery

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // what Google sends
	"io"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // what aggregators may send

	"github.com/plantainhq/plantain"
)

const (
	// thumbnailSide is the longer side of a thumbnail, in pixels.
	thumbnailSide = 512
	// maxPixels is the largest picture that is decoded: four times Google's largest,
	// and 256 MB of memory.
	maxPixels = 64 << 20
	// makingAtOnce bounds how many are decoded at a time.
	makingAtOnce = 2
)

// ErrNoThumbnail says that a picture can't be made smaller: it is damaged, too large,
// or of a kind that is not known.
var ErrNoThumbnail = errors.New("there is no thumbnail of this picture")

// Thumbnail opens a JPEG of a picture whose longer side is 512 pixels, and makes it
// where there is none yet. Close it. Its error is an [ErrNoThumbnail] or an
// [fs.ErrNotExist] where it is the picture's fault.
func (g *Gallery) Thumbnail(p plantain.Picture) (*os.File, error) {
	if f, err := g.Thumbs.Open(p.File()); !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	defer g.making.take()()
	whole, err := g.Open(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = whole.Close() }()
	small, err := shrink(whole)
	if err != nil {
		return nil, err
	}
	_, err = g.Thumbs.Put(p.File(), func(w io.Writer) error { return jpeg.Encode(w, small, &jpeg.Options{Quality: 82}) })
	if err != nil {
		return nil, fmt.Errorf("keep a thumbnail: %w", err)
	}
	return g.Thumbs.Open(p.File())
}

func shrink(whole io.ReadSeeker) (image.Image, error) {
	head, _, err := image.DecodeConfig(whole)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoThumbnail, err)
	}
	if int64(head.Width)*int64(head.Height) > maxPixels {
		return nil, fmt.Errorf("%w: it has %d x %d pixels", ErrNoThumbnail, head.Width, head.Height)
	}
	if _, err := whole.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	from, _, err := image.Decode(whole)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoThumbnail, err)
	}
	w, h := from.Bounds().Dx(), from.Bounds().Dy()
	if longer := max(w, h); longer > thumbnailSide {
		w, h = max(w*thumbnailSide/longer, 1), max(h*thumbnailSide/longer, 1)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src) // JPEG is opaque
	draw.ApproxBiLinear.Scale(small, small.Bounds(), from, from.Bounds(), draw.Over, nil)
	return small, nil
}

// slots let no more than makingAtOnce through. The zero value is ready.
type slots struct {
	once sync.Once
	free chan struct{}
}

// take waits for a slot and gives what gives it back.
func (s *slots) take() func() {
	s.once.Do(func() { s.free = make(chan struct{}, makingAtOnce) })
	s.free <- struct{}{}
	return func() { <-s.free }
}
