package relay

import (
	"sync"
	"time"
)

// A budget keeps retries a share of the traffic, so that trouble at Google does
// not become a storm: every request earns part of a retry, every costly retry
// spends one, and one a second is always allowed. The zero value starts full.
type budget struct {
	mu    sync.Mutex
	spent float64 // of budgetSize
	last  time.Time
}

// budgetSize is how many retries a calm past allows at once.
const budgetSize = 50

// earn counts a request, which allows share of a retry.
func (b *budget) earn(share float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(b.spent-share, 0)
}

// spend reports whether one more retry fits.
func (b *budget) spend(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.last.IsZero() {
		b.spent = max(b.spent-now.Sub(b.last).Seconds(), 0)
	}
	b.last = now
	if b.spent+1 > budgetSize {
		return false
	}
	b.spent++
	return true
}
