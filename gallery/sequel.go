package gallery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

// A Sequel is a request that goes on with a thread: its turns with their pictures, and
// what is to come.
type Sequel struct {
	Model plantain.Model
	Call  gemini.Call
	Draft string             // the size that it is a draft for; empty: it is none
	Final plantain.RequestID // whose picture it is to make at the final size; empty: of none
	Notes []string           // what of the thread can't be sent again
}

// goOn writes the turns of the thread up to one of them, and the next.
func (g *Gallery) goOn(ctx context.Context, s *Sequel, e gemini.Entry, t Thread, after Turn, next gemini.CallTurn) error {
	line, gone := t.line(after)
	for len(line) > 1 && inline(e, line) > gemini.MaxInline {
		line, gone = line[1:], true
	}
	if n := inline(e, line); n > gemini.MaxInline {
		return unfit("the pictures of %s have %d MB as they are sent, and Google takes %d MB", after.Request, n>>20, gemini.MaxInline>>20)
	}
	if gone {
		s.Notes = append(s.Notes, fmt.Sprintf("it goes on from %s: what came before is kept no more, or too much to be sent", line[0].Request))
	}
	for _, turn := range line {
		asked, err := g.askedIn(ctx, s, turn)
		if err != nil {
			return err
		}
		made := gemini.CallTurn{Role: "model"}
		for _, p := range turn.Pictures {
			part, err := g.part(p)
			if err != nil {
				return err
			}
			made.Parts = append(made.Parts, part)
		}
		s.Call.Turns = append(s.Call.Turns, asked, made)
	}
	s.Call.Turns = append(s.Call.Turns, next)
	if e.OmitSize {
		s.Call.Size = ""
	}
	return nil
}

// inline is how many bytes a request with the pictures of turns has at Google's: in
// base64, each with a thought signature that is as large as itself (gemini-api.md §4).
func inline(e gemini.Entry, line []Turn) int64 {
	sum := int64(1 << 20) // for all else
	for _, t := range line {
		for _, p := range t.Pictures {
			sum += (p.Bytes + 2) / 3 * 4
			if e.Signatures {
				sum += (p.Bytes + 2) / 3 * 4
			}
		}
	}
	return sum
}

// maxText is from where on a text is known to be cut.
const maxText = gemini.MaxText - 3

// askedIn is the user's turn that brought a turn, as far as it is kept.
func (g *Gallery) askedIn(ctx context.Context, s *Sequel, t Turn) (gemini.CallTurn, error) {
	asked, p := gemini.CallTurn{Role: "user"}, t.Asked()
	empty := sha256.Sum256(nil)
	if p.Text == "" && p.Prompt != hex.EncodeToString(empty[:]) {
		return asked, notKept("the prompt of %s is not kept (retention: {prompts: true} keeps new ones): begin anew from its image, "+
			"plantain images get %s and plantain generate -i FILE PROMPT", t.Request, p.ID)
	}
	if p.Text != "" {
		asked.Parts = append(asked.Parts, gemini.CallPart{Text: p.Text})
	}
	if len(p.Text) >= maxText {
		s.Notes = append(s.Notes, fmt.Sprintf("the prompt of %s was longer than the 16 KiB of it that are kept", t.Request))
	}
	missing := 0
	for _, id := range p.Given {
		given, kept, err := g.GoesOn(ctx, p.Client, []string{id})
		if err != nil {
			return asked, err
		}
		part, err := g.part(given)
		if !kept || err != nil {
			missing++
			continue
		}
		asked.Parts = append(asked.Parts, part)
	}
	if missing > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d image(s) that came with the prompt of %s are not kept and not sent again: give them with -i where they matter",
			missing, t.Request))
	}
	if len(asked.Parts) == 0 {
		return asked, notKept("nothing is kept of what %s was asked: begin anew from its image, plantain images get %s and plantain generate -i FILE PROMPT",
			t.Request, p.ID)
	}
	return asked, nil
}

// part is a picture as it is sent.
func (g *Gallery) part(p plantain.Picture) (gemini.CallPart, error) {
	file, err := g.Open(p)
	if errors.Is(err, fs.ErrNotExist) {
		return gemini.CallPart{}, notKept("the file of image %s is not here: it was removed, or another gateway has it", p.ID)
	}
	if err != nil {
		return gemini.CallPart{}, fmt.Errorf("read a picture: %w", err)
	}
	return gemini.CallPart{MIME: p.MIME, Open: func() (io.ReadCloser, error) { return g.Open(p) }}, file.Close()
}
