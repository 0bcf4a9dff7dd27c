package thread

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/internal/spool"
)

// longChat is a conversation of ten turns, of about size bytes without its signatures,
// with the memory of a gateway that saw it.
func longChat(b *testing.B, size int) (*Memory, []byte) {
	b.Helper()
	m, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{7})
	picture := make([]byte, size/10/4*3)
	contents := []string{`{"role":"user","parts":[{"text":"a fox"}]}`}
	for n := range 10 {
		_, _ = random.Read(picture)
		copy(picture, paint(0))
		data := base64.StdEncoding.EncodeToString(picture)
		asked := `{"contents":[` + strings.Join(contents, ",") + `]}`
		part := `{"inlineData":{"mimeType":"image/jpeg","data":"` + data + `"}`
		tell(b, m, "studio", asked, `{"candidates":[{"content":{"parts":[`+part+`,"thoughtSignature":"`+data+`"}],"role":"model"},"finishReason":"STOP"}]}`)
		contents = append(contents, `{"role":"model","parts":[`+part+`}]}`, fmt.Sprintf(`{"role":"user","parts":[{"text":"change %d"}]}`, n))
	}
	return m, []byte(`{"contents":[` + strings.Join(contents, ",") + `]}`)
}

// drain reads as an HTTP client does that sends, 32 KiB at a time.
func drain(b *testing.B, r io.ReadCloser, buffer []byte) (n int64) {
	b.Helper()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buffer)
	if err != nil {
		b.Fatal(err)
	}
	_ = r.Close()
	return n
}

// BenchmarkHeal heals a request of ten turns and 25 MB that lost all its signatures,
// which makes it 50 MB, beside the scan of the same body, by turns in the same run:
//
//   - scan-ms is what every request costs on its way in: its bytes are taken into the
//     spool and scanned;
//   - heal-ms is what healing adds on its way out: the plan, ten look-ups, and 25 MB of
//     signatures read from their files, which the system has in memory;
//   - heal/scan is the ratio of these two;
//   - plan-ms is the part of heal-ms before the first byte leaves, look-ups included, and
//     scanner-ms the part of scan-ms that is the scanner alone, without a copy. The rest
//     of both is moving 25 MB.
//
// Each is the fastest of the run: the machine may be shared, and what else it does is
// told by the mean.
func BenchmarkHeal(b *testing.B) {
	m, body := longChat(b, 25e6)
	s, err := spool.New(b.TempDir(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var scanner, scan, plan, heal, pass time.Duration
	took := func(best *time.Duration, do func()) {
		begun := time.Now()
		do()
		if d := time.Since(begun); *best == 0 || d < *best {
			*best = d
		}
	}
	buffer := make([]byte, 32<<10)
	for b.Loop() {
		took(&scanner, func() {
			var scan gemini.RequestScanner
			for chunk := range slices.Chunk(body, 512<<10) {
				_, _ = scan.Write(chunk)
			}
			scan.Finish()
		})
		spooled := s.Buffer()
		var asked gemini.Asked
		took(&scan, func() {
			var scan gemini.RequestScanner
			if err := spooled.Fill(bytes.NewReader(body), func(p []byte) { _, _ = scan.Write(p) }); err != nil {
				b.Fatal(err)
			}
			asked = scan.Finish()
		})
		took(&pass, func() { drain(b, spooled.Reader(nil), buffer) })
		var h *Healing
		took(&plan, func() {
			if h, err = m.Heal("studio", &asked, spooled, now); err != nil || h.How != Remembered {
				b.Fatal(h, err)
			}
		})
		took(&heal, func() {
			if n := drain(b, h.Reader(spooled, spooled.Len()), buffer); n < 2*int64(len(body))-10_000 {
				b.Fatal(n)
			}
			_ = h.Close()
		})
		spooled.Release()
	}
	heal += plan - pass
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	b.ReportMetric(ms(scan), "scan-ms")
	b.ReportMetric(ms(scanner), "scanner-ms")
	b.ReportMetric(ms(plan), "plan-ms")
	b.ReportMetric(ms(heal), "heal-ms")
	b.ReportMetric(ms(heal)/ms(scan), "heal/scan")
}
