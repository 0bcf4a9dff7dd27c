package sim

import (
	"sync"
	"time"
)

// Request is one line of what arrived.
type Request struct {
	ID           int       `json:"id"` // 1, 2, 3 … in order of arrival
	Time         time.Time `json:"time"`
	Project      string    `json:"project"` // NAME; empty where the credential named none
	Tier         string    `json:"tier"`
	Model        string    `json:"model"` // as asked
	Method       string    `json:"method"`
	Path         string    `json:"path"`
	Status       int       `json:"status"` // 0: no answer was begun (yet); 499: the client left first
	Fault        string    `json:"fault"`
	Prompt       string    `json:"prompt"` // last user text, at most 200 characters
	FinishReason string    `json:"finish_reason"`
	ResponseID   string    `json:"response_id"`
	Images       int       `json:"images"`
	Size         string    `json:"size"`
	Ratio        string    `json:"ratio"`
	Charged      int64     `json:"charged_nanodollars"`
	Whole        bool      `json:"whole"`      // the answer was sent to its end; of an error: false
	BodyBytes    int64     `json:"body_bytes"` // of the request, as far as it was read
	Counted      bool      `json:"counted"`    // took room in the project's windows
	ServedModel  string    `json:"served_model"`

	key    string
	used   usage  // what was charged is made of
	served *model // nil: nothing was charged
}

// Bill is what Google would charge.
type Bill struct {
	Total    int64                  `json:"total_nanodollars"`
	Projects map[string]ProjectBill `json:"projects"`
}

// ProjectBill is the bill of one project.
type ProjectBill struct {
	Total    int64    `json:"total_nanodollars"`
	Requests []Charge `json:"requests"`
}

// Charge is one request on a bill.
type Charge struct {
	ID         int    `json:"id"`
	ResponseID string `json:"response_id"`
	Model      string `json:"model"`
	Amount     int64  `json:"nanodollars"`
	Prompt     string `json:"prompt"`
}

// account is the memory of the simulator: every request, and so the bill.
type account struct {
	mu       sync.Mutex
	requests []*Request
}

// open writes down that a request arrived.
func (a *account) open(r Request) *Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.ID = len(a.requests) + 1
	a.requests = append(a.requests, &r)
	return &r
}

// note changes a line under the account's lock.
func (a *account) note(r *Request, change func(*Request)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(r)
}

func (a *account) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = nil
}

func (a *account) list() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Request, 0, len(a.requests))
	for _, r := range a.requests {
		out = append(out, *r)
	}
	return out
}

// bill adds up what was charged; requests that cost nothing are not on it.
func (a *account) bill() Bill {
	b := Bill{Projects: map[string]ProjectBill{}}
	for _, r := range a.list() {
		if r.Charged == 0 {
			continue
		}
		p := b.Projects[r.Project]
		p.Total += r.Charged
		p.Requests = append(p.Requests, Charge{r.ID, r.ResponseID, r.ServedModel, r.Charged, r.Prompt})
		b.Projects[r.Project] = p
		b.Total += r.Charged
	}
	return b
}
