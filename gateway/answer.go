package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
)

// Answers is where the answers stand that are owed to repeated requests.
type Answers interface {
	// Of gives what is owed for a request; nil: nothing.
	Of(ctx context.Context, r plantain.RequestID, now time.Time) (*gallery.Owed, error)
	// Open opens the body of an answer, which is whole.
	Open(o *gallery.Owed) (*os.File, error)
	Lost() int64 // how many could not be kept, since the start
}

// answer serves GET /api/v1/requests/{id}/answer: the answer of a request that
// carried an Idempotency-Key or whose client had left, as it was given or would have
// been. [gallery.Last] is the newest request of the client, or of all to an admin.
func (g *Gateway) answer(w http.ResponseWriter, r *http.Request) {
	id := plantain.RequestID(r.PathValue("id"))
	if id == gallery.Last {
		attempts, ok := g.attemptsOf(w, r, id)
		if !ok {
			return
		}
		id = attempts[0].Request
	}
	owed, err := g.Answers.Of(r.Context(), id, g.Door.now())
	if err != nil {
		g.log().Error("read an answer", "request", id, "error", err)
		writeError(w, http.StatusInternalServerError, "internal: the answer could not be read; the log says why")
		return
	}
	if v := visitorOf(r); owed == nil || owed.Kept.IsZero() || owed.Client != v.client && !v.admin {
		// Another client's answer is as unknown as one that never was.
		writeError(w, http.StatusNotFound, fmt.Sprintf("no answer is kept for request %s; one is where it carried an Idempotency-Key, or its client had left", id))
		return
	}
	if owed.Size < 0 {
		writeError(w, http.StatusNotFound, fmt.Sprintf("the answer of request %s is kept no more: there was no room for it", id))
		return
	}
	body, err := g.Answers.Open(owed)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			g.log().Error("read an answer", "request", id, "error", err)
		}
		writeError(w, http.StatusNotFound, fmt.Sprintf("the answer of request %s is not at hand here", id))
		return
	}
	defer func() { _ = body.Close() }()
	maps.Copy(w.Header(), owed.Heading())
	w.Header().Set("Content-Length", strconv.FormatInt(owed.Size, 10))
	w.WriteHeader(owed.Status)
	_, _ = io.CopyN(w, body, owed.Size) // a client that left is no fault of ours
}
