package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"image"
	"image/color"
	_ "image/gif" // what a client may send as input
	_ "image/jpeg"
	_ "image/png"
	"math"
	"math/rand/v2"
	"strings"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

// recipe is all that decides a picture: the same recipe gives the same bytes.
type recipe struct {
	model  *model
	size   string
	ratio  string
	w, h   int
	prompt string
	seed   int64       // of the request; 0 for none
	base   image.Image // the last picture of the conversation, nil for a first one
	png    bool        // asked of Vertex, which can
	turn   int         // edits before and with this one; 0 for a first picture
}

// picture is an encoded image.
type picture struct {
	data        []byte
	mime        string
	w, h        int
	size, ratio string
	canvas      image.Image // it was encoded from
}

// make draws and encodes. The canvas is at most a 1K picture; larger sizes are enlarged while encoding.
func (r recipe) make() picture {
	scale := 1
	switch r.size {
	case "2K":
		scale = 2
	case "4K":
		scale = 4
	}
	c := newCanvas(r.w/scale, r.h/scale)
	rnd := r.rand()
	if r.base != nil {
		c.edit(r.base, r.prompt, max(r.turn, 1), rnd)
	} else {
		c.compose(r.prompt, rnd)
		c.caption(r.prompt, 0)
	}
	p := picture{mime: r.model.mime(), w: r.w, h: r.h, size: r.size, ratio: r.ratio, canvas: c.RGBA}
	if r.model.gemini3 && !r.png {
		p.data = encodeJPEG(make([]byte, 0, r.w*r.h*5/8), c.RGBA, r.w, r.h, rnd.Uint64())
		return p
	}
	if scale > 1 {
		large := newCanvas(r.w, r.h)
		draw.ApproxBiLinear.Scale(large.RGBA, large.Rect, c.RGBA, c.Rect, draw.Src, nil)
		c = large
	}
	p.mime, p.data = "image/png", encodePNG(c.RGBA, rnd)
	return p
}

func (r recipe) rand() *rand.Rand {
	h := sha256.Sum256([]byte(r.prompt))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(h[:]), binary.BigEndian.Uint64(h[8:])^uint64(r.seed)))
}

// decode returns nil for what is no picture it can read (heic, heif, or garbage).
func decode(data []byte) image.Image {
	if len(data) == 0 {
		return nil
	}
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	return m
}

// palette is five colours: ground, two fills, an accent, and the dark.
type palette [5]color.RGBA

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 255}
}

func newPalette(hex ...uint32) palette {
	var p palette
	for i, h := range hex {
		p[i] = rgb(h)
	}
	return p
}

var palettes = []struct {
	words string
	palette
}{
	{"sunset dawn orange warm fox autumn desert", newPalette(0xffd29a, 0xf58a5b, 0xc8505a, 0xfff0c2, 0x3b2348)},
	{"sea ocean blue water sky winter lake", newPalette(0xcfe8f5, 0x5aa9d6, 0x2667a0, 0xffe08a, 0x12284a)},
	{"forest green garden leaf tree plantain frog", newPalette(0xe4efc9, 0x8dbb5e, 0x3f7d4e, 0xf6c945, 0x173a2e)},
	{"night dark moon space stars black", newPalette(0x243357, 0x3c4f86, 0x1a2038, 0xf4edc4, 0x0b0e1c)},
	{"red rose fire heart tomato", newPalette(0xfbe3d6, 0xe8604c, 0xb3263a, 0xffd166, 0x3a0d1c)},
	{"purple violet lavender magic dream", newPalette(0xe9def5, 0xa684d0, 0x6b4a9e, 0xffc8dd, 0x271a45)},
	{"yellow banana sun gold lemon", newPalette(0xfff4c2, 0xf7cf46, 0xd99a1c, 0xff6f59, 0x43310a)},
	{"pink flamingo candy love", newPalette(0xffe4ec, 0xf59bb6, 0xd65c8a, 0x7fd1c7, 0x431a33)},
	{"snow white ice cloud mist", newPalette(0xf4f7fa, 0xc3d3e0, 0x8aa4b8, 0xe76f51, 0x2b3d4d)},
	{"teal turquoise jungle mint", newPalette(0xd5f2ea, 0x4fb8a8, 0x1d7874, 0xf4a259, 0x0c2f38)},
}

// pick takes the palette whose words the prompt uses, else one by chance.
func pick(prompt string, r *rand.Rand) palette {
	chance := palettes[r.IntN(len(palettes))].palette
	for _, w := range strings.Fields(strings.ToLower(prompt)) {
		w = strings.Trim(w, ".,;:!?\"'")
		for _, p := range palettes {
			for _, known := range strings.Fields(p.words) {
				if w == known {
					return p.palette
				}
			}
		}
	}
	return chance
}

// compose draws a first picture: one of four scenes.
func (c canvas) compose(prompt string, r *rand.Rand) {
	p := pick(prompt, r)
	switch r.IntN(4) {
	case 0:
		c.hills(p, r)
	case 1:
		c.shapes(p, r)
	case 2:
		c.waves(p, r)
	default:
		c.city(p, r)
	}
}

func (c canvas) sun(p palette, r *rand.Rand, low float64) {
	w, h := c.size()
	unit := float64(min(w, h))
	x, y := float64(w)*(.2+.6*r.Float64()), float64(h)*(.15+low*r.Float64())
	radius := unit * (.08 + .08*r.Float64())
	for i := 3; i > 0; i-- {
		c.disc(x, y, radius*(1+.35*float64(i)), p[3], 30)
	}
	c.disc(x, y, radius, p[3], 256)
}

func (c canvas) hills(p palette, r *rand.Rand) {
	w, h := c.size()
	c.gradient(mix(p[0], p[1], .35), p[0])
	c.sun(p, r, .25)
	for i := range 5 {
		base := float64(h) * (.42 + .12*float64(i))
		tall := float64(h) * (.1 - .012*float64(i))
		a, b, k := r.Float64()*7, r.Float64()*7, 2+2*r.Float64()+float64(i)*.6
		depth := float64(i) / 4
		c.below(func(x float64) float64 {
			t := x / float64(w) * k
			return base - tall*(math.Sin(t*1.9+a)+.5*math.Sin(t*4.3+b)+.15*math.Sin(t*13+a))
		}, mix(mix(p[1], p[2], min(1, depth*1.6)), p[4], depth*.75), 244)
	}
}

func (c canvas) shapes(p palette, r *rand.Rand) {
	w, h := c.size()
	unit := float64(min(w, h))
	c.gradient(p[0], mix(p[0], p[1], .5))
	for i := range 9 {
		x, y := r.Float64()*float64(w), r.Float64()*float64(h)*.85
		size := unit * (.08 + .24*r.Float64())
		col := p[1+r.IntN(4)]
		switch i % 3 {
		case 0:
			c.disc(x, y, size, col, 215)
		case 1:
			c.ring(x, y, size, size*.28, col, 235)
		default:
			c.rect(x-size, y-size*.4, x+size, y+size*.4, col, 190)
		}
	}
}

func (c canvas) waves(p palette, r *rand.Rand) {
	w, h := c.size()
	unit := float64(min(w, h))
	c.gradient(p[0], mix(p[0], p[3], .4))
	c.sun(p, r, .12)
	radius := unit * (.16 + .05*r.Float64())
	for row := 0; ; row++ {
		y := float64(h)*.42 + float64(row)*radius*.52
		if y > float64(h)+radius {
			return
		}
		shift := float64(row%2) * radius
		t := min(1, float64(row)/7)
		for x := -shift; x < float64(w)+radius; x += 2 * radius {
			c.disc(x+radius, y+radius*.6, radius, mix(p[2], p[4], t), 256)
			c.disc(x+radius, y+radius*.6, radius*.82, mix(p[1], p[2], t), 256)
			c.disc(x+radius, y+radius*.6, radius*.5, mix(p[0], p[1], t), 256)
			c.disc(x+radius, y+radius*.6, radius*.25, mix(p[3], p[2], t), 256)
		}
	}
}

func (c canvas) city(p palette, r *rand.Rand) {
	w, h := c.size()
	unit := float64(min(w, h))
	c.gradient(mix(p[1], p[4], .25), p[0])
	c.sun(p, r, .2)
	for layer := range 3 {
		depth := float64(layer) / 2
		col := mix(mix(p[1], p[2], depth), p[4], .25+.55*depth)
		for x := -unit * .05 * r.Float64(); x < float64(w); {
			wide := unit * (.07 + .08*r.Float64())
			top := float64(h) * (.3 + .18*float64(layer) + .18*r.Float64())
			c.rect(x, top, x+wide, float64(h), col, 250)
			pane := unit * .014
			for wy := top + pane*1.5; wy < float64(h) && layer > 0; wy += pane * 2.6 {
				for wx := x + pane; wx < x+wide-pane*1.5; wx += pane * 2.2 {
					if r.IntN(5) < 2 {
						c.rect(wx, wy, wx+pane, wy+pane*1.4, p[3], 200)
					}
				}
			}
			x += wide + unit*.012*r.Float64()
		}
	}
}

// edit scales the picture it was given into the canvas, then leaves a visible mark by the prompt.
func (c canvas) edit(base image.Image, prompt string, turn int, r *rand.Rand) {
	w, h := c.size()
	from := base.Bounds()
	if bw, bh := from.Dx(), from.Dy(); bw*h > bh*w { // fill the frame, cut what stands over
		cut := (bw - bh*w/h) / 2
		from = image.Rect(from.Min.X+cut, from.Min.Y, from.Max.X-cut, from.Max.Y)
	} else {
		cut := (bh - bw*h/w) / 2
		from = image.Rect(from.Min.X, from.Min.Y+cut, from.Max.X, from.Max.Y-cut)
	}
	if from.Dx() >= 2*w {
		draw.NearestNeighbor.Scale(c.RGBA, c.Rect, base, from, draw.Src, nil)
	} else {
		draw.ApproxBiLinear.Scale(c.RGBA, c.Rect, base, from, draw.Src, nil)
	}
	p := pick(prompt, r)
	c.tint(mix(p[1], p[0], .3), 120)
	unit := float64(min(w, h))
	x, y := float64(w)*(.2+.6*r.Float64()), float64(h)*(.3+.22*r.Float64())
	size := unit * (.1 + .08*r.Float64())
	switch r.IntN(3) {
	case 0:
		c.disc(x, y, size, p[3], 230)
		c.ring(x, y, size*1.35, size*.12, p[3], 230)
	case 1:
		for i := range 3 {
			c.ring(x, y, size*(1-.3*float64(i)), size*.14, p[2+i%3], 240)
		}
	default:
		for i := range 7 {
			angle := float64(i) * 2 * math.Pi / 7
			c.disc(x+size*math.Cos(angle), y+size*math.Sin(angle), size*.36, p[2], 235)
		}
		c.disc(x, y, size*.5, p[3], 255)
	}
	c.caption(prompt, turn)
}
