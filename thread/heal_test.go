package thread

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

var update = flag.Bool("update", false, "write the expectations of testdata anew")

// now is when a test begins.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// paint makes a picture that differs by its shade.
func paint(shade uint8) []byte {
	m := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range m.Pix {
		m.Pix[i] = shade + uint8(i*7)
	}
	m.Set(0, 0, color.Gray{Y: shade})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Words that stand for something long in the files of testdata.
func spelled(text string) string {
	var pairs []string
	for n, name := range []string{"FOX", "OWL", "STRANGER"} {
		raw := paint(uint8(40 * n))
		plain := base64.StdEncoding.EncodeToString(raw)
		safe := base64.URLEncoding.EncodeToString(raw)
		pairs = append(pairs,
			name+"_URLSAFE", strings.TrimRight(safe, "="),
			name+"_LINES", plain[:76]+`\n`+plain[76:152]+`\r\n`+plain[152:],
			name+"_PHP", strings.ReplaceAll(plain, "/", `\/`),
			name+"_BASE64", plain)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// short puts the words back, for the files.
func short(text string) string {
	for n, name := range []string{"FOX", "OWL", "STRANGER"} {
		raw := paint(uint8(40 * n))
		plain := base64.StdEncoding.EncodeToString(raw)
		text = strings.NewReplacer(plain, name+"_BASE64",
			strings.TrimRight(base64.URLEncoding.EncodeToString(raw), "="), name+"_URLSAFE",
			plain[:76]+`\n`+plain[76:152]+`\r\n`+plain[152:], name+"_LINES",
			strings.ReplaceAll(plain, "/", `\/`), name+"_PHP").Replace(text)
	}
	return text
}

func scan(t testing.TB, body string) *gemini.Asked {
	t.Helper()
	var s gemini.RequestScanner
	_, _ = io.WriteString(&s, body)
	asked := s.Finish()
	if err := asked.LookInside(strings.NewReader(body)); err != nil || !asked.Valid {
		t.Fatalf("%s, %v in %s", asked.Fault, err, body)
	}
	return &asked
}

func answered(body string) *gemini.Body {
	s := gemini.NewScanner("application/json")
	_, _ = io.WriteString(s, body)
	b := s.Finish()
	return &b
}

// What the memory of these tests has seen: a chat of two turns.
const (
	firstAsked  = `{"contents":[{"role":"user","parts":[{"text":"a fox"}]}]}`
	firstAnswer = `{"candidates":[{"content":{"parts":[{"text":"Here is a fox. ","thoughtSignature":"SIG-TEXT-1"},{"inlineData":{"mimeType":"image/png","data":"FOX_BASE64"},"thoughtSignature":"SIG-FOX+\/="}],"role":"model"},"finishReason":"STOP"}]}`

	secondAsked  = `{"contents":[{"role":"user","parts":[{"text":"a fox"}]},{"role":"model","parts":[]},{"role":"user","parts":[{"text":"now an owl"}]}]}`
	secondAnswer = `{"candidates":[{"content":{"parts":[{"thought":true,"text":"Hm."},{"inlineData":{"mimeType":"image/png","data":"OWL_BASE64"},"thoughtSignature":"SIG-OWL"}],"role":"model"},"finishReason":"STOP"}]}`

	thirdAsked  = `{"contents":[{"role":"user","parts":[{"text":"which colour?"}]}]}`
	thirdAnswer = `{"candidates":[{"content":{"parts":[{"text":"Which do you like?","thoughtSignature":"SIG-WORDS"}],"role":"model"},"finishReason":"STOP"}]}`
)

func remembers(t testing.TB, of plantain.ClientName) *Memory {
	t.Helper()
	m, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, turn := range [][2]string{{firstAsked, firstAnswer}, {secondAsked, secondAnswer}, {thirdAsked, thirdAnswer}} {
		tell(t, m, of, turn[0], turn[1])
	}
	return m
}

func tell(t testing.TB, m *Memory, of plantain.ClientName, asked, answer string) {
	t.Helper()
	answer = spelled(answer)
	if err := m.Remember(of, scan(t, asked), answered(answer), strings.NewReader(answer), now); err != nil {
		t.Fatal(err)
	}
}

// sent reads a request as it is to be sent.
func sent(t testing.TB, h *Healing, body string) string {
	t.Helper()
	r := h.Reader(strings.NewReader(body), int64(len(body)))
	if err := h.Close(); err != nil { // it is still read
		t.Error(err)
	}
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(len(body)) + h.Grows(); int64(len(got)) != want {
		t.Errorf("%d bytes, said to be %d", len(got), want)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, f := range h.open {
		if err := f.Close(); err == nil {
			t.Error("the file of a signature was left open")
		}
	}
	return string(got)
}

func heal(t testing.TB, m *Memory, of plantain.ClientName, body string) (string, How) {
	t.Helper()
	h, err := m.Heal(of, scan(t, body), strings.NewReader(body), now)
	if err != nil {
		t.Fatal(err)
	}
	return sent(t, h, body), h.How
}

func flatten(t testing.TB, body string) (string, How) {
	t.Helper()
	h, err := Flatten(scan(t, body), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return sent(t, h, body), h.How
}

const divider = "\n---- "

// Each file of testdata has a request, what it becomes when it is healed, and what when
// it is flattened.
func TestRequestsAreHealedAsTheirFilesSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	m := remembers(t, "studio")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			request, _, _ := strings.Cut(string(text), divider)
			body := spelled(request)
			healed, how := heal(t, m, "studio", body)
			flat, flatHow := flatten(t, body)
			for _, b := range []string{healed, flat} {
				if !json.Valid([]byte(b)) {
					t.Errorf("not JSON: %s", short(b))
				}
			}
			if (how == Untouched) != (healed == body) || (flatHow == Untouched) != (flat == body) {
				t.Errorf("what was done is called %q and %q", how, flatHow)
			}
			got := request + outcome("healed", how, body, healed) + outcome("flat", flatHow, body, flat) + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if string(text) != got {
				t.Errorf("got\n%s\nwant\n%s", got, text)
			}
		})
	}
}

func outcome(name string, how How, before, after string) string {
	if before == after {
		return divider + name + ": untouched"
	}
	return fmt.Sprintf("%s%s: %s\n%s", divider, name, how, short(after))
}
