package sim

import (
	"image"
	"image/color"
	"math"
)

// canvas is a picture being drawn. Shapes are filled by rows, with a soft edge of one pixel: a megapixel takes a few
// milliseconds.
type canvas struct{ *image.RGBA }

func newCanvas(w, h int) canvas { return canvas{image.NewRGBA(image.Rect(0, 0, w, h))} }

func (c canvas) size() (w, h int) { return c.Rect.Dx(), c.Rect.Dy() }

// blend mixes one pixel towards col; share runs from 0 to 256.
func (c canvas) blend(i int, col color.RGBA, share int) {
	p := c.Pix[i : i+4 : i+4]
	p[0] += uint8((int(col.R) - int(p[0])) * share >> 8)
	p[1] += uint8((int(col.G) - int(p[1])) * share >> 8)
	p[2] += uint8((int(col.B) - int(p[2])) * share >> 8)
	p[3] = 255
}

// span blends a row from x0 to x1, with soft ends.
func (c canvas) span(y int, x0, x1 float64, col color.RGBA, share int) {
	w, h := c.size()
	x0, x1 = max(x0, 0), min(x1, float64(w))
	if y < 0 || y >= h || x1 <= x0 {
		return
	}
	row := y * c.Stride
	for x := int(x0); x < int(math.Ceil(x1)); x++ {
		cover := min(float64(x+1), x1) - max(float64(x), x0)
		c.blend(row+x*4, col, int(cover*float64(share)))
	}
}

// gradient fills the canvas from top to bottom.
func (c canvas) gradient(top, bottom color.RGBA) {
	w, h := c.size()
	for y := range h {
		row := c.Pix[y*c.Stride : y*c.Stride+w*4]
		col := mix(top, bottom, float64(y)/float64(h))
		row[0], row[1], row[2], row[3] = col.R, col.G, col.B, 255
		for n := 4; n < len(row); n *= 2 {
			copy(row[n:], row[:n])
		}
	}
}

// disc fills a circle.
func (c canvas) disc(x, y, r float64, col color.RGBA, share int) {
	for yy := int(y - r); yy <= int(y+r); yy++ {
		d := float64(yy) + .5 - y
		if half := r*r - d*d; half > 0 {
			half = math.Sqrt(half)
			c.span(yy, x-half, x+half, col, share)
		}
	}
}

// ring draws a circle of a given thickness.
func (c canvas) ring(x, y, r, thick float64, col color.RGBA, share int) {
	for yy := int(y - r); yy <= int(y+r); yy++ {
		d := float64(yy) + .5 - y
		outer := r*r - d*d
		if outer <= 0 {
			continue
		}
		outer = math.Sqrt(outer)
		inner := (r-thick)*(r-thick) - d*d
		if inner <= 0 {
			c.span(yy, x-outer, x+outer, col, share)
			continue
		}
		inner = math.Sqrt(inner)
		c.span(yy, x-outer, x-inner, col, share)
		c.span(yy, x+inner, x+outer, col, share)
	}
}

// rect fills a rectangle.
func (c canvas) rect(x0, y0, x1, y1 float64, col color.RGBA, share int) {
	for y := int(y0); y < int(y1); y++ {
		c.span(y, x0, x1, col, share)
	}
}

// below fills everything under a line given as a height for each column.
func (c canvas) below(line func(x float64) float64, col color.RGBA, share int) {
	w, h := c.size()
	tops := make([]float64, w)
	highest := float64(h)
	for x := range tops {
		tops[x] = line(float64(x))
		highest = min(highest, tops[x])
	}
	for y := max(0, int(highest)); y < h; y++ {
		row := y * c.Stride
		for x, top := range tops {
			if cover := float64(y+1) - top; cover >= 1 {
				c.blend(row+x*4, col, share)
			} else if cover > 0 {
				c.blend(row+x*4, col, int(cover*float64(share)))
			}
		}
	}
}

// tint multiplies the whole canvas towards a colour.
func (c canvas) tint(col color.RGBA, share int) {
	w, h := c.size()
	var to [3][256]uint8
	for i, v := range []uint8{col.R, col.G, col.B} {
		for p := range 256 {
			lit := p * int(v) / 255
			to[i][p] = uint8(p + (lit-p)*share/256)
		}
	}
	for y := range h {
		row := c.Pix[y*c.Stride : y*c.Stride+w*4]
		for x := 0; x < len(row); x += 4 {
			row[x], row[x+1], row[x+2], row[x+3] = to[0][row[x]], to[1][row[x+1]], to[2][row[x+2]], 255
		}
	}
}

func mix(a, b color.RGBA, t float64) color.RGBA {
	f := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*t) }
	return color.RGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), 255}
}
