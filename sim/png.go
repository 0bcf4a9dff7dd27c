package sim

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"math/rand/v2"
)

// encodePNG writes an RGB PNG with film grain. Filter "Sub" and Huffman coding only: grain cannot be matched anyway,
// and a search for matches would take ten times as long.
func encodePNG(m *image.RGBA, r *rand.Rand) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	var out bytes.Buffer
	out.Grow(w * h * 2)
	out.WriteString("\x89PNG\r\n\x1a\n")
	header := binary.BigEndian.AppendUint32(nil, uint32(w))
	header = binary.BigEndian.AppendUint32(header, uint32(h))
	chunk(&out, "IHDR", append(header, 8, 2, 0, 0, 0))
	var idat bytes.Buffer
	idat.Grow(w * h * 2)
	z, _ := zlib.NewWriterLevel(&idat, flate.HuffmanOnly) // errs only on an unknown level
	row := make([]byte, 1+3*w)
	for y := range h {
		row[0] = 1
		var left [3]uint8
		var bits uint64
		for x := range w {
			if x%3 == 0 {
				bits = r.Uint64()
			}
			for i := range 3 {
				v := int(m.Pix[y*m.Stride+x*4+i]) + int(bits&15+bits>>4&7) - 11
				bits >>= 7
				p := uint8(min(max(v, 0), 255))
				row[1+x*3+i] = p - left[i]
				left[i] = p
			}
		}
		z.Write(row)
	}
	z.Close()
	chunk(&out, "IDAT", idat.Bytes())
	chunk(&out, "IEND", nil)
	return out.Bytes()
}

func chunk(out *bytes.Buffer, kind string, data []byte) {
	out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
	out.WriteString(kind)
	out.Write(data)
	sum := crc32.ChecksumIEEE([]byte(kind))
	out.Write(binary.BigEndian.AppendUint32(nil, crc32.Update(sum, crc32.IEEETable, data)))
}
