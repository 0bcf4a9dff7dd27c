package gemini

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

var testPNG = encoded(func(b *bytes.Buffer, m image.Image) error { return png.Encode(b, m) }, 1, 1)

func encoded(encode func(*bytes.Buffer, image.Image) error, width, height int) []byte {
	var b bytes.Buffer
	if err := encode(&b, image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black})); err != nil {
		panic(err)
	}
	return b.Bytes()
}

var _ = gif.Encode
var _ = jpeg.Encode
var _ testing.T
