package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
)

// A signature is opaque base64 about as large as the picture beside it (gemini-api.md §4). Its first characters say
// where the rest comes from and for which content it was made; the rest is cut from one buffer of noise. So it can be
// checked without remembering anything, after a restart too, and a single changed character is noticed.
type signature struct {
	head string
	from int
	size int // characters in all, a multiple of 4
}

// The documented values that pass without a check.
var dummySignatures = []string{"context_engineering_is_the_way_to_go", "skip_thought_signature_validator"}

func dummy(sig []byte) bool {
	return slices.ContainsFunc(dummySignatures, func(d string) bool { return string(sig) == d })
}

const headSize = 80 // characters: 60 bytes

var (
	signatureMagic = []byte{0x01, 0x8f, 0x3d, 0x6b} // reads "AY89a" in base64, as recorded ones begin
	signatureKey   = []byte("an independent witness signs with a key of its own")
)

// noise is the buffer signatures are cut from; fixed, so that a signature outlives the process.
var noise = sync.OnceValue(func() []byte {
	raw := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{'n', 'o', 'i', 's', 'e'}).Read(raw)
	return base64.StdEncoding.AppendEncode(nil, raw)
})

// sign makes a signature of about size characters for content of a kind: "image", "file" or "text".
func sign(kind string, content []byte, size int, r *rand.Rand) *signature {
	s := &signature{size: max(headSize+4, size/4*4), from: r.IntN(1<<20) * 4}
	raw := append(make([]byte, 0, 60), signatureMagic...)
	raw = binary.BigEndian.AppendUint32(raw, uint32(s.from))
	raw = binary.BigEndian.AppendUint32(raw, uint32(s.size))
	raw = binary.BigEndian.AppendUint64(raw, r.Uint64())
	raw = binary.BigEndian.AppendUint64(raw, r.Uint64())
	s.head = base64.StdEncoding.EncodeToString(append(raw, mac(raw, kind, content)...))
	return s
}

func mac(head []byte, kind string, content []byte) []byte {
	sum := sha256.Sum256(content)
	h := hmac.New(sha256.New, signatureKey)
	h.Write(head)
	io.WriteString(h, kind)
	h.Write(sum[:])
	return h.Sum(nil)
}

// WriteTo writes the characters of the signature.
func (s *signature) WriteTo(w io.Writer) (int64, error) {
	if _, err := io.WriteString(w, s.head); err != nil {
		return 0, err
	}
	err := s.filler(func(piece []byte) error {
		_, err := w.Write(piece)
		return err
	})
	return int64(s.size), err
}

func (s *signature) filler(each func([]byte) error) error {
	buf := noise()
	for left, at := s.size-headSize, s.from; left > 0; at = 0 {
		piece := buf[at%len(buf):]
		piece = piece[:min(left, len(piece))]
		if err := each(piece); err != nil {
			return err
		}
		left -= len(piece)
	}
	return nil
}

// genuine says whether sig, as a client sent it back, was made here for that content. The URL-safe alphabet passes:
// one official SDK re-encodes with it.
func genuine(sig []byte, kind string, content []byte) bool {
	if bytes.ContainsAny(sig, "-_") {
		sig = bytes.ReplaceAll(bytes.ReplaceAll(sig, []byte("-"), []byte("+")), []byte("_"), []byte("/"))
	}
	if len(sig) < headSize {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(string(sig[:headSize]))
	if err != nil || !bytes.Equal(raw[:4], signatureMagic) || !hmac.Equal(raw[28:], mac(raw[:28], kind, content)) {
		return false
	}
	s := signature{from: int(binary.BigEndian.Uint32(raw[4:])), size: int(binary.BigEndian.Uint32(raw[8:]))}
	if len(sig) != s.size {
		return false
	}
	rest := sig[headSize:]
	s.filler(func(piece []byte) error {
		if !bytes.HasPrefix(rest, piece) {
			rest = nil
			return io.EOF
		}
		rest = rest[len(piece):]
		return nil
	})
	return rest != nil
}
