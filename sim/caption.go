package sim

import (
	"image"
	"image/color"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

var captionFont = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(gomedium.TTF)
	if err != nil {
		panic(err) // the font is compiled in
	}
	return f
})

// caption writes text into a dark band: at the bottom of a first picture, from the top down for later turns, so that
// the captions of a conversation stay readable in the picture.
func (c canvas) caption(text string, turn int) {
	w, h := c.size()
	size := max(14, float64(min(w, h))/26)
	face, err := opentype.NewFace(captionFont(), &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		return
	}
	defer face.Close()
	room := 6
	if turn > 0 {
		room = 2
	}
	lines := wrap(face, strings.Join(strings.Fields(text), " "), w-int(3*size), room)
	step := size * 1.35
	height := step*float64(len(lines)) + size*.9
	top := float64(h) - height - size
	if turn > 0 {
		top = size + float64(turn-1)*(step*2+size*1.4)
		top = min(top, float64(h)-height-size)
	}
	left, right := size, float64(w)-size
	c.rect(left, top, right, top+height, color.RGBA{12, 14, 20, 255}, 168)
	c.rect(left, top, left+size/5, top+height, color.RGBA{255, 255, 255, 255}, 220)
	d := font.Drawer{Dst: c.RGBA, Src: image.White, Face: face}
	for i, line := range lines {
		d.Dot = fixed.P(int(left+size*.7), int(top+size*.45+step*(float64(i)+.78)))
		d.DrawString(line)
	}
}

// wrap breaks text into at most room lines of width pixels; what is left over becomes an ellipsis.
func wrap(face font.Face, text string, width, room int) []string {
	fits := func(s string) bool { return font.MeasureString(face, s).Ceil() <= width }
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for !fits(word) && len([]rune(word)) > 1 { // a word longer than a line, or a script without spaces
			n := len([]rune(word)) - 1
			for n > 1 && !fits(string([]rune(word)[:n])) {
				n--
			}
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, string([]rune(word)[:n])), string([]rune(word)[n:])
			if len(lines) > room {
				break
			}
		}
		switch next := strings.TrimSpace(line + " " + word); {
		case fits(next):
			line = next
		default:
			lines, line = append(lines, line), word
		}
		if len(lines) > room {
			break
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	if len(lines) <= room {
		return lines
	}
	last := []rune(lines[room-1])
	for len(last) > 0 && !fits(string(last)+"…") {
		last = last[:len(last)-1]
	}
	return append(lines[:room-1], string(last)+"…")
}
