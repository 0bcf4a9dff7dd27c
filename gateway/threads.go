package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
)

// A Thread is a conversation of the gallery as /api/v1 and the commands show it.
type Thread struct {
	ID     plantain.RequestID  `json:"id"` // the request that began it
	Client plantain.ClientName `json:"client"`
	Models []plantain.Model    `json:"models"`
	Prompt string              `json:"prompt,omitempty"` // the first that is kept
	Cost   plantain.Cost       `json:"cost"`             // of what brought its pictures
	Made   time.Time           `json:"made"`             // the last of them
	Turns  []Turn              `json:"turns"`            // as far as they are kept, oldest first
}

// A Turn is a request of a thread.
type Turn struct {
	Request plantain.RequestID `json:"request"`
	Parent  plantain.RequestID `json:"continues,omitempty"` // absent: it began the thread
	Model   plantain.Model     `json:"model"`
	Asked   string             `json:"size_asked,omitempty"`
	Ratio   string             `json:"aspect_ratio_asked,omitempty"`
	Draft   string             `json:"draft_for,omitempty"`
	Final   bool               `json:"final,omitempty"`
	Healed  string             `json:"healed,omitempty"` // as Plantain-Healed says
	Prompt  string             `json:"prompt,omitempty"`
	Given   int                `json:"images_given,omitempty"` // pictures that came with the prompt
	Cost    plantain.Cost      `json:"cost"`
	Images  []Image            `json:"images"`
}

// ViewThread describes a thread.
func ViewThread(t gallery.Thread) Thread {
	v := Thread{ID: t.ID, Client: t.Client, Cost: t.Cost(), Prompt: t.Turns[0].Asked().Text}
	for _, turn := range t.Turns {
		p := turn.Asked()
		shown := Turn{Request: turn.Request, Parent: p.Parent, Model: p.Model, Asked: p.Size, Ratio: p.Ratio, Draft: p.Draft, Final: p.Final, Healed: p.Healed,
			Prompt: p.Text, Given: len(p.Given), Cost: turn.Cost()}
		for _, p := range turn.Pictures {
			shown.Images = append(shown.Images, ViewImage(p))
			v.Made = p.Made
		}
		v.Turns = append(v.Turns, shown)
		if !slices.Contains(v.Models, p.Model) {
			v.Models = append(v.Models, p.Model)
		}
	}
	return v
}

// A ThreadList is threads, the one that was gone on with last first.
type ThreadList struct {
	Threads []Thread           `json:"threads"`
	Next    plantain.PictureID `json:"next,omitempty"` // before=NEXT gives those after these; absent: there are none
}

// ListThreads looks up what [ThreadQuery] read.
func ListThreads(ctx context.Context, from *gallery.Gallery, q gallery.ThreadQuery) (ThreadList, error) {
	found, err := from.Threads(ctx, q)
	list := ThreadList{Threads: []Thread{}}
	for _, t := range found {
		list.Threads = append(list.Threads, ViewThread(t))
	}
	if len(found) > 0 && len(found) == q.Limit {
		last := found[len(found)-1].Last().Pictures
		list.Next = last[len(last)-1].ID
	}
	return list, err
}

// ThreadQuery reads what GET /api/v1/threads is asked for: client, before (an id of an
// image), limit. Its error is for whoever asked.
func ThreadQuery(v url.Values) (gallery.ThreadQuery, error) {
	q := gallery.ThreadQuery{Client: plantain.ClientName(v.Get("client")), Before: plantain.PictureID(v.Get("before")), Limit: 100}
	if err := onlyKnown(v, "client", "before", "limit"); err != nil {
		return q, err
	}
	return q, readLimit(v, &q.Limit)
}

// threads serves GET /api/v1/threads: a client's own, to an admin all.
func (g *Gateway) threads(w http.ResponseWriter, r *http.Request) {
	q, err := ThreadQuery(r.URL.Query())
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	if v := visitorOf(r); !v.admin {
		q.Client = v.client
	}
	list, err := ListThreads(r.Context(), g.Gallery, q)
	if err != nil {
		g.imageFault(w, err)
		return
	}
	writeJSON(w, http.StatusOK, list)
}

// thread serves GET /api/v1/threads/{id}, by any name of [gallery.Gallery.Thread].
func (g *Gateway) thread(w http.ResponseWriter, r *http.Request) {
	var of plantain.ClientName // all, to an admin
	if v := visitorOf(r); !v.admin {
		of = v.client
	}
	t, _, err := g.Gallery.Thread(r.Context(), of, r.PathValue("id"))
	if err != nil {
		g.threadFault(w, err)
		return
	}
	writeJSON(w, http.StatusOK, ViewThread(t))
}

// threadFault answers why there is no thread, or why it can't be gone on with.
func (g *Gateway) threadFault(w http.ResponseWriter, err error) {
	switch {
	case errors.As(err, new(*gallery.NotKeptError)):
		writeError(w, http.StatusNotFound, err.Error())
	case errors.As(err, new(*gallery.UnfitError)):
		writeError(w, http.StatusBadRequest, err.Error())
	default:
		g.imageFault(w, err)
	}
}
