package gemini

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// imageAnswer gives an answer of about size bytes: a picture, and a signature
// as large as the picture beside it.
func imageAnswer(size int) []byte {
	random := rand.NewChaCha8([32]byte{7})
	half := make([]byte, (size/2-300)/4*3)
	random.Read(half)
	copy(half, testPNG)
	data := base64.StdEncoding.EncodeToString(half)
	return []byte(`{"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "` + data +
		`"}, "thoughtSignature": "` + data + `"}], "role": "model"}, "finishReason": "STOP", "index": 0}], ` +
		`"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1518, "totalTokenCount": 1523, ` +
		`"candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}]}, "modelVersion": "gemini-3-pro-image"}`)
}

var benchSizes = []struct {
	name string
	size int
}{{"1.5MB", 1500e3}, {"4MB", 4e6}, {"25MB", 25e6}}

// relayed writes a body as a relay does, 32 KiB at a time.
func relayed(w io.Writer, body []byte) {
	for len(body) > 0 {
		n := min(len(body), 32<<10)
		w.Write(body[:n])
		body = body[n:]
	}
}

func BenchmarkScan(b *testing.B) {
	for _, size := range benchSizes {
		body := imageAnswer(size.size)
		b.Run(size.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			s := NewScanner("application/json")
			for b.Loop() {
				s.Reset("application/json")
				relayed(s, body)
				if got := s.Finish(); len(got.Parts) != 1 || got.Parts[0].Width != 1 {
					b.Fatal(got)
				}
			}
		})
	}
}

func BenchmarkScanEvents(b *testing.B) {
	body := append(append([]byte("data: "), imageAnswer(4e6)...), "\r\n\r\n"...)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	s := NewScanner("text/event-stream")
	for b.Loop() {
		s.Reset("text/event-stream")
		relayed(s, body)
		if got := s.Finish(); got.Events != 1 || len(got.Parts) != 1 {
			b.Fatal(got)
		}
	}
}

func BenchmarkScanRequest(b *testing.B) {
	part := imageAnswer(4e6)
	turn := part[bytes.Index(part, []byte(`{"parts"`)):bytes.Index(part, []byte(`, "finishReason"`))]
	body := fmt.Appendf(nil, `{"contents": [%s, {"role": "user", "parts": [{"text": "a quince"}]}]}`, turn)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var s RequestScanner
		relayed(&s, body)
		if got := s.Finish(); !got.Valid || got.Images != 1 {
			b.Fatal(got)
		}
	}
}

// BenchmarkScanEscaped has an escape in every 77 bytes of base64, as encoders
// make it that break lines.
func BenchmarkScanEscaped(b *testing.B) {
	line := strings.Repeat("A", 76) + `\n`
	body := []byte(`{"predictions":[{"bytesBase64Encoded":"` + strings.Repeat(line, 4e6/len(line)) + `"}]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	s := NewScanner("")
	for b.Loop() {
		s.Reset("")
		relayed(s, body)
		if got := s.Finish(); len(got.Parts) != 1 || got.Parts[0].Digest == [32]byte{} {
			b.Fatal(got)
		}
	}
}

// BenchmarkBaseline is what a body costs that is only looked through, and what
// it costs to be validated by the standard library.
func BenchmarkBaseline(b *testing.B) {
	for _, size := range benchSizes {
		body := imageAnswer(size.size)
		b.Run("IndexByte/"+size.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				for p := body; len(p) > 0; {
					n := bytes.IndexByte(p, '"')
					if n < 0 {
						break
					}
					p = p[n+1:]
				}
			}
		})
		b.Run("json.Valid/"+size.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if !json.Valid(body) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
