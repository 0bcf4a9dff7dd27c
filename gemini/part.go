package gemini

import "strings"

// A partBuilder puts a Part together as its members come. A picture of Imagen,
// of OpenAI or of an Interactions step is built the same way.
type partBuilder struct {
	part    Part
	open    bool
	at      spot
	text    bool // it has a text, maybe an empty one
	picture bool // it has a picture, or a link to one
}

func (b *partBuilder) enter(at spot, start int64) {
	*b = partBuilder{open: true, at: at, part: Part{Object: Span{Start: start}}}
}

// value takes a member of the part; it reports whether the spot is one of a part's.
func (b *partBuilder) value(p spot, v value) bool {
	switch p {
	case partText:
		b.text, b.part.Text, b.part.TextAt = true, v.text, v.span
	case partThought:
		b.part.Thought = !v.quoted && v.text == "true"
	case partType:
		b.part.Thought = strings.HasPrefix(v.text, "thought")
	case partMIME:
		b.part.MIME = v.text
	case partURI:
		b.part.URI, b.picture = v.text, v.text != ""
	case partSignature:
		b.part.Signature = v.span
	case pictureURL, imageURL:
		b.link(v)
	case pictureData:
		b.data(v.image)
	case pictureGuess, openaiImage:
		if v.image.isLink() {
			b.link(v)
		} else {
			b.data(v.image)
		}
	default:
		return false
	}
	return true
}

// link takes what is either a data URL or the address of a picture.
func (b *partBuilder) link(v value) {
	if v.image.isURL() {
		b.data(v.image)
		return
	}
	b.part.URI = cleanText(v.image.head)
	b.picture = b.part.URI != ""
}

func (b *partBuilder) data(p *picture) {
	b.part.Data, b.part.Decoded, b.part.Digest = p.data, p.decoded, p.digest
	b.part.Width, b.part.Height = p.width, p.height
	b.picture = p.decoded > 0
	if b.part.MIME == "" && p.isURL() {
		b.part.MIME = p.mime()
	}
}

// leave ends the part before offset end. A part of a candidate always counts;
// elsewhere an object is one only if a text or a picture was in it.
func (b *partBuilder) leave(end int64) (Part, bool) {
	b.open = false
	b.part.Object.Len = end - b.part.Object.Start
	switch mime := b.part.MIME; {
	case b.picture && (mime == "" || strings.HasPrefix(mime, "image/")):
		b.part.Kind = KindImage
	case b.text:
		b.part.Kind = KindText
	default:
		b.part.Kind = KindOther
	}
	return b.part, b.at == part || b.picture || b.text
}
