package gemini

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAPictureIsReadHoweverItsBase64IsWritten(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 2, 3, 4, 100_000, 100_001} {
		want := make([]byte, length)
		for i := range want {
			want[i] = byte(i*i>>3 + 255)
		}
		std := base64.StdEncoding.EncodeToString(want)
		for name, text := range map[string]string{
			"as Google writes it":       std,
			"for URLs, without padding": base64.RawURLEncoding.EncodeToString(want),
			"with escaped slashes":      strings.ReplaceAll(std, "/", `\/`),
			"with escapes by number":    strings.NewReplacer("/", `\u002F`, "=", `\u003d`, "+", `\u002b`).Replace(std),
			"with lines":                strings.ReplaceAll(std, "A", "A\\n"),
		} {
			for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
				got, err := io.ReadAll(PictureReader(from))
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes %s: read %d, %v", length, name, len(got), err)
				}
			}
		}
	}
}

func TestWhatIsNoPictureIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"QUJD!!!!", "QUJDR"} {
		if _, err := io.ReadAll(PictureReader(strings.NewReader(text))); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
