package gallery

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A Wish is how a thread is to go on. The zero value changes nothing.
type Wish struct {
	Prompt string         `json:"prompt,omitempty"`
	Images []Given        `json:"images,omitempty"` // that come with the prompt
	Model  plantain.Model `json:"model,omitempty"`
	Size   string         `json:"size,omitempty"`
	Ratio  string         `json:"aspect_ratio,omitempty"`
	// Draft asks for the cheapest size; then Size is the one that it is a draft for, and
	// empty the one of the turn before, or the largest.
	Draft bool `json:"draft,omitempty"`
}

// A Given is a picture that comes with a prompt.
type Given struct {
	MIME string `json:"mimeType"`
	Data []byte `json:"data"`
}

// An UnfitError says why a thread can't go on as is wished, and what to do.
type UnfitError struct{ text string }

func (e *UnfitError) Error() string { return e.text }

func unfit(format string, args ...any) error { return &UnfitError{fmt.Sprintf(format, args...)} }

// Refine makes the next turn of a thread after the turn that a name of
// [Gallery.Thread] means: of the same model, ratio and size, and a draft after a draft,
// unless it is wished otherwise. The model's turns come without their signatures. Its
// error is a [NotKeptError] or an [UnfitError] where it can't be made.
func (g *Gallery) Refine(ctx context.Context, models *gemini.Catalogue, c plantain.ClientName, name string, w Wish) (*Sequel, error) {
	if strings.TrimSpace(w.Prompt) == "" && len(w.Images) == 0 {
		return nil, unfit("the prompt is empty; say what to change")
	}
	t, turn, err := g.own(ctx, c, name)
	if err != nil {
		return nil, err
	}
	e, err := model(models, turn, w.Model)
	if err != nil {
		return nil, err
	}
	if len(w.Images) > e.MaxImages {
		return nil, unfit("%s takes %d pictures; %d were given", e.ID, e.MaxImages, len(w.Images))
	}
	s := &Sequel{Model: e.ID}
	_, s.Call.Ratio = asMade(models, turn)
	s.Call.Ratio = cmp.Or(w.Ratio, s.Call.Ratio)
	if s.Call.Size, s.Draft, err = sizeOf(e, turn, w); err != nil {
		return nil, &UnfitError{err.Error()}
	}
	if err := e.CheckRatio(s.Call.Ratio); err != nil {
		return nil, &UnfitError{err.Error()}
	}
	next := gemini.CallTurn{Role: "user"}
	if w.Prompt != "" {
		next.Parts = append(next.Parts, gemini.CallPart{Text: w.Prompt})
	}
	for _, i := range w.Images {
		next.Parts = append(next.Parts, i.Part())
	}
	return s, g.goOn(ctx, s, e, t, turn, next)
}

// Part is the picture as it is sent.
func (i Given) Part() gemini.CallPart {
	return gemini.CallPart{MIME: i.MIME, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(i.Data)), nil }}
}

// finalPrompt asks for the picture before it at another size.
const finalPrompt = "Render the last image again at the final resolution, as the very same picture: the same composition, framing, subjects, " +
	"poses, text, colors, light and style. Add nothing, remove nothing and move nothing; only resolve finer detail."

// Final makes the request for the picture of a turn at its final size, by going on with
// its thread: at the size that it was a draft for, else at the largest of the model,
// unless the wish names one. Of the wish, only Model and Size count. Its errors are those of
// [Gallery.Refine].
func (g *Gallery) Final(ctx context.Context, models *gemini.Catalogue, c plantain.ClientName, name string, w Wish) (*Sequel, error) {
	t, turn, err := g.own(ctx, c, name)
	if err != nil {
		return nil, err
	}
	e, err := model(models, turn, w.Model)
	if err != nil {
		return nil, err
	}
	size := w.Size
	if draft := turn.Asked().Draft; size == "" && e.CheckSize(draft) == nil {
		size = draft
	}
	size = cmp.Or(size, e.Largest())
	if err := e.CheckSize(size); err != nil {
		return nil, &UnfitError{err.Error()}
	}
	made, ratio := asMade(models, turn)
	if gemini.CompareSizes(size, made) <= 0 {
		if len(e.Sizes) == 1 {
			return nil, unfit("%s makes %s only, and %s is %s already: there is no larger final of it", e.ID, size, turn.Request, made)
		}
		return nil, unfit("%s is %s already; a final is larger", turn.Request, made)
	}
	s := &Sequel{Model: e.ID, Final: turn.Request, Call: gemini.Call{Size: size, Ratio: ratio}}
	return s, g.goOn(ctx, s, e, t, turn, gemini.CallTurn{Role: "user", Parts: []gemini.CallPart{{Text: finalPrompt}}})
}

// own is Thread for whoever goes on with it, which only its client may.
func (g *Gallery) own(ctx context.Context, c plantain.ClientName, name string) (Thread, Turn, error) {
	return g.Thread(ctx, cmp.Or(c, plantain.LocalClient), name)
}

// Whose says why a client can't go on with a thread that another one has, for whoever
// may see all of them; else it gives err.
func (g *Gallery) Whose(ctx context.Context, c plantain.ClientName, name string, err error) error {
	if !errors.As(err, new(*NotKeptError)) || name == Last {
		return err
	}
	if t, _, found := g.Thread(ctx, "", name); found == nil && t.Client != c {
		return notKept("%s is of client %s, and only with its key it can be gone on with", name, t.Client)
	}
	return err
}

// model is the one that is to go on, by default the one that made the turn.
func model(models *gemini.Catalogue, after Turn, wished plantain.Model) (gemini.Entry, error) {
	m := cmp.Or(wished, after.Asked().Model)
	e, known := models.Lookup(m)
	if !known {
		return e, unfit("model %q is not known; name another one, of plantain models", m)
	}
	return e, nil
}

// asMade is the size and ratio of a turn: as its picture came, else as it was asked for;
// an empty ratio is not known.
func asMade(models *gemini.Catalogue, t Turn) (size, ratio string) {
	p := t.Asked()
	e, _ := models.Lookup(p.Model)
	size, ratio, known := e.Made(p.Width, p.Height)
	if !known {
		size = cmp.Or(p.Size, e.DefaultSize)
	}
	return size, cmp.Or(p.Ratio, ratio)
}

// sizeOf is the size of what comes after a turn, and what it is a draft for.
func sizeOf(e gemini.Entry, after Turn, w Wish) (size, draft string, err error) {
	p := after.Asked()
	if w.Draft {
		final := w.Size
		if final == "" && e.CheckSize(p.Draft) == nil {
			final = p.Draft
		}
		return e.Draft(final)
	}
	if w.Size != "" {
		return w.Size, "", e.CheckSize(w.Size)
	}
	if p.Size != "" && !slices.Contains(e.Sizes, p.Size) {
		return "", "", nil // of another model
	}
	if p.Draft != "" && slices.Contains(e.Sizes, p.Draft) {
		draft = p.Draft
	}
	return p.Size, draft, nil
}
