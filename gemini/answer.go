package gemini

import (
	"strconv"
	"strings"
)

// An answer finds the facts in the body of an answer.
type answer struct {
	errorFinder

	body     Body
	nth      int    // candidates of this event so far
	finish   string // of an OpenAI choice
	native   string // what a router says that Google said
	listed   bool   // there was a list of answers, maybe an empty one
	building partBuilder
	modality string
	tokens   int64
	cut      bool
}

func (a *answer) enter(p spot, at int64) {
	switch p {
	case answerRoot:
		a.nth = 0
	case candidate, choice:
		a.nth++
		a.body.Candidates++
		a.finish, a.native = "", ""
	case part, item, prediction, openaiImage:
		a.building.enter(p, at)
	case promptDetail, outputDetail:
		a.modality, a.tokens = "", 0
	default:
		a.enterError(p)
	}
}

func (a *answer) leave(p spot, end int64) {
	switch p {
	case answerRoot:
		a.endGateway()
	case choice:
		a.endChoice()
	case part, item, prediction, openaiImage:
		a.endPart(end)
	case promptDetail:
		a.countPrompt()
	case outputDetail:
		a.countOutput()
	default:
		a.leaveError(p)
	}
}

// list: a later event of a stream repeats the whole list.
func (a *answer) list(p spot) {
	switch p {
	case candidate, choice, prediction, openaiImage:
		a.listed = true
	case promptDetail:
		a.body.Usage.ImageIn = 0
	case outputDetail:
		a.body.Usage.ImageOut, a.body.Usage.TextOut = 0, 0
	}
}

func (a *answer) value(p spot, v value) {
	b := &a.body
	switch p {
	case finishReason:
		if a.nth == 1 {
			b.FinishReason = v.text
		}
	case endReason:
		b.FinishReason = v.text
	case choiceFinish:
		a.finish = v.text
	case choiceNative:
		a.native = v.text
	case gatewayStatus:
		b.State = v.text
		a.errorValue(p, v)
	case continuation:
		b.Continuation = v.text
	case finishMessage:
		if a.nth <= 1 {
			b.FinishMessage = v.text
		}
	case blockReason:
		b.BlockReason = v.text
	case blockMessage:
		b.BlockMessage = v.text
	case blocked:
		b.Blocked = b.Blocked || v.text == "true"
	case modelVersion:
		b.ModelVersion = v.text
	case modelName:
		b.ModelVersion = firstOf(b.ModelVersion, v.text)
	case responseID:
		b.ResponseID = v.text
	case bodyID:
		b.ResponseID = firstOf(b.ResponseID, v.text)
	case bodyKey:
		b.Key = v.text
	case item: // the content of an OpenAI message as one string
		a.building.enter(item, v.span.Start)
		a.building.value(partText, v)
		a.endPart(v.span.Start + v.span.Len)
	case openaiImage: // a picture without an object around it
		a.building.enter(openaiImage, v.span.Start)
		a.building.value(openaiImage, v)
		a.endPart(v.span.Start + v.span.Len)
	default:
		if !a.usage(p, v) && !a.building.value(p, v) {
			a.errorValue(p, v)
		}
	}
}

// endChoice takes Google's own reason where a router gives it beside a coarser one.
func (a *answer) endChoice() {
	reason := a.finish
	if a.native != "" && reason != "stop" && reason != "length" {
		reason = a.native
	}
	if a.nth == 1 && reason != "" {
		a.body.FinishReason = reason
	}
}

// abandon ends a value that was cut or has ended.
func (a *answer) abandon() {
	a.endPart(a.building.part.Object.Start)
	a.errorFinder.open = a.errorFinder.open[:0]
	a.endGateway()
}

func (a *answer) endPart(end int64) {
	if !a.building.open {
		return
	}
	found, ok := a.building.leave(end)
	if !ok {
		return
	}
	if len(a.body.Parts) == maxParts {
		a.cut = true
		return
	}
	a.body.Parts = append(a.body.Parts, found)
}

// usage takes a member of usageMetadata; it reports whether the spot is one.
func (a *answer) usage(p spot, v value) bool {
	u := &a.body.Usage
	u.Seen = u.Seen || p >= usagePrompt && p <= usageTool || p == tokenCount
	switch p {
	case usagePrompt:
		u.Prompt = number(v.text)
	case usageCandidates:
		u.Candidates = number(v.text)
	case usageThoughts:
		u.Thoughts = number(v.text)
	case usageTotal:
		u.Total = number(v.text)
	case usageCached:
		u.Cached = number(v.text)
	case usageTool:
		u.ToolPrompt = number(v.text)
	case usageTier:
		u.ServiceTier = v.text
	case modality:
		a.modality = strings.ToUpper(v.text)
	case tokenCount:
		a.tokens = number(v.text)
	default:
		return false
	}
	return true
}

func (a *answer) countPrompt() {
	if a.modality == "IMAGE" {
		a.body.Usage.ImageIn += a.tokens
	}
}

func (a *answer) countOutput() {
	switch a.modality {
	case "IMAGE":
		a.body.Usage.ImageOut += a.tokens
	case "TEXT":
		a.body.Usage.TextOut += a.tokens
	}
}

// number reads an integer, which Google may send as a string. Zero: it is none.
func number(s string) int64 {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < -1<<62 || f > 1<<62 {
		return 0
	}
	return int64(f)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
