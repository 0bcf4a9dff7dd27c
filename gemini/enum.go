package gemini

import "strings"

// Enumerated spellings of responseFormat.image, as the types of the SDKs have
// them; the documentation sends "16:9" and "4K" (gemini-api.md, section 2).
var (
	numberWords = map[string]string{"ONE": "1", "TWO": "2", "THREE": "3", "FOUR": "4", "FIVE": "5",
		"EIGHT": "8", "NINE": "9", "SIXTEEN": "16", "TWENTY_ONE": "21"}
	sizeWords = map[string]string{"FIVE_TWELVE": "512", "ONE_K": "1K", "TWO_K": "2K", "FOUR_K": "4K"}
)

// plainRatio gives "16:9" for ASPECT_RATIO_SIXTEEN_BY_NINE, else s itself.
func plainRatio(s string) string {
	wide, tall, ok := strings.Cut(strings.TrimPrefix(s, "ASPECT_RATIO_"), "_BY_")
	if w, t := numberWords[wide], numberWords[tall]; ok && w != "" && t != "" {
		return w + ":" + t
	}
	return s
}

// plainSize gives "4K" for IMAGE_SIZE_FOUR_K or FOUR_K, else s itself.
func plainSize(s string) string {
	if size, ok := sizeWords[strings.TrimPrefix(s, "IMAGE_SIZE_")]; ok {
		return size
	}
	return s
}
