package sim

// compose lays out the usual answer: parts and tokens, no pixels yet.
func (g *generation) compose() {
	a, m := g.ask, g.model
	u := usage{promptText: a.textTokens, promptImages: a.imageTokens, answered: true, tier: a.tier}
	out := &answer{finish: "STOP", model: m.id, id: newResponseID(g.s.now(), g.rnd), vertex: g.vertex, created: g.s.now()}
	if m.thinks || m.thinksHigh && a.high {
		u.thoughts = 120 + g.rnd.Int64N(280)
	}
	if a.thoughts && m.gemini3 {
		out.parts = append(out.parts, outPart{thought: true, text: "**Composing the picture**\n\nI weigh light, ground and subject.\n\n"})
	}
	u.rest = 46 + g.rnd.Int64N(353) // 46 to 398 in the recordings (gemini-api.md §13)
	if g.vertex {
		u.traffic, u.rest, u.textListed = "ON_DEMAND", 0, true
	}
	// Recorded: Pro and 2.5 say a word first, NB2 and Lite send the picture alone.
	if a.text && (m.thinks || !m.gemini3 || !a.images) {
		text := "Here is the picture you asked for. "
		if a.turn > 0 {
			text = "Here is the picture with your change. "
		}
		if !a.images {
			text = "A picture was not asked for, so here are words."
		}
		out.parts = append(out.parts, g.textPart(text))
		if g.vertex || !a.images {
			u.rest = int64(len(text)+3) / 4
		}
	}
	if a.images {
		u.images = int64(m.imageTokens[a.size])
		out.parts = append(out.parts, outPart{picture: &picture{}, recipe: g.plan()})
	}
	if a.search {
		out.grounded = first200(a.prompt)
	}
	out.usage = u
	g.answer = out
}

// textPart is a text; the first non-thought one of a Gemini-3 answer is signed.
func (g *generation) textPart(text string) outPart {
	p := outPart{text: text}
	if g.model.gemini3 {
		p.sig = sign("text", []byte(text), 1_050_000+g.rnd.IntN(100_000), g.rnd)
	}
	return p
}

// draw makes the pixels of every picture part that has none yet, and signs it.
func (g *generation) draw() {
	for i := range g.answer.parts {
		p := &g.answer.parts[i]
		if p.picture == nil {
			continue
		}
		p.picture = g.paint(p.recipe)
		g.sign(p)
	}
}

// plan is the recipe of the picture that was asked for.
func (g *generation) plan() recipe {
	a := g.ask
	return recipe{model: g.model, size: a.size, ratio: a.ratio, prompt: triggers.ReplaceAllString(a.prompt, ""),
		seed: a.seed, turn: a.turn, png: g.vertex && a.mime == "image/png"}
}

func (g *generation) paint(r recipe) *picture {
	r.w, r.h = g.model.pixels(r.size, r.ratio)
	r.base = g.s.darkroom.develop(g.ask.base)
	p := r.make()
	if p.size == "4K" {
		g.s.darkroom.keep(p.data, p.canvas)
	}
	p.canvas = nil
	return &p
}

// sign gives a finished picture its signature: beside 1.1 million characters of picture 1.1 to 2.9 million were
// recorded, larger pictures are assumed to stay at the lower end.
func (g *generation) sign(p *outPart) {
	if p.thought || !g.model.gemini3 {
		return
	}
	if g.ask.byURI {
		p.uri = g.keep(p.picture)
		p.sig = sign("file", []byte(p.uri), 1_100_000, g.rnd)
		return
	}
	chars := float64(len(p.picture.data)) * 4 / 3
	spread := 1.5
	if len(p.picture.data) > 2<<20 {
		spread = .3
	}
	p.sig = sign("image", p.picture.data, int(chars*(1+spread*g.rnd.Float64())), g.rnd)
}
