package verdict

import (
	"strings"

	"github.com/plantainhq/plantain"
)

var (
	finishMarks = []string{"finishreason", "finish_reason", "finish reason"}
	blockMarks  = []string{"blockreason", "block_reason", "block reason"}
)

// numbered are the finish reasons by which the older Python SDK counts; from 6 on
// the surfaces disagree.
var numbered = map[string]string{"2": "MAX_TOKENS", "3": "SAFETY", "4": "RECITATION", "5": "OTHER"}

// spelled finds the end of an answer in a text: as SDKs print an answer, in Python
// or JSON, and as gateways quote one.
func (l *layer) spelled() (finding, bool) {
	low := l.low()
	if !strings.Contains(low, "reason") {
		return finding{}, false
	}
	for _, word := range wordsBehind(low, blockMarks) {
		if word = reasonOf(word); word != "" && word != "NONE" && word != "NULL" {
			return finding{class: plantain.SafetyPrompt, seen: word}, true
		}
	}
	stopped := false
	for _, word := range wordsBehind(low, finishMarks) {
		stopped = stopped || word == "1" || reasonOf(word) == "STOP"
		if name, ok := numbered[word]; ok {
			word = name
		}
		if n := ends[reasonOf(word)]; n.class != "" {
			n.seen = reasonOf(word)
			return n, true
		}
	}
	if !stopped {
		return finding{}, false
	}
	return printedWithout(low)
}

// printedWithout tells a finished answer that Python printed and that has no picture
// in it.
func printedWithout(low string) (finding, bool) {
	switch {
	case !strings.Contains(low, "candidates=[") || strings.Contains(low, "inline_data=blob") || strings.Contains(low, "file_data="):
		return finding{}, false
	case strings.Contains(low, "text="):
		return finding{class: plantain.NoImage, cause: textOnly, retry: plantain.RetryAfterFix}, true
	default:
		return finding{class: plantain.NoImage, cause: emptyAnswer}, true
	}
}

// wordsBehind lists what stands behind any of the marks, whatever punctuation is
// between: `"finishReason": "X"`, `finish_reason=<FinishReason.X`, "finish_reasons=['X'",
// "[finish_reason](https://…) is X".
func wordsBehind(low string, marks []string) []string {
	var words []string
	for _, mark := range marks {
		for rest := low; ; {
			_, after, ok := strings.Cut(rest, mark)
			if !ok {
				break
			}
			rest = after
			after = strings.TrimPrefix(after, "s")
			if link, found := strings.CutPrefix(after, "]("); found {
				_, after, _ = strings.Cut(link, ")")
				after = strings.TrimPrefix(strings.TrimSpace(after), "is ")
			}
			after = strings.TrimLeft(after, " \n\\\"'`:=<([{.")
			n := 0
			for n < len(after) && (inWord(after[n]) || after[n] == '.') {
				n++
			}
			words = append(words, strings.TrimRight(after[:n], "."))
		}
	}
	return words
}
