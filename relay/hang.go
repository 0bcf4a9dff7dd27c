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
// has them, which give sees to. What can't be kept is told, and no more: the client's
// copy is whole.
func (t *Transport) hang(a *ask, r *result, give func()) {
	pictures := t.toHang(a, r)
	if len(pictures) == 0 {
		give()
		return
	}
	earlier, hung := t.Gallery.Announce(a.caller.Client)
	defer hung()
	give()
	earlier() // one of them may be what this conversation goes on with
	of := t.conversation(a)
	for _, p := range pictures {
		if err := t.Gallery.Hang(context.Background(), t.picture(a, r, p, of), textOf(r, p)); err != nil {
			t.log().Error("a picture could not be kept in the gallery", "request", a.id, "error", err)
		}
	}
	if t.Gallery.Crowded() {
		if _, err := t.Gallery.Tidy(context.Background(), t.now(), false); err != nil {
			t.log().Error("the gallery can't be tidied up", "error", err)
		}
	}
}

func (t *Transport) toHang(a *ask, r *result) (pictures []*gemini.Part) {
	if t.Gallery == nil || a.route.free() || r.lost != nil || r.verdict.Charged == plantain.ChargedNo {
		return nil
	}
	for i := range r.facts.Body.Parts {
		if p := &r.facts.Body.Parts[i]; p.Kind == gemini.KindImage && !p.Thought && p.Decoded > 0 {
			pictures = append(pictures, p)
		}
	}
	return pictures
}

// A conversation is what a request belongs to: the thread and what it goes on with.
type conversation struct{ thread, parent plantain.RequestID }

// conversation finds it by the pictures in the turns of the model. One that is not known
// begins with the request.
func (t *Transport) conversation(a *ask) conversation {
	var sent []string
	for _, turn := range a.asked.Turns {
		if turn.Role == "model" {
			sent = append(sent, identities(turn.Parts)...)
		}
	}
	before, found, err := t.Gallery.GoesOn(context.Background(), a.caller.Client, sent)
	if err != nil {
		t.log().Error("it can't be read what a conversation goes on with", "request", a.id, "error", err)
	}
	if !found {
		return conversation{thread: a.id}
	}
	return conversation{before.Thread, before.Request}
}

// identity is what a conversation knows a picture by; empty: it can't be told.
func identity(p *gemini.Part) string {
	if p.Digest == [32]byte{} {
		return ""
	}
	return hex.EncodeToString(p.Digest[:])
}

// identities are those of the pictures among parts, and inside of their texts;
// [plantain.Unidentified] for one that there is only a link to.
func identities(parts []gemini.Part) (ids []string) {
	for i := range parts {
		p := &parts[i]
		if p.Kind == gemini.KindImage && !p.Thought {
			ids = append(ids, cmp.Or(identity(p), plantain.Unidentified))
		}
		ids = append(ids, identities(p.Inside)...)
	}
	return ids
}

// given are the identities of the pictures that came with the text of a request.
func given(a *ask) []string {
	turn, _ := gemini.LastOfUser(a.asked.Turns)
	return identities(turn.Parts)
}

// textOf reads a picture from the body that brought it. The body must have ended.
func textOf(r *result, p *gemini.Part) io.Reader {
	return gemini.PictureReader(io.NewSectionReader(r.body, p.Data.Start, p.Data.Len))
}

func (t *Transport) picture(a *ask, r *result, p *gemini.Part, of conversation) plantain.Picture {
	served := cmp.Or(gemini.BareModel(plantain.Model(r.facts.Body.ModelVersion)), a.entry.ID)
	prompt := sha256.Sum256([]byte(a.asked.Prompt))
	return plantain.Picture{
		ID: plantain.PictureID(t.newID("i")), Request: a.id, Attempt: r.attempt.ID, Client: a.caller.Client,
		Project: r.member.Name, Model: served, Size: a.asked.Size, Ratio: a.asked.Ratio, Width: p.Width, Height: p.Height, MIME: p.MIME,
		Prompt: hex.EncodeToString(prompt[:]), Text: a.asked.Prompt, Cost: r.cost, Made: t.now(),
		Identity: identity(p), Given: given(a), Thread: of.thread, Parent: of.parent,
		Draft: a.caller.Draft, Final: a.caller.Final != "", Healed: string(a.how),
	}
}
