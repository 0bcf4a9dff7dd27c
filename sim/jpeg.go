package sim

import (
	"encoding/binary"
	"image"
	"math"
	"math/bits"
	"math/rand/v2"
	"sync"
)

// A baseline JPEG encoder made for one purpose: true-size, film-grained pictures at a fraction of the usual price.
//
// The canvas is drawn at 1K. For 2K and 4K each 8x8 block holds only 4x4 or 2x2 canvas samples: their small DCT,
// scaled, is the low corner of the block's DCT, which is a smooth enlargement without a pixel being computed. The
// high frequencies are grain, taken as ready Huffman bits from a small library. Measured: 4096x4096 pixels, 9 MB,
// in 30 ms.

// grain says how much noise a picture of one enlargement carries; it sets the file size.
type grain struct {
	scale  int // 1, 2 or 4: output pixels per canvas pixel
	side   int // canvas samples per block side: 8, 4, 2
	head   int // zig-zag positions coded from the canvas; the rest are grain
	quant  int // one divisor for every coefficient
	luma   tails
	chroma tails
	dct    [8][8]float32 // side x side basis, enlargement and quantisation folded in
}

// tails is a library of ready-made ends of blocks.
type tails struct {
	dc, ac *huffman
	lib    []tail
}

// tail is the end of a block: its first coefficient, whose code depends on the zeros before it, then finished bits.
type tail struct {
	first int32
	words []uint32
	rest  uint32
	left  uint
	noise [64]int32 // for side 8, where grain is added to the coefficients instead
}

// huffman holds code and length by symbol.
type huffman struct {
	code [256]uint32
	size [256]uint
	spec []byte // counts and values as the DHT segment wants them
}

const tailCount = 256

// grains returns the grain for a scale, made once: reproducible, for pictures depend on nothing but their recipe.
var grains = map[int]func() *grain{
	1: sync.OnceValue(func() *grain { return newGrain(1, 64, 1, 7, 3, 16) }),
	2: sync.OnceValue(func() *grain { return newGrain(2, 25, 1, 7, 3, 12) }),
	4: sync.OnceValue(func() *grain { return newGrain(4, 5, 2, 3, 1, 11) }),
}

// newGrain builds the library: luma values up to ±amp, chroma ±camp over clen positions.
func newGrain(scale, head, quant, amp, camp, clen int) *grain {
	g := &grain{scale: scale, side: 8 / scale, head: head, quant: quant}
	n := float64(g.side)
	for u := range g.side {
		c := math.Sqrt(2 / n)
		if u == 0 {
			c = math.Sqrt(1 / n)
		}
		for x := range g.side {
			// sqrt(8/n) a dimension turns a small DCT into the corner of a large one.
			g.dct[u][x] = float32(c * math.Cos((2*float64(x)+1)*float64(u)*math.Pi/(2*n)) * math.Sqrt(8/n/float64(quant)))
		}
	}
	r := rand.New(rand.NewPCG(7, uint64(scale)))
	length := 64 - head
	if head == 64 {
		length = 44 // the highest 44 of 63: 0.85 MB at 1K
	}
	g.luma = newTails(lumaDC, lumaAC, r, head, amp, length)
	g.chroma = newTails(chromaDC, chromaAC, r, head, camp, clen)
	return g
}

// newTails makes the library; length is how many positions of a block carry grain.
func newTails(dc, ac *huffman, r *rand.Rand, head, amp, length int) tails {
	t := tails{dc: dc, ac: ac}
	value := func() int32 {
		v := int32(amp/2+1) + r.Int32N(int32(amp-amp/2))
		if r.IntN(2) == 0 {
			return -v
		}
		return v
	}
	for range tailCount {
		var one tail
		if head == 64 {
			for i := range length {
				one.noise[64-length+i] = value()
			}
			t.lib = append(t.lib, one)
			continue
		}
		one.first = value()
		w := bitWriter{raw: true}
		for range length - 1 {
			w.coefficient(ac, 0, value())
		}
		if head+length < 64 {
			w.put(ac.code[0], ac.size[0])
		}
		one.words, one.rest, one.left = w.words, uint32(w.acc)&(1<<w.n-1), w.n
		t.lib = append(t.lib, one)
	}
	return t
}

// encodeJPEG appends the canvas, enlarged to w x h, to buf. seed picks the grain.
func encodeJPEG(buf []byte, canvas *image.RGBA, w, h int, seed uint64) []byte {
	g := grains[w/canvas.Bounds().Dx()]()
	mw, mh := (w+15)/16, (h+15)/16
	planes := newPlanes(canvas, mw*16/g.scale, mh*16/g.scale)
	out := bitWriter{buf: appendHeader(buf, w, h, g.quant)}
	rnd := seed | 1
	var dcY, dcB, dcR int32
	side := g.side
	for my := range mh {
		out.reserve(mw * 6 * 420)
		for mx := range mw {
			rnd ^= rnd << 13
			rnd ^= rnd >> 7
			rnd ^= rnd << 17
			y0 := planes.y[my*2*side*planes.stride+mx*2*side:]
			dcY = out.block(g, &g.luma, y0, planes.stride, dcY, uint8(rnd))
			dcY = out.block(g, &g.luma, y0[side:], planes.stride, dcY, uint8(rnd>>8))
			y1 := y0[side*planes.stride:]
			dcY = out.block(g, &g.luma, y1, planes.stride, dcY, uint8(rnd>>16))
			dcY = out.block(g, &g.luma, y1[side:], planes.stride, dcY, uint8(rnd>>24))
			at := my*side*planes.stride/2 + mx*side
			dcB = out.block(g, &g.chroma, planes.cb[at:], planes.stride/2, dcB, uint8(rnd>>32))
			dcR = out.block(g, &g.chroma, planes.cr[at:], planes.stride/2, dcR, uint8(rnd>>40))
		}
	}
	return append(out.flush(), 0xff, 0xd9)
}

// block codes one block from its canvas samples and returns its DC for the next one.
func (w *bitWriter) block(g *grain, t *tails, px []int16, stride int, dc int32, pick uint8) int32 {
	end := &t.lib[pick]
	var coef [64]int32
	switch g.side {
	case 2:
		a, b := int32(px[0]), int32(px[1])
		c, d := int32(px[stride]), int32(px[stride+1])
		// The 2x2 DCT times four, by quant 2.
		coef[0], coef[1], coef[2], coef[4] = a+b+c+d, a-b+c-d, a+b-c-d, a-b-c+d
	default:
		g.transform(&coef, px, stride)
	}
	if g.head == 64 {
		for i, v := range end.noise {
			coef[i] += v
		}
	}
	diff := coef[0] - dc
	s := uint(bits.Len32(uint32(max(diff, -diff))))
	w.put(t.dc.code[s], t.dc.size[s])
	if diff < 0 {
		diff--
	}
	w.put(uint32(diff)&(1<<s-1), s)
	run := 0
	for _, v := range coef[1:g.head] {
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			w.put(t.ac.code[0xf0], t.ac.size[0xf0])
		}
		w.coefficient(t.ac, run, min(max(v, -1023), 1023))
		run = 0
	}
	if g.head == 64 {
		if run > 0 {
			w.put(t.ac.code[0], t.ac.size[0])
		}
		return coef[0]
	}
	for ; run > 15; run -= 16 {
		w.put(t.ac.code[0xf0], t.ac.size[0xf0])
	}
	w.coefficient(t.ac, run, end.first)
	for _, x := range end.words {
		w.put(x, 32)
	}
	w.put(end.rest, end.left)
	return coef[0]
}

// transform is the side x side DCT, written to zig-zag positions.
func (g *grain) transform(coef *[64]int32, px []int16, stride int) {
	var rows, out [64]float32
	n := g.side
	for y := range n {
		for x, v := range px[y*stride : y*stride+n] {
			rows[y*8+x] = float32(v)
		}
	}
	for y := range n {
		g.line(&out, &rows, y*8, y)
	}
	rows = out
	for u := range n {
		g.line(&out, &rows, u*8, u)
	}
	for i := range n {
		for j := range n {
			coef[zigzag[i*8+j]] = int32(out[i*8+j]+4096.5) - 4096
		}
	}
}

// line transforms the row of in that starts at from into column to of out: doing it twice leaves rows as rows.
// The basis is even or odd about the middle, so half of eight products suffice.
func (g *grain) line(out, in *[64]float32, from, to int) {
	if g.side == 8 {
		line := in[from : from+8 : from+8]
		s0, s1, s2, s3 := line[0]+line[7], line[1]+line[6], line[2]+line[5], line[3]+line[4]
		d0, d1, d2, d3 := line[0]-line[7], line[1]-line[6], line[2]-line[5], line[3]-line[4]
		for u := 0; u < 8; u += 2 {
			c, d := &g.dct[u], &g.dct[u+1]
			out[(to+u*8)&63] = c[0]*s0 + c[1]*s1 + c[2]*s2 + c[3]*s3
			out[(to+u*8+8)&63] = d[0]*d0 + d[1]*d1 + d[2]*d2 + d[3]*d3
		}
		return
	}
	line := in[from : from+4 : from+4]
	for u := range 4 {
		c := &g.dct[u]
		out[(to+u*8)&63] = c[0]*line[0] + c[1]*line[1] + c[2]*line[2] + c[3]*line[3]
	}
}

// planes is the canvas as YCbCr, chroma halved, padded to whole blocks; samples are centred on zero.
type planes struct {
	stride    int
	y, cb, cr []int16
}

func newPlanes(m *image.RGBA, w, h int) planes {
	p := planes{stride: w, y: make([]int16, w*h), cb: make([]int16, w*h/4), cr: make([]int16, w*h/4)}
	cw, ch := m.Bounds().Dx(), m.Bounds().Dy()
	for y := range h {
		row := m.Pix[min(y, ch-1)*m.Stride:]
		out := p.y[y*w : y*w+w]
		for x := range out {
			i := min(x, cw-1) * 4
			r, g, b := int32(row[i]), int32(row[i+1]), int32(row[i+2])
			out[x] = int16((19595*r+38470*g+7471*b+1<<15)>>16) - 128
		}
		if y&1 == 1 {
			continue
		}
		at := y / 2 * (w / 2)
		for x := range w / 2 {
			i := min(x*2, cw-1) * 4
			r, g, b := int32(row[i]), int32(row[i+1]), int32(row[i+2])
			p.cb[at+x] = int16((-11056*r - 21712*g + 32768*b) >> 16)
			p.cr[at+x] = int16((32768*r - 27440*g - 5328*b) >> 16)
		}
	}
	return p
}

// bitWriter writes Huffman bits with JPEG's byte stuffing; raw collects plain 32-bit words for the library.
type bitWriter struct {
	buf   []byte
	acc   uint64
	n     uint
	raw   bool
	words []uint32
}

// reserve makes room for n more bytes, so that put need not look.
func (w *bitWriter) reserve(n int) {
	if cap(w.buf)-len(w.buf) < n {
		grown := make([]byte, len(w.buf), 2*cap(w.buf)+n)
		copy(grown, w.buf)
		w.buf = grown
	}
}

// put writes the low n bits of code, n at most 32.
func (w *bitWriter) put(code uint32, n uint) {
	w.acc = w.acc<<n | uint64(code)
	w.n += n
	if w.n < 32 {
		return
	}
	w.n -= 32
	x := uint32(w.acc >> w.n)
	if w.raw {
		w.words = append(w.words, x)
		return
	}
	// A byte is 0xff when adding one carries out of its top bit.
	if x&0x80808080&^(x&0x7f7f7f7f+0x01010101^x&0x80808080) == 0 {
		w.buf = binary.BigEndian.AppendUint32(w.buf, x)
		return
	}
	for i := 24; i >= 0; i -= 8 {
		b := byte(x >> i)
		w.buf = append(w.buf, b)
		if b == 0xff {
			w.buf = append(w.buf, 0)
		}
	}
}

func (w *bitWriter) coefficient(h *huffman, run int, v int32) {
	s := uint(bits.Len32(uint32(max(v, -v))))
	if v < 0 {
		v--
	}
	sym := uint(run)<<4 | s
	w.put(h.code[sym]<<s|uint32(v)&(1<<s-1), h.size[sym]+s)
}

func (w *bitWriter) flush() []byte {
	for w.n%8 != 0 {
		w.acc, w.n = w.acc<<1|1, w.n+1
	}
	for ; w.n > 0; w.n -= 8 {
		b := byte(w.acc >> (w.n - 8))
		w.buf = append(w.buf, b)
		if b == 0xff {
			w.buf = append(w.buf, 0)
		}
	}
	return w.buf
}
