package gemini

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// testPNG is a picture of one pixel.
var testPNG = encoded(png.Encode, 1, 1)

func encoded(encode func(io.Writer, image.Image) error, width, height int) []byte {
	var b bytes.Buffer
	if err := encode(&b, image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black})); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func toJPEG(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }
func toGIF(w io.Writer, m image.Image) error  { return gif.Encode(w, m, nil) }

// segment gives a JPEG segment of n bytes.
func segment(marker byte, n int) string {
	return string([]byte{0xff, marker, byte(n >> 8), byte(n)}) + strings.Repeat("\x00", n-2)
}

func TestWidthAndHeightAreReadFromTheHead(t *testing.T) {
	t.Parallel()
	riff := func(chunk string) string { return "RIFF\x00\x00\x00\x00WEBP" + chunk + strings.Repeat("\x00", 20) }
	provenance := segment(0xeb, 60000)
	photo := string(encoded(toJPEG, 1376, 768))
	tests := map[string]struct {
		picture       string
		width, height int
	}{
		"png":                     {string(encoded(png.Encode, 1024, 768)), 1024, 768},
		"jpeg":                    {photo, 1376, 768},
		"jpeg behind provenance":  {photo[:2] + provenance + photo[2:], 1376, 768},
		"jpeg behind too much":    {photo[:2] + provenance + provenance + photo[2:], 0, 0},
		"jpeg with fill bytes":    {photo[:2] + "\xff\xff" + photo[2:], 1376, 768},
		"jpeg without frame":      {photo[:2] + segment(0xda, 12), 0, 0},
		"gif":                     {string(encoded(toGIF, 300, 200)), 300, 200},
		"webp, extended":          {riff("VP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\x0a\x00\xff\x05\x00"), 2816, 1536},
		"webp, lossless":          {riff("VP8L\x00\x00\x00\x00\x2f\x3f\xc1\x63\x00"), 320, 400},
		"webp, lossy":             {riff("VP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a\x40\x01\x90\x01"), 320, 400},
		"webp of another kind":    {riff("ALPH"), 0, 0},
		"no picture":              {"hello, world, this is no picture at all", 0, 0},
		"png that is cut":         {string(testPNG[:20]), 0, 0},
		"png wider than any":      {string(testPNG[:16]) + "\xff\xff\xff\xff\x00\x00\x00\x01" + string(testPNG[24:]), 0, 1},
		"jpeg with a bad segment": {photo[:2] + "\xff\xe0\x00\x01", 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := base64.StdEncoding.EncodeToString([]byte(test.picture))
			p := scan("", `{"predictions":[{"bytesBase64Encoded":"`+data+`"}]}`).Parts[0]
			if p.Width != test.width || p.Height != test.height {
				t.Errorf("got %dx%d", p.Width, p.Height)
			}
		})
	}
}

func TestLongPicturesAreIdentifiedByTheirEnds(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{1})
	longest := make([]byte, 400_000)
	random.Read(longest)
	for _, n := range []int{1, 2, 3, 8191, 8192, 8193, 8194, 16383, 16384, 16385, 16386, 16387, 32767, 32768, 32769, 65535, 65536, 65537, 65538, 65539, 65540, 131072, 131073, 131074, 200_000, 399_998, 399_999, 400_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			picture := longest[:n]
			for _, data := range []string{base64.StdEncoding.EncodeToString(picture), base64.RawURLEncoding.EncodeToString(picture)} {
				for _, size := range []int{1, 1000, 32 << 10, 1 << 20} {
					p := scan("", `{"data":[{"b64_json":"`+data+`"}]}`, size).Parts[0]
					if p.Decoded != int64(n) || p.Digest != Identify(picture) {
						t.Errorf("%d bytes at a time: %d decoded, %x", size, p.Decoded, p.Digest[:4])
					}
				}
			}
		})
	}
}

func TestWhatIsNoBase64HasNoIdentity(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"<elided>", "iVBO RwK", "A", "AAAAA", "AAAA====", "====", "AA=A"} {
		for _, p := range scan("", `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"`+data+`"}}]}}]}`).Parts {
			if p.Digest != ([32]byte{}) {
				t.Errorf("%s has %x", data, p.Digest[:4])
			}
		}
	}
	got := scan("", `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":""}}]}}]}`)
	if got.Parts[0].Kind != KindOther {
		t.Errorf("an empty picture is %s", got.Parts[0].Kind)
	}
}

func TestADataURLGivesTypeAndPlaceOfItsPicture(t *testing.T) {
	t.Parallel()
	body := `{"data":[{"url":"data:image\/webp;base64,AAAA"},{"url":"https://e.example/a.png"},{"url":"data"}]}`
	got := scan("", body, 1).Parts
	if p := got[0]; p.MIME != "image/webp" || p.Decoded != 3 || body[p.Data.Start:][:p.Data.Len] != "AAAA" || p.URI != "" {
		t.Errorf("got %+v", p)
	}
	if got[1].URI != "https://e.example/a.png" || got[1].Kind != KindImage || got[2].URI != "data" {
		t.Errorf("got %+v", got[1:])
	}
}

// Not parallel: it counts what the whole process allocates.
func TestMemoryDoesNotGrowWithTheBody(t *testing.T) {
	small, large := imageAnswer(1e6), imageAnswer(20e6)
	allocated := func(body []byte) float64 {
		s := NewScanner("")
		return testing.AllocsPerRun(5, func() {
			s.Reset("")
			s.Write(body)
			s.Finish()
		})
	}
	if a, b := allocated(small), allocated(large); b > a+2 || b > 20 {
		t.Errorf("%v allocations for 1 MB, %v for 20 MB", a, b)
	}
}
