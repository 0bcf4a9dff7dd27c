package gemini

import (
	"bytes"
	"encoding/binary"
)

// pictureSize reads width and height from the head of a JPEG, PNG, WebP or GIF.
// Zero: it is none of these, or the head does not reach as far.
func pictureSize(head []byte) (width, height int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8")):
		return jpegPixels(head)
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")) && len(head) >= 24 && string(head[12:16]) == "IHDR":
		return clampPixels(binary.BigEndian.Uint32(head[16:])), clampPixels(binary.BigEndian.Uint32(head[20:]))
	case bytes.HasPrefix(head, []byte("RIFF")) && len(head) >= 30 && string(head[8:12]) == "WEBP":
		return webpPixels(head)
	case bytes.HasPrefix(head, []byte("GIF8")) && len(head) >= 10:
		return int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:]))
	}
	return 0, 0
}

// clampPixels gives zero for what is no PNG's width: the format ends at 2^31-1.
func clampPixels(n uint32) int {
	if n > 1<<31-1 {
		return 0
	}
	return int(n)
}

// jpegPixels goes from segment to segment to the start of frame. Google's own
// pictures have their provenance (APP11, some 10 KB) before it.
func jpegPixels(head []byte) (width, height int) {
	for b := head[2:]; len(b) >= 4 && b[0] == 0xff; {
		marker, length := b[1], int(binary.BigEndian.Uint16(b[2:]))
		switch {
		case marker == 0xff: // a fill byte
			b = b[1:]
			continue
		case isStartOfFrame(marker) && len(b) >= 9:
			return int(binary.BigEndian.Uint16(b[7:])), int(binary.BigEndian.Uint16(b[5:]))
		case length < 2, 2+length > len(b), marker == 0xda:
			return 0, 0
		}
		b = b[2+length:]
	}
	return 0, 0
}

// isStartOfFrame: C0 to CF without the tables DHT (C4), JPG (C8) and DAC (CC).
func isStartOfFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

func webpPixels(b []byte) (width, height int) {
	switch string(b[12:16]) {
	case "VP8X":
		return 1 + uint24(b[24:]), 1 + uint24(b[27:])
	case "VP8L":
		bits := binary.LittleEndian.Uint32(b[21:])
		return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff)
	case "VP8 ":
		return int(binary.LittleEndian.Uint16(b[26:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[28:]) & 0x3fff)
	}
	return 0, 0
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
