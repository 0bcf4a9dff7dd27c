package sim

import (
	"bytes"
	"image"
	"os"
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

// TestDrawSamples writes pictures for people to look at; it needs SIM_SAMPLES, a folder.
func TestDrawSamples(t *testing.T) {
	dir := os.Getenv("SIM_SAMPLES")
	if dir == "" {
		t.Skip("set SIM_SAMPLES to a folder")
	}
	for _, s := range []struct{ name, model, size, ratio, prompt, edit string }{
		{"a", "gemini-3.1-flash-image", "1K", "1:1", "A red fox reading a newspaper in a quiet cafe, morning light, watercolour", "make it night"},
		{"b", "gemini-3-pro-image", "1K", "16:9", "Poster for a jazz festival by the sea, bold shapes, large sans-serif title SUMMER NOTES", "add snow, please"},
		{"c", "gemini-3.1-flash-image", "512", "9:16", "ein Bananenblatt", "more green"},
		{"d", "gemini-2.5-flash-image", "1K", "3:2", "city of the future", "in pink"},
		{"e", "gemini-3.1-flash-image", "4K", "4:3", "hills of the north with one long caption that goes on and on so that it has to be wrapped over a good number of lines before it ends, which it does here", "turn the sky yellow"},
	} {
		m := findModel(s.model)
		w, h := m.pixels(s.size, s.ratio)
		r := recipe{model: m, size: s.size, ratio: s.ratio, w: w, h: h, prompt: s.prompt}
		first := r.make()
		r.base, r.prompt, r.turn = decode(first.data), s.edit, 1
		second := r.make()
		r.base, r.prompt, r.turn = decode(second.data), "and a second change", 2
		ext := first.mime[len("image/"):]
		for i, p := range []picture{first, second, r.make()} {
			os.WriteFile(dir+"/"+s.name+string(rune('0'+i))+"."+ext, p.data, 0o644)
		}
	}
}
