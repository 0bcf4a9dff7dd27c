package relay

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// hang keeps the pictures of an attempt that may have been charged, after its client
// has them. What can't be kept is told, and no more: the client's copy is whole.
func (t *Transport) hang(a *ask, r *result) {
	if t.Gallery == nil || a.route.free() || r.lost != nil || r.verdict.Charged == plantain.ChargedNo {
		return
	}
	b := &r.facts.Body
	for i := range b.Parts {
		p := &b.Parts[i]
		if p.Kind != gemini.KindImage || p.Thought || p.Decoded == 0 {
			continue
		}
		if err := t.Gallery.Hang(context.Background(), t.picture(a, r, p), textOf(r, p)); err != nil {
			t.log().Error("a picture could not be kept in the gallery", "request", a.id, "error", err)
		}
	}
	if t.Gallery.Crowded() {
		if _, err := t.Gallery.Tidy(context.Background(), t.now(), false); err != nil {
			t.log().Error("the gallery can't be tidied up", "error", err)
		}
	}
}

// textOf reads a picture from the body that brought it. The body must have ended.
func textOf(r *result, p *gemini.Part) io.Reader {
	return gemini.PictureReader(io.NewSectionReader(r.body, p.Data.Start, p.Data.Len))
}

func (t *Transport) picture(a *ask, r *result, p *gemini.Part) plantain.Picture {
	served := cmp.Or(gemini.BareModel(plantain.Model(r.facts.Body.ModelVersion)), a.entry.ID)
	prompt := sha256.Sum256([]byte(a.asked.Prompt))
	return plantain.Picture{
		ID: plantain.PictureID(t.newID("i")), Request: a.id, Attempt: r.attempt.ID, Client: a.caller.Client,
		Project: r.member.Name, Model: served, Size: a.asked.Size, Width: p.Width, Height: p.Height, MIME: p.MIME,
		Prompt: hex.EncodeToString(prompt[:]), Cost: r.cost, Made: t.now(),
	}
}
