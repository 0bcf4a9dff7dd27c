package relay

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newID gives an id that sorts by time, is short enough to type, and is not
// guessable: 45 bits of milliseconds, 60 of chance.
func (t *Transport) newID(kind string) string {
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(t.now().UnixMilli())<<19)
	return kind + "-" + idAlphabet.EncodeToString(at[:])[:9] + strings.ToLower(rand.Text()[:12])
}
