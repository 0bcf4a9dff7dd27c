package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// faultKinds is every fault by name. Texts are Google's where they are known (gemini-api.md §4, §6).
var faultKinds = map[string]faultKind{
	// The credential: any method, nothing is counted.
	"key_invalid": {atKey, func(g *generation) *refusal {
		if g.vertex {
			return badToken()
		}
		return keyInvalid("API key not valid. Please pass a valid API key.")
	}, nil},
	"key_leaked": {atKey, func(*generation) *refusal {
		return denied("Your API key was reported as leaked. Please use another API key.")
	}, nil},
	"permission": {atKey, func(g *generation) *refusal {
		if g.vertex {
			return iamDenied(g.resource)
		}
		return denied("The caller does not have permission")
	}, nil},
	"service_disabled": {atKey, func(g *generation) *refusal { return serviceDisabled(g.project.number()) }, nil},
	"region": {atKey, func(*generation) *refusal {
		return &refusal{code: 400, status: "FAILED_PRECONDITION", message: "User location is not supported for the API use."}
	}, nil},

	// The model is gone: not listed, and unknown to every method.
	"retired": {atKey, func(g *generation) *refusal { return modelNotFound(g.entry.Model, g.version, g.entry.Method) }, nil},

	// Quota and money: refused before anything is counted.
	"quota_unknown": {beforeCount, func(*generation) *refusal { return exhausted("Resource has been exhausted (e.g. check quota).") }, nil},
	"rate_minute": {beforeCount, func(g *generation) *refusal {
		return quotaExceeded(g.model.id, g.stated(17*time.Second+156_209_832), newViolation("generate_requests_per_model",
			"GenerateRequestsPerMinutePerProjectPerModel", g.model.id, int64(max(g.limits.RPM, 1))))
	}, nil},
	"rate_day": {beforeCount, func(g *generation) *refusal { return g.dayOver(untilMidnight(g.s.now())) }, nil},
	// Captured: a used-up day with an untrue short delay.
	"rate_day_short": {beforeCount, func(g *generation) *refusal { return g.dayOver(36*time.Second + 204_816_337) }, nil},
	"quota_zero":     {beforeCount, func(g *generation) *refusal { return quotaZero(g.project, g.model.id) }, nil},
	"spending_cap": {beforeCount, func(*generation) *refusal {
		return exhausted("Your project has exceeded its monthly spending cap. Please go to AI Studio at https://ai.studio/spend " +
			"to manage your project spend cap.")
	}, nil},
	"spend_limit": {beforeCount, func(*generation) *refusal { return spendLimit() }, nil},
	"prepaid": {beforeCount, func(*generation) *refusal { // wording not verified
		return &refusal{code: 402, status: "RESOURCE_EXHAUSTED", message: "Your prepayment credits are depleted. Please go to " +
			"AI Studio at https://ai.studio/projects to manage your project and billing."}
	}, nil},

	// Counted against quota, not charged.
	"capacity":     {afterCount, func(g *generation) *refusal { return unavailable(g.s.weather()) }, nil},
	"deadline_503": {afterCount, func(*generation) *refusal { return unavailable("Deadline expired before operation could complete.") }, nil},
	"server_error": {afterCount, func(*generation) *refusal {
		return &refusal{code: 500, status: "INTERNAL", message: "An internal error has occurred. Please retry or report in " +
			"https://developers.generativeai.google/guide/troubleshooting"}
	}, nil},
	"timeout_504": {afterCount, func(*generation) *refusal {
		return &refusal{code: 504, status: "DEADLINE_EXCEEDED", message: "Deadline expired before operation could complete."}
	}, nil},
	"cancelled_499": {afterCount, func(*generation) *refusal {
		return &refusal{code: 499, status: "CANCELLED", message: "The operation was cancelled."}
	}, nil},
	"bad_gateway": {afterCount, func(*generation) *refusal {
		return googlePage(502, "The server encountered a temporary error and could not complete your request.<p>Please try again in 30 seconds.")
	}, nil},
	"html_502":        {afterCount, func(*generation) *refusal { return proxyPage() }, nil},
	"vertex_429":      {afterCount, func(*generation) *refusal { return vertexExhausted() }, nil},
	"bad_request":     {afterCount, func(*generation) *refusal { return invalidArgument() }, nil},
	"model_not_found": {afterCount, func(g *generation) *refusal { return modelNotFound(g.entry.Model, g.version, g.entry.Method) }, nil},
	"thought_signature": {afterCount, func(*generation) *refusal {
		return invalid("Image part is missing a thought_signature in content position 2, part position 1." + signatureHelp)
	}, nil},

	// 200, but not what was asked.
	"safety_image": {asOutcome, nil, func(g *generation) {
		g.filter("IMAGE_SAFETY", "Unable to show the generated image. The image was filtered out because it violated Google's "+
			"[Generative AI Prohibited Use policy](https://policies.google.com/terms/generative-ai/use-policy). You will not be "+
			"charged for blocked images. Try rephrasing the prompt. If you think this was an error, "+
			"[send feedback](https://ai.google.dev/gemini-api/docs/troubleshooting).")
		g.saidFree = true
	}},
	"safety_image_silent": {asOutcome, nil, func(g *generation) { g.filter("IMAGE_SAFETY", "") }},
	"prohibited_image": {asOutcome, nil, func(g *generation) {
		g.filter("IMAGE_PROHIBITED_CONTENT", "Unable to show the generated image due to interests of third-party content providers. "+
			fmt.Sprintf("Please edit your prompt and try again. If you think this was an error, send feedback. Support code: %d",
				10_000_000+g.rnd.IntN(89_999_999)))
	}},
	"recitation": {asOutcome, nil, func(g *generation) {
		g.filter("IMAGE_RECITATION", "Unable to show the generated image. The generated image may resemble existing content. "+
			"Try rephrasing the prompt.")
	}},
	"other": {asOutcome, nil, func(g *generation) {
		g.block("IMAGE_OTHER", "Unable to show the generated image. The model could not generate the image based on the prompt "+
			"provided. You will not be charged for this request. Try rephrasing the prompt.")
		g.saidFree = true
	}},
	"no_image": {asOutcome, nil, func(g *generation) {
		g.block("NO_IMAGE", "")
		g.answer.content = contentNone
	}},
	"safety_prompt": {asOutcome, nil, func(g *generation) {
		g.filter("", "")
		g.answer.noCandidates, g.answer.blockReason = true, cmp.Or(g.fault.Value, "PROHIBITED_CONTENT")
		g.answer.usage.thoughts = 0
	}},
	"text_only": {asOutcome, nil, func(g *generation) {
		text := cmp.Or(g.fault.Text, "Here is a description of the picture you asked for, in words.")
		g.answer.parts = []outPart{g.textPart(text)}
		g.answer.usage.images, g.answer.usage.rest = 0, int64(len(text)+3)/4
	}},
	"truncated": {asOutcome, nil, func(g *generation) { g.truncate() }},

	"thought_only": {asOutcome, nil, func(g *generation) {
		g.answer.parts = []outPart{{thought: true, picture: &picture{}, recipe: g.plan()}}
	}},
	"draft_then_final": {asOutcome, nil, func(g *generation) {
		draft := g.plan()
		draft.size, draft.prompt = g.model.sizes[0], "draft: "+draft.prompt
		g.answer.parts = append([]outPart{{thought: true, picture: &picture{}, recipe: draft}}, g.answer.parts...)
	}},
	"several_images": {asOutcome, nil, func(g *generation) {
		n := cmp.Or(g.fault.Count, 2)
		for i := 1; i < n; i++ {
			other := g.plan()
			other.seed += int64(i)
			g.answer.parts = append(g.answer.parts, outPart{picture: &picture{}, recipe: other})
		}
		g.answer.usage.images *= int64(n)
	}},
	"wrong_size": {asOutcome, nil, func(g *generation) {
		size := g.fault.Value
		if !slices.Contains(g.model.sizes, size) {
			size = "1K"
			if g.ask.size == size {
				size = g.model.sizes[0]
			}
		}
		g.replan(func(r *recipe) { r.size = size })
		g.answer.usage.images = int64(g.model.imageTokens[size])
	}},
	"wrong_ratio": {asOutcome, nil, func(g *generation) {
		ratio := g.fault.Value
		if !slices.Contains(g.model.ratios, ratio) {
			ratio = "1:1"
			if g.ask.ratio == ratio {
				ratio = "16:9"
			}
		}
		g.replan(func(r *recipe) { r.ratio = ratio })
	}},
	// Another model serves than was asked for, at its own price.
	"wrong_model": {asOutcome, nil, func(g *generation) {
		other := "gemini-2.5-flash-image"
		if g.model.id == other {
			other = "gemini-3.1-flash-image"
		}
		g.answer.model = cmp.Or(g.fault.Value, other)
	}},
	"continuation": {asOutcome, nil, func(g *generation) {
		g.answer.parts = []outPart{g.textPart("The picture is not finished yet. ")}
		g.answer.usage.images, g.answer.usage.rest = 0, 8
		g.answer.finish, g.answer.continuation = "CONTINUATION", newToken(g.rnd)
	}},
	"new_finish": {asOutcome, nil, func(g *generation) { g.block(cmp.Or(g.fault.Value, "IMAGE_REVIEW_PENDING"), "") }},

	// The picture is made and charged; its delivery fails. Of midstream_error see brokeFree.
	"hang":            {inTransport, nil, nil},
	"drop":            {inTransport, nil, nil},
	"cut":             {inTransport, nil, nil},
	"slow":            {inTransport, nil, nil},
	"empty":           {inTransport, nil, nil},
	"malformed_json":  {inTransport, nil, nil},
	"midstream_error": {inTransport, nil, nil},
	"early":           {atDoor, nil, nil},
}

// replan changes what will be drawn.
func (g *generation) replan(change func(*recipe)) {
	for i := range g.answer.parts {
		change(&g.answer.parts[i].recipe)
	}
}

// stated is the delay a rate fault names.
func (g *generation) stated(usual time.Duration) time.Duration {
	return cmp.Or(time.Duration(g.fault.RetryDelay), usual)
}

func (g *generation) dayOver(usual time.Duration) *refusal {
	return quotaExceeded(g.model.id, g.stated(usual), newViolation("generate_requests_per_model_per_day",
		"GenerateRequestsPerDayPerProjectPerModel", g.model.id, int64(max(g.limits.RPD, 1))))
}

// filter blocks the picture: who pays is the setting's to say, unless the answer does (gemini-api.md §8).
func (g *generation) filter(finish, message string) {
	g.block(finish, message)
	g.filtered = true
}

// block empties the answer after the model had thought. What it used is billed, as of every answer, unless it was
// a filter that did it.
func (g *generation) block(finish, message string) {
	a := g.answer
	a.parts, a.finish, a.finishMessage = nil, finish, cmp.Or(g.fault.Text, message)
	a.usage.images, a.usage.rest, a.usage.answered = 0, 0, false
}

// truncate: all of maxOutputTokens went into thinking.
func (g *generation) truncate() {
	a := g.answer
	a.parts, a.content, a.finish = nil, contentRole, "MAX_TOKENS"
	a.usage.images, a.usage.rest, a.usage.answered = 0, 0, false
	a.usage.thoughts = cmp.Or(g.ask.maxTokens, a.usage.thoughts, 64)
}
