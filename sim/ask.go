package sim

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"slices"
	"strings"
	"unicode/utf8"
)

// ask is a request as Google understands it: checked, with defaults filled in.
type ask struct {
	model    *model
	contents []content
	prompt   string // text of the last user turn
	size     string
	ratio    string
	w, h     int
	seed     int64

	text, images bool // what may come back
	high         bool // thinkingLevel HIGH
	thoughts     bool // includeThoughts
	maxTokens    int64
	tier         string // standard, flex, priority
	search       bool
	byURI        bool   // responseFormat.image.delivery URI
	mime         string // asked of Vertex

	textTokens, imageTokens int64 // of the prompt
	base                    []byte
	turn                    int
}

type content struct {
	role  string
	parts []part
}

// part is one part of a request.
type part struct {
	kind      string // text, image, file, other
	text      string
	data      []byte
	mime      string
	thought   bool
	signature []byte
}

func (p part) content() []byte {
	if p.kind == "image" {
		return p.data
	}
	return []byte(p.text)
}

// reader turns a parsed body into an ask.
type reader struct {
	model      *model
	vertex     bool
	signatures bool
	dummies    bool                                        // the documented values pass in the place of a signature
	file       func(uri string) ([]byte, string, *refusal) // content and type of an uploaded file
}

func (d reader) read(body []byte) (*ask, *refusal) {
	v, err := parse(body)
	if err != nil {
		return nil, invalid(err.Error())
	}
	schema := requestSchema
	if d.vertex {
		schema = vertexSchema()
	}
	if bad := schema.unknown(v, ""); bad != nil {
		return nil, badFields(bad...)
	}
	return d.request(v)
}

func vertexSchema() message {
	m := message{"labels": nil}
	for k, v := range requestSchema {
		m[k] = v
	}
	return m
}

func (d reader) request(v value) (*ask, *refusal) {
	a := &ask{model: d.model, size: "1K", text: true, images: true, tier: "standard"}
	if tier := strings.ToLower(v.field("serviceTier").text()); tier != "" {
		a.tier = tier
	}
	for i, c := range v.field("contents").list() {
		turn, r := d.content(c, fmt.Sprintf("contents[%d]", i))
		if r != nil {
			return nil, r
		}
		a.contents = append(a.contents, turn)
	}
	if len(a.contents) == 0 {
		return nil, invalid("* GenerateContentRequest.contents: contents is not specified\n")
	}
	system, r := d.content(v.field("systemInstruction"), "system_instruction")
	if r != nil {
		return nil, r
	}
	for _, t := range v.field("tools").list() {
		a.search = a.search || t.has("googleSearch")
	}
	input := a.weigh(system)
	if r := a.config(v.field("generationConfig"), d.vertex); r != nil {
		return nil, r
	}
	if r := a.frame(input); r != nil {
		return nil, r
	}
	if d.signatures && a.model.gemini3 {
		if r := a.checkSignatures(!d.vertex, d.dummies); r != nil {
			return nil, r
		}
	}
	return a, nil
}

func (d reader) content(v value, path string) (content, *refusal) {
	c := content{role: v.field("role").text()}
	if c.role != "" && c.role != "user" && c.role != "model" && path != "system_instruction" {
		return c, invalid("Please use a valid role: user, model.")
	}
	for i, raw := range v.field("parts").list() {
		at := fmt.Sprintf("%s.parts[%d]", path, i)
		if !slices.ContainsFunc(partData, raw.has) {
			// Captured where an SDK left an empty text out, and only the signature remained (genkit-ai/genkit#3816).
			return c, invalid("* GenerateContentRequest." + at + ".data: required oneof field 'data' must have one initialized field\n")
		}
		p, r := d.part(raw, at)
		if r != nil {
			return c, r
		}
		if p.kind == "image" && c.role != "model" {
			if r := readable(p); r != nil {
				return c, r
			}
		}
		c.parts = append(c.parts, p)
	}
	return c, nil
}

// partData are the fields of which a part has one.
var partData = []string{"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
	"toolCall", "toolResponse"}

func (d reader) part(v value, path string) (part, *refusal) {
	p := part{kind: "other", thought: v.field("thought").bool(), signature: v.field("thoughtSignature").bytes()}
	switch {
	case v.has("inlineData"):
		blob := v.field("inlineData")
		data, ok := decodeBase64(blob.field("data").bytes())
		if !ok {
			return p, badBase64(path+".inline_data.data", blob.field("data").bytes())
		}
		p.kind, p.data, p.mime = "image", data, blob.field("mimeType").text()
	case v.has("fileData"):
		f := v.field("fileData")
		p.kind, p.text, p.mime = "file", f.field("fileUri").text(), f.field("mimeType").text()
		data, mime, r := d.file(p.text)
		if r != nil {
			return p, r
		}
		p.data = data
		if p.mime == "" {
			p.mime = mime
		}
	case v.has("text"):
		p.kind, p.text = "text", v.field("text").text()
	}
	return p, nil
}

// decodeBase64 takes the standard and the URL-safe alphabet, padded or not, in lines or not: Python's SDK sends the
// latter, and the decoder passes over white space.
func decodeBase64(s []byte) ([]byte, bool) {
	s = bytes.TrimRight(s, "=\r\n")
	enc := base64.RawStdEncoding
	if bytes.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	out := make([]byte, enc.DecodedLen(len(s)))
	n, err := enc.Decode(out, s)
	return out[:n], err == nil
}

var inputTypes = []string{"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}

// readable refuses an input image Google could not open; heic and heif are taken unseen.
func readable(p part) *refusal {
	if strings.HasPrefix(p.mime, "image/") && !slices.Contains(inputTypes, p.mime) {
		return invalid("Unsupported MIME type: " + p.mime)
	}
	if len(p.data) == 0 {
		return invalid("Provided image is not valid.")
	}
	if p.mime == "image/png" || p.mime == "image/jpeg" || p.mime == "image/webp" {
		if _, _, err := image.DecodeConfig(bytes.NewReader(p.data)); err != nil {
			return invalid("Provided image is not valid.")
		}
	}
	return nil
}

// weigh counts the prompt's tokens, about one for four characters, and finds the picture an edit starts from. It
// returns the picture that decides the ratio: the first of the last user turn, else the last of the conversation.
func (a *ask) weigh(system content) (input []byte) {
	chars := 0
	for _, c := range append(slices.Clone(a.contents), system) {
		for _, p := range c.parts {
			switch {
			case p.kind == "text":
				chars += utf8.RuneCountInString(p.text)
			case p.data != nil || p.kind == "file":
				a.imageTokens += int64(a.model.inputImage)
				if !p.thought && len(p.data) > 0 {
					a.base = p.data
				}
			}
		}
		if c.role == "model" {
			a.turn++
		}
	}
	a.textTokens = int64(max(1, (chars+3)/4))
	input = a.base
	if last := a.contents[len(a.contents)-1]; last.role != "model" {
		var words []string
		first := true
		for _, p := range last.parts {
			if p.kind == "text" {
				words = append(words, p.text)
			} else if len(p.data) > 0 && first {
				input, first = p.data, false
			}
		}
		a.prompt = strings.Join(words, "\n")
	}
	return input
}

func (a *ask) config(c value, vertex bool) *refusal {
	if n, ok := c.field("candidateCount").int(); ok && n > 1 {
		return invalid("Multiple candidates is not enabled for this model")
	}
	if t, ok := c.field("temperature").float(); ok && t > 1 {
		return invalidArgument()
	}
	if list := c.field("responseModalities").list(); len(list) > 0 {
		a.text, a.images = false, false
		for _, m := range list {
			switch strings.ToUpper(m.text()) {
			case "TEXT":
				a.text = true
			case "IMAGE":
				a.images = true
			default:
				return invalidArgument()
			}
		}
	}
	a.seed, _ = c.field("seed").int()
	a.maxTokens, _ = c.field("maxOutputTokens").int()
	thinking := c.field("thinkingConfig")
	a.thoughts = thinking.field("includeThoughts").bool()
	a.high = strings.EqualFold(thinking.field("thinkingLevel").text(), "high")
	old, format := c.field("imageConfig"), c.field("responseFormat").field("image")
	a.mime = old.field("imageOutputOptions").field("mimeType").text()
	if !vertex && (old.has("imageOutputOptions") || old.has("personGeneration") || old.has("prominentPeople")) {
		return invalidArgument()
	}
	a.byURI = strings.EqualFold(format.field("delivery").text(), "URI")
	for _, from := range []value{old, format} {
		if s := from.field("imageSize").text(); s != "" {
			a.size = plainSize(s)
			if !a.model.gemini3 { // 2.5 knows no imageSize at all
				return invalidArgument()
			}
		}
		if r := from.field("aspectRatio").text(); r != "" {
			a.ratio = plainRatio(r)
		}
	}
	return nil
}

// plainSize turns the SDK's enum into the plain spelling; "2k" stays wrong: the capital is required.
func plainSize(s string) string {
	switch s {
	case "IMAGE_SIZE_FIVE_TWELVE":
		return "512"
	case "IMAGE_SIZE_ONE_K":
		return "1K"
	case "IMAGE_SIZE_TWO_K":
		return "2K"
	case "IMAGE_SIZE_FOUR_K":
		return "4K"
	}
	return s
}

var numberWords = map[string]string{"ONE": "1", "TWO": "2", "THREE": "3", "FOUR": "4", "FIVE": "5", "EIGHT": "8",
	"NINE": "9", "SIXTEEN": "16", "TWENTY": "20", "TWENTY_ONE": "21"}

// plainRatio turns ASPECT_RATIO_SIXTEEN_BY_NINE into 16:9.
func plainRatio(s string) string {
	words, ok := strings.CutPrefix(s, "ASPECT_RATIO_")
	if !ok {
		return s
	}
	w, h, _ := strings.Cut(words, "_BY_")
	return numberWords[w] + ":" + numberWords[h]
}

// frame settles ratio and pixels.
func (a *ask) frame(input []byte) *refusal {
	if !slices.Contains(a.model.sizes, a.size) {
		return invalidArgument()
	}
	if a.ratio == "" {
		a.ratio = "1:1"
		if cfg, _, err := image.DecodeConfig(bytes.NewReader(input)); err == nil && cfg.Width > 0 && cfg.Height > 0 {
			a.ratio = a.model.nearestRatio(cfg.Width, cfg.Height)
		}
	}
	if a.w, a.h = a.model.pixels(a.size, a.ratio); a.w == 0 {
		return invalid("Aspect ratio is not enabled for this model")
	}
	return nil
}

const signatureHelp = " Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures#model-behavior for more details."

// checkSignatures refuses model turns that came back without what they were sent with (gemini-api.md §4): every
// picture needs its signature, and the first text that does not stand behind a picture. Text alone was refused without
// one, too (googleapis/js-genai#1116).
func (a *ask) checkSignatures(insist, dummies bool) *refusal {
	for ci, c := range a.contents {
		if c.role != "model" {
			continue
		}
		first := true
		for pi, p := range c.parts {
			if p.thought || p.kind == "other" || p.kind == "text" && p.text == "" {
				continue
			}
			needed := p.picture() || first
			first = false
			sig := p.signature
			if len(sig) == 0 {
				sig = trailing(c.parts[pi+1:])
			}
			if len(sig) == 0 && needed && insist {
				kind := "Image"
				if p.kind == "text" {
					kind = "Text"
				}
				return invalid(fmt.Sprintf("%s part is missing a thought_signature in content position %d, part position %d.%s",
					kind, ci+1, pi+1, signatureHelp))
			}
			if len(sig) > 0 && !(dummies && dummy(sig)) && !p.signedBy(sig) {
				return invalid("Corrupted thought signature.")
			}
		}
	}
	return nil
}

func (p part) picture() bool { return !p.thought && (p.kind == "image" || p.kind == "file") }

// signedBy reports whether a signature was made for the part. A picture that was uploaded is still the picture, which
// is a guess: nothing is known of it.
func (p part) signedBy(sig []byte) bool {
	return genuine(sig, p.kind, p.content()) || p.kind == "file" && genuine(sig, "image", p.data)
}

// trailing is the signature of an empty text right after a part: a stream may bring it there.
func trailing(rest []part) []byte {
	if len(rest) > 0 && rest[0].kind == "text" && rest[0].text == "" {
		return rest[0].signature
	}
	return nil
}
