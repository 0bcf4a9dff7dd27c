package sim

import (
	"bytes"
	"image"
	"testing"
)

func TestPictureHasTheTruePixelsOfEveryModelRatioAndSize(t *testing.T) {
	t.Parallel()
	for _, m := range catalogue {
		for _, size := range m.sizes {
			if size != "1K" && m.id == pro {
				continue // the same pixels as Nano Banana 2, and dear
			}
			for _, ratio := range m.ratios {
				w, h := m.pixels(size, ratio)
				p := recipe{model: m, size: size, ratio: ratio, w: w, h: h, prompt: "a quiet harbour"}.make()
				cfg, format, err := image.DecodeConfig(bytes.NewReader(p.data))
				if err != nil || cfg.Width != w || cfg.Height != h || "image/"+format != m.mime() {
					t.Errorf("%s %s %s: %dx%d %s %v, want %dx%d %s",
						m.id, size, ratio, cfg.Width, cfg.Height, format, err, w, h, m.mime())
				}
			}
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	for _, c := range []struct{ name, model, size string }{
		{"PNG1K", "gemini-2.5-flash-image", "1K"},
		{"1K", "gemini-3.1-flash-image", "1K"},
		{"2K", "gemini-3.1-flash-image", "2K"},
		{"4K", "gemini-3.1-flash-image", "4K"},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := findModel(c.model)
			w, h := m.pixels(c.size, "1:1")
			var p picture
			for b.Loop() {
				p = recipe{model: m, size: c.size, ratio: "1:1", w: w, h: h, prompt: "a red kite over the sea"}.make()
			}
			b.ReportMetric(float64(len(p.data)), "file-bytes")
		})
	}
}
