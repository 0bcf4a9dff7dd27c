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
// split over the events of a stream, so the texts are read joined as well.
func countLinks(parts []Part) int {
	var joined strings.Builder
	apart := 0
	for i := range parts {
		if p := &parts[i]; p.Kind == KindText && !p.Thought && joined.Len() < 4*MaxText {
			joined.WriteString(p.Text)
			apart += linksIn(p.Text)
		}
	}
	return max(apart, linksIn(joined.String()))
}

func linksIn(text string) int { return len(pictureLink.FindAllStringIndex(text, -1)) }
