package gemini

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/iotest"
)

func TestPicturesInWhatTheModelSaidCountAsPictures(t *testing.T) {
	t.Parallel()
	url := "data:image/png;base64," + base64.StdEncoding.EncodeToString(testPNG)
	body := `{"contents":[{"role":"user","parts":[{"text":"a ` + url + `"}]},{"role":"model","parts":[{"text":"![](` + url + `)"},{"text":"b"}]}]}`
	got := ask(body)
	before := got.TextBytes
	if err := got.LookInside(strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	if got.Images != 1 || got.TextBytes != before-int64(len(url)) || len(got.Turns[1].Parts[0].Inside) != 1 || got.Turns[0].Parts[0].Inside != nil {
		t.Errorf("%d pictures, %d bytes of text of %d: %+v", got.Images, got.TextBytes, before, got.Turns)
	}
}

func TestPicturesAreFoundInATextWhereverTheyStand(t *testing.T) {
	t.Parallel()
	data := base64.StdEncoding.EncodeToString(testPNG)
	safe := strings.TrimRight(base64.URLEncoding.EncodeToString(testPNG), "=")
	php := strings.ReplaceAll(data, "/", `\/`)
	for name, c := range map[string]struct {
		text string
		urls []string
		data []string
	}{
		"alone":       {"data:image/png;base64," + data, []string{"data:image/png;base64," + data}, []string{data}},
		"in Markdown": {`Here:\n\n![a \"fox\"](data:image/png;base64,` + data + `)\nEnjoy`, []string{"data:image/png;base64," + data}, []string{data}},
		"twice": {"a data:image/png;base64," + data + " b data:image/png;base64," + safe + ".",
			[]string{"data:image/png;base64," + data, "data:image/png;base64," + safe}, []string{data, safe}},
		"with escaped slashes":  {`(data:image\/png;base64,` + php + `)`, []string{`data:image\/png;base64,` + php}, []string{php}},
		"with parameters":       {"<data:image/png;name=a.png;base64," + data + ">", []string{"data:image/png;name=a.png;base64," + data}, []string{data}},
		"ended by an escape":    {"data:image/png;base64," + data + `\nand`, []string{"data:image/png;base64," + data}, []string{data}},
		"not base64":            {"data:image/svg+xml,<svg/> and data:image/svg+xml;utf8,abc", nil, nil},
		"half a beginning":      {"ddata:imag data:image", nil, nil},
		"a beginning before it": {"data:data:image/png;base64," + data, []string{"data:image/png;base64," + data}, []string{data}},
		"nothing behind it":     {"data:image/png;base64,", nil, nil},
		"an example of one":     {"data:image/png;base64,iVBORw0KGgo= and data:image/png;base64,QUJD", nil, nil},
		"in an escape":          {`\u0064ata:image/png;base64,` + data, nil, nil},
		"behind an escape":      {`\u0064\u0061data:image/png;base64,` + data, []string{"data:image/png;base64," + data}, []string{data}},
		"none":                  {"a quince", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const at = 100
			body := strings.Repeat(" ", at) + c.text
			left := 9
			whole, err := picturesIn(strings.NewReader(c.text), at, &left)
			if err != nil {
				t.Fatal(err)
			}
			bit, err := picturesIn(iotest.OneByteReader(strings.NewReader(c.text)), at, &left)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, whole, bit)
			if len(whole) != len(c.urls) {
				t.Fatalf("found %d", len(whole))
			}
			cut := func(s Span) string { return body[s.Start : s.Start+s.Len] }
			for i, p := range whole {
				if cut(p.Object) != c.urls[i] || cut(p.Data) != c.data[i] {
					t.Errorf("found %q with %q", cut(p.Object), cut(p.Data))
				}
				if p.MIME != "image/png" && !strings.Contains(c.text, `\/`) || p.Digest != Identify(testPNG) || p.Kind != KindImage {
					t.Errorf("found %+v", p)
				}
			}
		})
	}
}

// A body of 100 MB has room for four million data URLs.
func TestPicturesInTextsAreBounded(t *testing.T) {
	t.Parallel()
	url := "data:image/png;base64," + base64.StdEncoding.EncodeToString(testPNG) + " "
	text := `{"text":"` + strings.Repeat(url, maxParts/2+1) + `"}`
	body := `{"contents":[{"role":"model","parts":[` + text + "," + text + "," + text + `]}]}`
	got := ask(body)
	if err := got.LookInside(strings.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	if got.Images != maxParts || !got.Cut {
		t.Errorf("%d pictures, cut %t", got.Images, got.Cut)
	}
}
