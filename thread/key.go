package thread

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/plantainhq/plantain/gemini"
)

// A key is by what a signature is found, but for whose it is.
type key string

// pictureKey is the key of a picture's signature, however the picture is written. Empty:
// its bytes are not there, or are none.
func pictureKey(p *gemini.Part) key {
	if p.Digest == ([32]byte{}) {
		return ""
	}
	return key("picture " + hex.EncodeToString(p.Digest[:]))
}

// linkKey is that of a picture behind a link. Empty: it is not behind one.
func linkKey(p *gemini.Part) key {
	if p.URI == "" {
		return ""
	}
	return key("link " + p.URI)
}

// placeKey is that of a picture that is known by nothing but its place: the nth of the
// turn that answered a conversation.
func placeKey(said [32]byte, nth int) key {
	return key(fmt.Sprintf("place %x %d", said, nth))
}

// textKey is that of a text beside a picture, or in answer to a conversation where
// there is none that tells itself: the same words come often. Empty: the text is not
// known to its end.
func textKey(text, beside string) key {
	if text == "" || len(text) > gemini.MaxText-4 {
		return ""
	}
	return key(fmt.Sprintf("text %x %s", sha256.Sum256([]byte(text)), beside))
}

// beside is what stands with the texts of a turn: its first picture, else the
// conversation before it.
func beside(parts []*gemini.Part, said [32]byte) string {
	for _, p := range parts {
		if k := pictureKey(p); k != "" && isPicture(p) {
			return string(k)
		}
	}
	return hex.EncodeToString(said[:])
}

// A conversation is what a user said so far.
type conversation struct{ sum hash.Hash }

// say adds a turn; those of the model do not count, whose parts clients change.
func (c *conversation) say(t *gemini.Turn) {
	if t.Role == model {
		return
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		k := string(pictureKey(p))
		switch {
		case k != "":
		case p.Kind == gemini.KindImage:
			k = string(linkKey(p))
		case p.Kind == gemini.KindText:
			k = "words " + p.Text
		}
		fmt.Fprintf(c.sum, "%d %s\n", len(k), k)
	}
}

// said is the hash of it.
func (c *conversation) said() (sum [32]byte) {
	c.sum.Sum(sum[:0])
	return sum
}

func newConversation() *conversation { return &conversation{sha256.New()} }

const model = "model"

// isPicture reports a picture that must be signed: one that is no draft.
func isPicture(p *gemini.Part) bool { return p.Kind == gemini.KindImage && !p.Thought }

// isText reports a text that may be signed.
func isText(p *gemini.Part) bool { return p.Kind == gemini.KindText && !p.Thought && p.Text != "" }

// carries reports a part that is nothing but the carrier of a signature: a stream
// brings one on an empty text behind the part that it signs (gemini-api.md §4).
func carries(p *gemini.Part) bool {
	return p.Kind == gemini.KindText && p.Text == "" && p.Signature.Len > 0
}
