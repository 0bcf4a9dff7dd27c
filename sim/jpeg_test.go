package sim

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

func gradient(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), 128, 255})
		}
	}
	return m
}

func TestEnlargedJPEGLooksLikeItsCanvas(t *testing.T) {
	t.Parallel()
	for _, scale := range []int{1, 2, 4} {
		canvas := gradient(424, 632)
		data := encodeJPEG(nil, canvas, 424*scale, 632*scale, 9)
		got, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("scale %d: %v", scale, err)
		}
		if s := got.Bounds().Size(); s.X != 424*scale || s.Y != 632*scale {
			t.Fatalf("scale %d: %v", scale, s)
		}
		for _, p := range []image.Point{{50, 60}, {210, 300}, {400, 600}} {
			var sum [3]int
			for y := range 8 * scale {
				for x := range 8 * scale {
					r, g, b, _ := got.At((p.X-4)*scale+x, (p.Y-4)*scale+y).RGBA()
					sum[0], sum[1], sum[2] = sum[0]+int(r>>8), sum[1]+int(g>>8), sum[2]+int(b>>8)
				}
			}
			want := canvas.RGBAAt(p.X, p.Y)
			for i, w := range []uint8{want.R, want.G, want.B} {
				if d := sum[i]/(64*scale*scale) - int(w); d < -4 || d > 4 {
					t.Errorf("scale %d at %v channel %d: off by %d", scale, p, i, d)
				}
			}
		}
	}
}

func BenchmarkEncodeJPEG(b *testing.B) {
	for _, c := range []struct {
		name  string
		scale int
	}{{"1K", 1}, {"2K", 2}, {"4K", 4}} {
		b.Run(c.name, func(b *testing.B) {
			canvas := gradient(1024, 1024)
			var buf []byte
			for b.Loop() {
				buf = encodeJPEG(buf[:0], canvas, 1024*c.scale, 1024*c.scale, 3)
			}
			b.ReportMetric(float64(len(buf)), "file-bytes")
		})
	}
}
