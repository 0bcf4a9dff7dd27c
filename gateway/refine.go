package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/plantainhq/plantain/gallery"
)

// maxWish is how large a wish may be, with its pictures.
const maxWish = 32 << 20

// refine serves POST /api/v1/threads/{id}/refine: the body is a [gallery.Wish], the
// answer that of generateContent. With ?estimate=true it is a relay.Estimate, and
// nothing is sent.
func (g *Gateway) refine(w http.ResponseWriter, r *http.Request) {
	wish, err := readWish(w, r)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	s, err := g.Gallery.Refine(r.Context(), g.catalogue(), visitorOf(r).client, r.PathValue("id"), wish)
	g.goOn(w, r, wish, s, err)
}

// final serves POST /api/v1/threads/{id}/final in the same way; of the wish, which may
// be absent, it takes model and size.
func (g *Gateway) final(w http.ResponseWriter, r *http.Request) {
	wish, err := readWish(w, r)
	if err == nil && (wish.Prompt != "" || len(wish.Images) > 0 || wish.Ratio != "" || wish.Draft) {
		err = errors.New("a final is the same picture, larger: it takes size and model; refine changes it")
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	s, err := g.Gallery.Final(r.Context(), g.catalogue(), visitorOf(r).client, r.PathValue("id"), wish)
	g.goOn(w, r, wish, s, err)
}

func readWish(w http.ResponseWriter, r *http.Request) (wish gallery.Wish, err error) {
	if err := readJSON(w, r, maxWish, &wish); err != nil && !errors.Is(err, io.EOF) {
		return wish, fmt.Errorf("the body is not understood: %w; send {\"prompt\": …} of at most %d MB, pictures included", err, maxWish>>20)
	}
	return wish, nil
}

// goOn sends what goes on with a thread, or answers why it can't be. Under an idempotency
// key the wish counts, not what became of it: "last" is another turn when it comes again.
func (g *Gateway) goOn(w http.ResponseWriter, r *http.Request, wish gallery.Wish, s *gallery.Sequel, err error) {
	if err != nil {
		if visitorOf(r).admin {
			err = g.Gallery.Whose(r.Context(), visitorOf(r).client, r.PathValue("id"), err)
		}
		g.threadFault(w, err)
		return
	}
	caller, err := callerOf(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	caller.Draft, caller.Final, caller.Estimate = s.Draft, s.Final, r.URL.Query().Get("estimate") == "true"
	text, _ := json.Marshal(wish) // it was JSON
	caller.Asks = fmt.Sprintf("%s %x", r.URL.Path, sha256.Sum256(text))
	if s.Draft != "" {
		w.Header().Set("Plantain-Draft", s.Draft)
	}
	for _, note := range s.Notes {
		w.Header().Add("Plantain-Note", note)
	}
	asked := r.Clone(r.Context())
	asked.URL = &url.URL{Path: "/v1beta/models/" + string(s.Model) + ":generateContent"}
	asked.Body, asked.ContentLength = s.Call.Body(), -1
	defer func() { _ = asked.Body.Close() }()
	g.serve(w, asked, caller)
}
