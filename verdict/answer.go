package verdict

import (
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// findAnswer judges a whole answer, most of which are not pictures.
func findAnswer(f *gemini.Facts) finding {
	b := &f.Body
	reason := reasonOf(b.FinishReason)
	if reason == "" {
		reason = states[b.State]
	}
	end, known := ends[reason]
	switch {
	case !known:
		return finding{class: plantain.Unclassifiable, cause: newReason, seen: reason}
	case pictured(b) && !good(f.Status):
		return finding{class: plantain.Unclassifiable, cause: strangeCode, code: f.Status}
	case pictured(b):
		return success(b)
	case b.BlockReason != "" && reasonOf(b.BlockReason) != "":
		return blockedPrompt(b)
	case end.class == plantain.NoImage && strings.Contains(lower(b.FinishMessage), "internal error"):
		return finding{class: plantain.ServerError, cause: saidInternal, seen: reason}
	case end.class != "":
		return ended(b, end, reason)
	case b.FinishMessage != "" && b.Candidates == 0 || b.Blocked:
		return finding{class: plantain.SafetyImage, seen: reason}
	default:
		return findWithout(f)
	}
}

// ends are the finish reasons; those without a class are how a good answer ends.
// An unknown one is never a success.
var ends = map[string]finding{
	"":                          {},
	"STOP":                      {},
	"END_TURN":                  {},
	"COMPLETED":                 {},
	"MAX_TOKENS":                {class: plantain.Truncated},
	"LENGTH":                    {class: plantain.Truncated},
	"MAX_OUTPUT_TOKENS":         {class: plantain.Truncated},
	"CONTINUATION":              {class: plantain.Truncated, cause: continuation, retry: plantain.RetryNo},
	"SAFETY":                    {class: plantain.SafetyImage, cause: stopped},
	"BLOCKLIST":                 {class: plantain.SafetyImage, cause: stopped},
	"PROHIBITED_CONTENT":        {class: plantain.SafetyImage, cause: stopped},
	"SPII":                      {class: plantain.SafetyImage, cause: stopped},
	"CONTENT_FILTER":            {class: plantain.SafetyImage, cause: stopped},
	"IMAGE_SAFETY":              {class: plantain.SafetyImage},
	"IMAGE_PROHIBITED_CONTENT":  {class: plantain.SafetyImage},
	"RECITATION":                {class: plantain.Recitation, cause: likeOther, retry: plantain.RetryAfterFix},
	"IMAGE_RECITATION":          {class: plantain.Recitation},
	"NO_IMAGE":                  {class: plantain.NoImage, cause: noImageMade, retry: plantain.RetryAfterFix},
	"IMAGE_OTHER":               {class: plantain.NoImage, cause: otherReason},
	"OTHER":                     {class: plantain.NoImage, cause: otherReason},
	"LANGUAGE":                  {class: plantain.NoImage, cause: otherReason, retry: plantain.RetryAfterFix},
	"MALFORMED_FUNCTION_CALL":   {class: plantain.NoImage, cause: toolSlip},
	"UNEXPECTED_TOOL_CALL":      {class: plantain.NoImage, cause: toolSlip},
	"TOO_MANY_TOOL_CALLS":       {class: plantain.NoImage, cause: toolSlip},
	"TOOL_CALLS":                {class: plantain.NoImage, cause: toolSlip},
	"MALFORMED_RESPONSE":        {class: plantain.NoImage, cause: otherReason},
	"MISSING_THOUGHT_SIGNATURE": {class: plantain.ThoughtSignature},
}

// states of an interaction that tell how it ended, by the finish reasons.
var states = map[string]string{
	"incomplete": "MAX_TOKENS", "budget_exceeded": "MAX_TOKENS",
	"requires_action": "UNEXPECTED_TOOL_CALL", "requires_continuation": "CONTINUATION",
}

// reasonOf gives a finish or block reason without the dress that clients and
// aggregators put on it: "FinishReason.STOP", "stop", "FINISH_REASON_UNSPECIFIED".
func reasonOf(s string) string {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		s = s[i+1:]
	}
	s = strings.ToUpper(s)
	s = strings.TrimPrefix(s, "FINISH_REASON_")
	s = strings.TrimPrefix(s, "BLOCK_REASON_")
	s = strings.TrimPrefix(s, "BLOCKED_REASON_")
	if s == "UNSPECIFIED" {
		return ""
	}
	return s
}

func success(b *gemini.Body) finding {
	n := finding{class: plantain.Success}
	if b.Links > 0 {
		n.cause = asLink
	}
	return n
}

func blockedPrompt(b *gemini.Body) finding {
	n := finding{class: plantain.SafetyPrompt, seen: reasonOf(b.BlockReason)}
	switch n.seen {
	case "MODEL_ARMOR":
		n.cause = ownFilter
	case "IMAGE_SAFETY":
		n.cause = blockedImage
	}
	return n
}

// ended judges an answer by the reason that Google gave for its end.
func ended(b *gemini.Body, end finding, reason string) finding {
	end.seen = reason
	if end.class == plantain.SafetyImage && strings.Contains(b.FinishMessage, "third-party content") {
		end.cause = thirdParty
	}
	if end.cause == otherReason && strings.Contains(b.FinishMessage, "ephras") {
		end.cause, end.retry = rephrase, plantain.RetryAfterFix
	}
	return end
}

// smallPicture is what a string must exceed to be a picture at a place where nobody
// has seen one yet.
const smallPicture = 8 << 10

// findWithout judges an answer that ended well and holds no final picture.
func findWithout(f *gemini.Facts) finding {
	b := &f.Body
	drafts := false
	for i := range b.Parts {
		drafts = drafts || b.Parts[i].Kind == gemini.KindImage
	}
	switch {
	case drafts:
		return finding{class: plantain.NoImage, cause: draftOnly}
	case b.Opaque > smallPicture:
		return finding{class: plantain.Unclassifiable, cause: strangePlace, seen: size(b.Opaque)}
	case spoke(b) && textWanted(f):
		return finding{class: plantain.Success, cause: textAsAsked}
	case spoke(b):
		return finding{class: plantain.NoImage, cause: textOnly, retry: plantain.RetryAfterFix}
	case b.Bare || b.Candidates > 0 || b.Usage.Seen || b.ModelVersion != "" || b.ResponseID != "":
		return finding{class: plantain.NoImage, cause: emptyAnswer}
	default:
		return finding{class: plantain.Unclassifiable, cause: strangeBody, seen: size(b.Bytes)}
	}
}

// textWanted reports that the request asked for text alone, or a model that
// makes no pictures answered and none were asked for.
func textWanted(f *gemini.Facts) bool {
	if !f.Asked.Valid {
		return false
	}
	if f.Asked.Modalities != "" {
		return !strings.Contains(f.Asked.Modalities, "IMAGE")
	}
	m := f.Body.ModelVersion
	return m != "" && !strings.Contains(m, "image") && !strings.Contains(m, "banana")
}
