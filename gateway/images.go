package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
)

// An Image is a picture of the gallery as /api/v1 and the commands show it.
type Image struct {
	ID      plantain.PictureID   `json:"id"`
	Request plantain.RequestID   `json:"request"`
	Attempt plantain.AttemptID   `json:"attempt"`
	Client  plantain.ClientName  `json:"client"`
	Project plantain.ProjectName `json:"project"`
	Model   plantain.Model       `json:"model"`
	Thread  plantain.RequestID   `json:"thread"`               // the request that began its conversation
	Parent  plantain.RequestID   `json:"continues,omitempty"`  // the request that its own goes on with
	Asked   string               `json:"size_asked,omitempty"` // "1K"; absent: none was named
	Ratio   string               `json:"aspect_ratio_asked,omitempty"`
	Draft   string               `json:"draft_for,omitempty"` // the size that it is a draft for
	Final   bool                 `json:"final,omitempty"`     // what it continues, at the final size
	Healed  string               `json:"healed,omitempty"`    // its request, as Plantain-Healed says
	Width   int                  `json:"width,omitempty"`
	Height  int                  `json:"height,omitempty"`
	MIME    string               `json:"mime"`
	Bytes   int64                `json:"bytes"`
	Digest  string               `json:"sha256"`
	Text    string               `json:"prompt,omitempty"` // of the last turn; absent: there was none, or it is not kept
	Prompt  string               `json:"prompt_sha256"`
	Cost    plantain.Cost        `json:"attempt_cost"` // with all pictures of the attempt
	Made    time.Time            `json:"made"`
}

// ViewImage describes a picture.
func ViewImage(p plantain.Picture) Image {
	return Image{
		ID: p.ID, Request: p.Request, Attempt: p.Attempt, Client: p.Client, Project: p.Project, Model: p.Model,
		Thread: p.Thread, Parent: p.Parent, Asked: p.Size, Ratio: p.Ratio, Draft: p.Draft, Final: p.Final, Healed: p.Healed,
		Width: p.Width, Height: p.Height, MIME: p.MIME, Bytes: p.Bytes, Digest: p.Digest, Text: p.Text, Prompt: p.Prompt, Cost: p.Cost, Made: p.Made,
	}
}

// An ImageList is images, newest first.
type ImageList struct {
	Images []Image            `json:"images"`
	Next   plantain.PictureID `json:"next,omitempty"` // before=NEXT gives those after these; absent: there are none
}

// ListImages looks up what [ImageQuery] read.
func ListImages(ctx context.Context, from *gallery.Gallery, q gallery.Query) (ImageList, error) {
	found, err := from.Rows.Pictures(ctx, q)
	list := ImageList{Images: []Image{}}
	for _, p := range found {
		list.Images = append(list.Images, ViewImage(p))
	}
	if len(found) > 0 && len(found) == q.Limit {
		list.Next = found[len(found)-1].ID
	}
	return list, err
}

// maxImages is how many pictures one answer of the list has at most.
const maxImages = 1000

// ImageQuery reads what GET /api/v1/images is asked for: client, model, request,
// before (an id), limit. Its error is for whoever asked.
func ImageQuery(v url.Values) (gallery.Query, error) {
	q := gallery.Query{
		Client: plantain.ClientName(v.Get("client")), Model: plantain.Model(v.Get("model")),
		Request: plantain.RequestID(v.Get("request")), Before: plantain.PictureID(v.Get("before")), Limit: 100,
	}
	if err := onlyKnown(v, "client", "model", "request", "before", "limit"); err != nil {
		return q, err
	}
	return q, readLimit(v, &q.Limit)
}

// onlyKnown errs where there is a parameter that is not known.
func onlyKnown(v url.Values, names ...string) error {
	for name := range v {
		if name != "key" && !slices.Contains(names, name) {
			return fmt.Errorf("%q is not known; use %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// readLimit takes the limit of a list, where one is named.
func readLimit(v url.Values, limit *int) error {
	s := v.Get("limit")
	if s == "" {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxImages {
		return fmt.Errorf("limit: %q is no number from 1 to %d", s, maxImages)
	}
	*limit = n
	return nil
}

// images serves GET /api/v1/images, newest first: a client's own, to an admin all.
func (g *Gateway) images(w http.ResponseWriter, r *http.Request) {
	q, err := ImageQuery(r.URL.Query())
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	if v := visitorOf(r); !v.admin {
		q.Client = v.client
	}
	list, err := ListImages(r.Context(), g.Gallery, q)
	if err != nil {
		g.imageFault(w, err)
		return
	}
	writeJSON(w, http.StatusOK, list)
}

// forImage serves a picture that the visitor may see. Another client's is as
// unknown as one that never was.
func (g *Gateway) forImage(serve func(http.ResponseWriter, *http.Request, plantain.Picture)) http.Handler {
	return g.behind(func(w http.ResponseWriter, r *http.Request) {
		id := plantain.PictureID(r.PathValue("id"))
		p, found, err := g.Gallery.Find(r.Context(), id)
		if err != nil {
			g.imageFault(w, err)
			return
		}
		if v := visitorOf(r); !found || p.Client != v.client && !v.admin {
			noImage(w, id)
			return
		}
		serve(w, r, p)
	})
}

func noImage(w http.ResponseWriter, id plantain.PictureID) {
	writeError(w, http.StatusNotFound, fmt.Sprintf("no image has the id %s, or it is kept no more", id))
}

func (g *Gateway) imageFault(w http.ResponseWriter, err error) {
	if errors.Is(err, context.Canceled) {
		return // who asked is gone
	}
	g.log().Error("read the gallery", "error", err)
	writeError(w, http.StatusInternalServerError, "internal: the gallery could not be read; the log says why")
}

func (g *Gateway) image(w http.ResponseWriter, _ *http.Request, p plantain.Picture) {
	writeJSON(w, http.StatusOK, ViewImage(p))
}

func (g *Gateway) imageContent(w http.ResponseWriter, r *http.Request, p plantain.Picture) {
	file, err := g.Gallery.Open(p)
	g.serveImage(w, r, p, file, err, p.MIME)
}

func (g *Gateway) imageThumbnail(w http.ResponseWriter, r *http.Request, p plantain.Picture) {
	file, err := g.Gallery.Thumbnail(p)
	if errors.Is(err, gallery.ErrNoThumbnail) {
		writeError(w, http.StatusNotFound, err.Error())
		return
	}
	g.serveImage(w, r, p, file, err, "image/jpeg")
}

func (g *Gateway) serveImage(w http.ResponseWriter, r *http.Request, p plantain.Picture, file *os.File, err error, mime string) {
	if errors.Is(err, fs.ErrNotExist) {
		noImage(w, p.ID) // removed meanwhile, or on the disk of another gateway
		return
	}
	if err != nil {
		g.imageFault(w, err)
		return
	}
	defer func() { _ = file.Close() }()
	if !slices.Contains([]string{"image/png", "image/jpeg", "image/webp"}, mime) {
		mime = "application/octet-stream" // what an upstream calls it must not run in a browser
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, max-age=86400, immutable")
	h.Set("ETag", strconv.Quote(p.Digest+" "+mime))
	http.ServeContent(w, r, "", p.Made, file)
}

// removeImage serves DELETE /api/v1/images/{id}.
func (g *Gateway) removeImage(w http.ResponseWriter, r *http.Request, p plantain.Picture) {
	if err := g.Gallery.Remove(r.Context(), p); err != nil {
		g.imageFault(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": p.ID, "removed": true})
}
