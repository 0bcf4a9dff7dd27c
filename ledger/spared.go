package ledger

import "github.com/plantainhq/plantain"

// Spared names requests that were answered without an attempt, because an earlier one
// had been paid for.
type Spared struct {
	Quarter int64 // Unix time in quarters of an hour
	Client  plantain.ClientName
	Reason  SparedBy
	Earlier plantain.RequestID
}

// SparedBy is why a request cost nothing.
type SparedBy string

// The reasons.
const (
	SparedRepeat   SparedBy = "repeat"   // it came again with its Idempotency-Key
	SparedFiltered SparedBy = "filtered" // it was filtered before, and would have been again
	// SparedDraft is not of requests that cost nothing but of drafts, which cost less.
	SparedDraft SparedBy = "draft"
)

// Saved is what requests would have cost that cost nothing, if each had cost what the
// earlier one did. Of drafts that brought their picture it is what those without a final
// cost less than the size that they were meant for, minus what those with one cost, which
// then was paid beside the final: it may be below zero.
type Saved struct {
	Reason   SparedBy      `json:"reason"`
	Requests int64         `json:"requests"`
	Cost     plantain.Cost `json:"cost"`
}
