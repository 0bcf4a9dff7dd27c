package sim

// usage is usageMetadata (gemini-api.md §4). Zero counts are left out where the recordings leave them out.
type usage struct {
	promptText, promptImages int64
	images                   int64 // IMAGE tokens of the answer
	rest                     int64 // the unlisted remainder; on Vertex the text that is listed
	thoughts                 int64
	answered                 bool // candidatesTokenCount is present
	textListed               bool // Vertex: details add up to the total
	tier, traffic            string
}

func (u usage) prompt() int64 { return u.promptText + u.promptImages }
func (u usage) total() int64  { return u.prompt() + u.images + u.rest + u.thoughts }

// cost in nano-dollars: IMAGE tokens at the image rate, the unlisted remainder and thoughts at the text rate. Flex is
// half; priority costs 75 to 100 % more, 80 % here.
func (u usage) cost(m *model) int64 {
	sum := u.prompt()*m.inPrice + (u.rest+u.thoughts)*m.textPrice + u.images*m.imagePrice
	switch u.tier {
	case "flex":
		return sum / 2
	case "priority":
		return sum / 5 * 9
	}
	return sum
}

func (u usage) write(e *emitter) {
	e.open('{')
	e.key("promptTokenCount").int(u.prompt())
	if u.answered {
		e.key("candidatesTokenCount").int(u.images + u.rest)
	}
	e.key("totalTokenCount").int(u.total())
	if u.traffic != "" {
		e.key("trafficType").str(u.traffic)
	}
	e.key("promptTokensDetails").open('[')
	modality(e, "TEXT", u.promptText)
	modality(e, "IMAGE", u.promptImages)
	e.close(']')
	if u.answered && (u.images > 0 || u.textListed) {
		e.key("candidatesTokensDetails").open('[')
		if u.textListed {
			modality(e, "TEXT", u.rest)
		}
		modality(e, "IMAGE", u.images)
		e.close(']')
	}
	if u.thoughts > 0 {
		e.key("thoughtsTokenCount").int(u.thoughts)
	}
	if u.tier != "" && u.traffic == "" {
		e.key("serviceTier").str(u.tier)
	}
	e.close('}')
}

func modality(e *emitter, name string, n int64) {
	if n == 0 {
		return
	}
	e.open('{')
	e.key("modality").str(name)
	e.key("tokenCount").int(n)
	e.close('}')
}
