package gallery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

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
	for len(line) > 1 && (inline(e, line) > gemini.MaxInline || tokens(e, line, next) > e.MaxInputTokens) {
		line, gone = line[1:], true
	}
	if n := inline(e, line); n > gemini.MaxInline {
		return unfit("the pictures of %s have %d MB as they are sent, and Google takes %d MB", after.Request, n>>20, gemini.MaxInline>>20)
	}
	turns := []gemini.CallTurn{next}
	for i, turn := range slices.Backward(line) {
		asked, made, err := g.again(ctx, s, turn)
		if i < len(line)-1 && errors.As(err, new(*NotKeptError)) {
			line, gone = line[i+1:], true
			break
		}
		if err != nil {
			return err
		}
		turns = append(turns, made, asked)
	}
	slices.Reverse(turns)
	s.Call.Turns = turns
	if gone {
		s.Notes = append(s.Notes, fmt.Sprintf("it goes on from %s: what came before is kept no more, or too much to be sent", line[0].Request))
	}
	slices.Reverse(s.Notes) // the oldest turn first
	if e.OmitSize {
		s.Call.Size = ""
	}
	return nil
}

// again is a turn as it is sent again: what was asked, and what was made.
func (g *Gallery) again(ctx context.Context, s *Sequel, t Turn) (asked, made gemini.CallTurn, err error) {
	made.Role = "model"
	for _, p := range t.Pictures {
		part, err := g.part(p)
		if err != nil {
			return asked, made, err
		}
		made.Parts = append(made.Parts, part)
	}
	asked, err = g.askedIn(ctx, s, t)
	return asked, made, err
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

// tokens estimates what turns and the next one count as input: about four bytes of text
// a token, and a number for each picture.
func tokens(e gemini.Entry, line []Turn, next gemini.CallTurn) int64 {
	text, pictures := 0, 0
	for _, t := range line {
		text += len(t.Asked().Text)
		pictures += len(t.Pictures) + len(t.Asked().Given)
	}
	for _, p := range next.Parts {
		text += len(p.Text)
		if p.MIME != "" {
			pictures++
		}
	}
	return int64(text)/4 + 1 + int64(pictures)*e.InputImageTokens
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
