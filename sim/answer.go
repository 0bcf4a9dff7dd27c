package sim

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// answer is a GenerateContentResponse before it is written.
type answer struct {
	parts         []outPart
	content       contentShape // when there are no parts
	noCandidates  bool
	finish        string
	finishMessage string
	continuation  string
	blockReason   string
	usage         usage
	bareUsage     bool // the answer has no usageMetadata
	model         string
	id            string
	created       time.Time // Vertex only
	vertex        bool
	grounded      string // the query that was searched for
}

// contentShape is how a candidate without parts looks; all were captured (gemini-api.md §4).
type contentShape int

const (
	contentEmpty contentShape = iota // "content": {}
	contentRole                      // "content": {"role": "model"}
	contentNone                      // no content key
)

// outPart is one part of an answer.
type outPart struct {
	text    string
	thought bool
	picture *picture // not drawn before it is due
	recipe  recipe
	uri     string // instead of the picture's bytes
	sig     *signature
}

// newResponseID looks like Google's: 16 bytes, URL-safe, the time in front.
func newResponseID(now time.Time, r *rand.Rand) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(now.Unix()))
	b = binary.BigEndian.AppendUint64(b, r.Uint64())
	b = binary.BigEndian.AppendUint32(b, r.Uint32())
	return base64.RawURLEncoding.EncodeToString(append(b, byte(r.Uint32())))
}

// newToken is an opaque token as Google writes bytes: in padded base64.
func newToken(r *rand.Rand) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, r.Uint64()))
}

// images counts the pictures that are no drafts.
func (a *answer) images() int {
	n := 0
	for _, p := range a.parts {
		if (p.picture != nil || p.uri != "") && !p.thought {
			n++
		}
	}
	return n
}

// write puts the answer, or one frame of it, as one JSON object; final adds what only the last frame has.
func (a *answer) write(e *emitter, parts []outPart, final bool) {
	e.open('{')
	if !a.noCandidates {
		e.key("candidates").open('[')
		a.candidate(e, parts, final)
		e.close(']')
	}
	if a.blockReason != "" {
		e.key("promptFeedback").open('{')
		e.key("blockReason").str(a.blockReason)
		e.close('}')
	}
	if !a.bareUsage {
		e.key("usageMetadata")
		a.usageOf(final).write(e)
	}
	e.key("modelVersion").str(a.model)
	if a.vertex {
		e.key("createTime").str(a.created.UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
	e.key("responseId").str(a.id)
	e.close('}')
}

// usageOf: frames before the last count the prompt alone.
func (a *answer) usageOf(final bool) usage {
	u := a.usage
	if !final {
		u.images, u.rest, u.thoughts, u.answered = 0, 0, 0, false
	}
	return u
}

func (a *answer) candidate(e *emitter, parts []outPart, final bool) {
	e.open('{')
	if len(parts) > 0 || a.content != contentNone {
		e.key("content").open('{')
		if a.vertex && (len(parts) > 0 || a.content == contentRole) {
			e.key("role").str("model")
		}
		if len(parts) > 0 {
			e.key("parts").open('[')
			for _, p := range parts {
				p.write(e)
			}
			e.close(']')
		}
		if !a.vertex && (len(parts) > 0 || a.content == contentRole) {
			e.key("role").str("model")
		}
		e.close('}')
	}
	if final && a.finish != "" {
		e.key("finishReason").str(a.finish)
	}
	if final && a.finishMessage != "" {
		e.key("finishMessage").str(a.finishMessage)
	}
	if final && a.continuation != "" {
		e.key("continuationToken").str(a.continuation)
	}
	if final && a.grounded != "" {
		e.key("groundingMetadata").open('{')
		e.key("webSearchQueries").open('[')
		e.str(a.grounded)
		e.close(']')
		e.key("searchEntryPoint").open('{')
		e.key("renderedContent").str("<div class=\"container\"></div>")
		e.close('}')
		e.close('}')
	}
	if !a.vertex {
		e.key("index").int(0)
	}
	e.close('}')
}

func (p outPart) write(e *emitter) {
	e.open('{')
	switch {
	case p.uri != "":
		e.key("fileData").open('{')
		e.key("mimeType").str(p.picture.mime)
		e.key("fileUri").str(p.uri)
		e.close('}')
	case p.picture != nil:
		e.key("inlineData").open('{')
		e.key("mimeType").str(p.picture.mime)
		e.key("data").base64(p.picture.data)
		e.close('}')
	default:
		e.key("text").str(p.text)
	}
	if p.thought {
		e.key("thought").bool(true)
	}
	if p.sig != nil {
		e.key("thoughtSignature").signature(p.sig)
	}
	e.close('}')
}
