package gemini

import (
	"regexp"
	"strings"
)

// pictureLink is how aggregators give a picture inside a text: a Markdown
// image, a data URL, an HTML image, or the bare address of a picture.
var pictureLink = regexp.MustCompile(`!\[[^\]]*\]\(\s*(?:https?://|data:image/)` +
	`|data:image/[a-z+]+;base64,` +
	`|<img\s[^>]*src=` +
	`|https?://[^\s()<>"']+\.(?:png|jpe?g|webp|gif)\b`)

// countLinks counts pictures in the texts that are no thoughts. A link may be
// split over the events of a stream, so the texts are joined.
func countLinks(parts []Part) int {
	var text strings.Builder
	for i := range parts {
		if p := &parts[i]; p.Kind == KindText && !p.Thought && text.Len() < 4*MaxText {
			text.WriteString(p.Text)
		}
	}
	return len(pictureLink.FindAllStringIndex(text.String(), -1))
}
