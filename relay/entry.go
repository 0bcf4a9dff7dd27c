package relay

import (
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/ledger"
)

// entryOf writes down how an attempt ended.
func entryOf(a *ask, r *result, now time.Time) ledger.Entry {
	b := r.facts.Body
	e := ledger.Entry{
		Attempt: r.attempt.ID, Verdict: r.verdict, Cost: r.cost,
		Stage: r.facts.Stage, Status: r.facts.Status, Sent: r.sent, Settled: now, Took: r.facts.Took,
		Finish: b.FinishReason, Served: plantain.Model(b.ModelVersion), ResponseID: b.ResponseID,
		Continuation: tokenID(b.Continuation),
		Images:       finals(b.Parts), Usage: b.Usage, AnswerLength: b.Bytes, Answer: r.owed,
	}
	if e.Finish == "" {
		e.Finish = b.BlockReason
	}
	if d := asAsked(a, &b); d != "as-asked" {
		e.Differs = d
	}
	if p := lastPicture(b.Parts); p != nil {
		e.Width, e.Height = p.Width, p.Height
	}
	return e
}

// finals counts the pictures that are no drafts of the model's thinking.
func finals(parts []gemini.Part) int {
	n := 0
	for _, p := range parts {
		if p.Kind == gemini.KindImage && !p.Thought {
			n++
		}
	}
	return n
}

func lastPicture(parts []gemini.Part) *gemini.Part {
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].Kind == gemini.KindImage && !parts[i].Thought {
			return &parts[i]
		}
	}
	return nil
}
