package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/plantainhq/plantain/gallery"
)

// pageFlags bound a list of what is kept.
type pageFlags struct {
	Client string `placeholder:"NAME" help:"Only those of a client."`
	Before string `placeholder:"ID" help:"Those that were made, or gone on with last, before an image was."`
	Limit  int    `default:"20" help:"At most so many."`
}

// asks is what the API is asked for, without what is empty.
func (p pageFlags) asks(by map[string]string) url.Values {
	v := url.Values{"limit": {strconv.Itoa(p.Limit)}}
	put := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	put("client", p.Client)
	put("before", p.Before)
	for name, value := range by {
		put(name, value)
	}
	return v
}

// lists are those of one route of the API: Q is what it reads, L what it gives.
type lists[Q, L any] struct {
	path string
	read func(url.Values) (Q, error)
	list func(context.Context, *gallery.Gallery, Q) (L, error)
}

// find asks for a list by the API, or as it would.
func (l lists[Q, L]) find(ctx context.Context, on *wall, v url.Values) (got L, err error) {
	if on.at != nil {
		err = on.at.get(ctx, l.path+"?"+v.Encode(), &got)
		return got, err
	}
	q, err := l.read(v)
	if err != nil {
		return got, err
	}
	return l.list(ctx, on.g, q)
}

// print finds a list and prints it, as JSON or by show.
func (l lists[Q, L]) print(w *world, server string, v url.Values, show func(L)) error {
	if _, err := l.read(v); err != nil {
		return fmt.Errorf("%w\n%w", errUsage, err)
	}
	return w.wall(server, func(on *wall) error {
		got, err := l.find(w.ctx, on, v)
		switch {
		case err != nil:
			return err
		case w.output == "json":
			w.json(got)
		default:
			show(got)
		}
		return nil
	})
}
