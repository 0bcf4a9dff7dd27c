package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/store"
)

type imagesCmd struct {
	List imagesList `cmd:"" default:"withargs" help:"List what is kept, newest first."`
	Show imagesShow `cmd:"" help:"Tell all that is known of an image."`
	Get  imagesGet  `cmd:"" help:"Write an image to a file."`
	Rm   imagesRm   `cmd:"" help:"Remove images from the gallery."`

	atFlag
}

func (imagesCmd) Help() string {
	return `Every picture that was paid for is kept as a file in the images folder, for retention.images (30 days) and up to retention.images_max (20 GB), beyond which the oldest go; retention: {images: 0} keeps no new ones. The text that asked for a picture is kept beside it; with retention: {prompts: false} only a SHA-256 of it.

  plantain images get i-0f3… -O poster.png
  plantain images get r-0f3…               what one request brought
  plantain images get last                 the newest`
}

type imagesList struct {
	pageFlags
	Model   string `placeholder:"ID" help:"Only those that a model made, by the id that served."`
	Request string `placeholder:"ID" help:"Only those of a request."`
}

type imagesShow struct {
	ID string `arg:"" help:"The image, as plantain images lists it, or the request that brought it, or last."`
}

type imagesGet struct {
	ID   string `arg:"" help:"The image, as plantain images lists it, or the request that brought it, or last."`
	File string `short:"O" placeholder:"FILE" help:"Where to write it; - is the standard output. Default: its id in this folder."`
}

type imagesRm struct {
	IDs []plantain.PictureID `arg:"" name:"id" help:"The images, as plantain images lists them."`
}

// A wall is where images are: behind a gateway, or in the folder of the
// configuration.
type wall struct {
	at *remote // nil: g
	g  *gallery.Gallery
}

func (w *world) wall(server string, use func(*wall) error) error {
	return w.withStore(server, openExisting, func(at *remote, s *store.Store) error {
		if at != nil {
			return use(&wall{at: at})
		}
		c, err := w.loadKeyless()
		if err != nil {
			return err
		}
		g, err := openGallery(c, s)
		if err != nil {
			return err
		}
		return use(&wall{g: g})
	})
}

func imagePath(id plantain.PictureID) string { return "/api/v1/images/" + url.PathEscape(string(id)) }

func (l *wall) find(ctx context.Context, id plantain.PictureID) (v gateway.Image, p plantain.Picture, err error) {
	if l.at != nil {
		err = l.at.get(ctx, imagePath(id), &v)
		return v, p, err
	}
	p, found, err := l.g.Find(ctx, id)
	if err == nil && !found {
		err = fmt.Errorf("no image has the id %s", id)
	}
	return gateway.ViewImage(p), p, err
}

// named finds an image by its id or by that of the request that brought it; "last"
// is the newest.
func (l *wall) named(ctx context.Context, id string) (v gateway.Image, p plantain.Picture, err error) {
	which := url.Values{"request": {id}}
	switch {
	case id == "last":
		which = url.Values{"limit": {"1"}}
	case !strings.HasPrefix(id, "r-"):
		return l.find(ctx, plantain.PictureID(id))
	}
	list, err := imageLists.find(ctx, l, which)
	found := list.Images
	switch {
	case err != nil:
		return v, p, err
	case len(found) == 0 && id == "last":
		return v, p, errors.New("no image is kept yet; plantain generate makes one")
	case len(found) == 0:
		return v, p, fmt.Errorf("no image of %s is kept: it may still be on its way, or none came; plantain explain --request %s tells", id, id)
	case len(found) > 1:
		var ids []string
		for _, i := range found {
			ids = append(ids, string(i.ID))
		}
		return v, p, fmt.Errorf("%s brought several images: %s; name one of them", id, strings.Join(ids, ", "))
	}
	return l.find(ctx, found[0].ID)
}

var imageLists = lists[gallery.Query, gateway.ImageList]{"/api/v1/images", gateway.ImageQuery, gateway.ListImages}

func (l *imagesList) Run(w *world, c *cli) error {
	by := map[string]string{"model": l.Model, "request": l.Request}
	return imageLists.print(w, c.Images.Server, l.asks(by), func(got gateway.ImageList) { printImages(w, got.Images) })
}

func printImages(w *world, images []gateway.Image) {
	if len(images) == 0 {
		fmt.Fprintln(w.stdout, "no such image is kept")
		return
	}
	rows := [][]string{{"image", "made", "client", "model", "pixels", "MB", "cost", "request", "prompt"}}
	for _, i := range images {
		rows = append(rows, []string{string(i.ID), orNever(i.Made), string(i.Client), string(i.Model), pixels(i),
			fmt.Sprintf("%.1f", float64(i.Bytes)/1e6), i.Cost.String(), string(i.Request), promptOf(i.Text)})
	}
	list(w.stdout, fitted(rows, width(w.stdout)))
}

func pixels(i gateway.Image) string {
	if i.Width == 0 {
		return "not known"
	}
	return fmt.Sprintf("%d×%d", i.Width, i.Height)
}

func (s *imagesShow) Run(w *world, c *cli) error {
	return w.wall(c.Images.Server, func(on *wall) error {
		i, _, err := on.named(w.ctx, s.ID)
		if err != nil {
			return err
		}
		if w.output == "json" {
			w.json(i)
			return nil
		}
		asked := i.Asked
		if asked == "" {
			asked = "no size named"
		}
		table(w.stdout, [][]string{
			{"image", string(i.ID)}, {"prompt", promptOf(i.Text)}, {"thread", string(i.Thread)}, {"made", orNever(i.Made)}, {"client", string(i.Client)}, {"project", string(i.Project)},
			{"model", string(i.Model)}, {"asked", asked}, {"pixels", pixels(i)}, {"type", i.MIME}, {"bytes", strconv.FormatInt(i.Bytes, 10)},
			{"cost", i.Cost.String() + " for the attempt"}, {"request", string(i.Request)}, {"attempt", string(i.Attempt)},
			{"SHA-256", i.Digest}, {"SHA-256 of the prompt", i.Prompt},
		})
		return nil
	})
}

func (g *imagesGet) Run(w *world, c *cli) error {
	return w.wall(c.Images.Server, func(on *wall) error {
		i, p, err := on.named(w.ctx, g.ID)
		if err != nil {
			return err
		}
		if g.File == "-" {
			return on.copy(w.ctx, p, i.ID, w.stdout)
		}
		name := g.File
		if name == "" {
			name = filepath.Base(plantain.Picture{ID: i.ID, MIME: i.MIME}.File())
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return fmt.Errorf("write the image: %w", err)
		}
		err = on.copy(w.ctx, p, i.ID, f)
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			_ = os.Remove(name)
			return err
		}
		if w.output == "json" {
			w.json(map[string]any{"id": i.ID, "file": name, "bytes": i.Bytes})
			return nil
		}
		fmt.Fprintln(w.stdout, name)
		return nil
	})
}

// copy writes the bytes of an image.
func (l *wall) copy(ctx context.Context, p plantain.Picture, id plantain.PictureID, to io.Writer) error {
	if l.at != nil {
		return l.at.download(ctx, imagePath(id)+"/content", to)
	}
	f, err := l.g.Open(p)
	if err != nil {
		return fmt.Errorf("read the image: %w", err)
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(to, f)
	return err
}

func (r *imagesRm) Run(w *world, c *cli) error {
	removed := []plantain.PictureID{}
	err := w.wall(c.Images.Server, func(on *wall) error {
		for _, id := range r.IDs {
			_, p, err := on.find(w.ctx, id)
			if err != nil {
				return err
			}
			if on.at != nil {
				err = on.at.call(w.ctx, "DELETE", imagePath(id), nil, &struct{}{})
			} else {
				err = on.g.Remove(w.ctx, p)
			}
			if err != nil {
				return err
			}
			removed = append(removed, id)
			if w.output != "json" {
				fmt.Fprintf(w.stdout, "%s: removed\n", id)
			}
		}
		return nil
	})
	if err == nil && w.output == "json" {
		w.json(map[string]any{"removed": removed})
	}
	return err
}
