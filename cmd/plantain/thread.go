package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gallery"
	"github.com/plantainhq/plantain/gateway"
	"github.com/plantainhq/plantain/gemini"
)

type threadCmd struct {
	List threadList `cmd:"" default:"withargs" help:"List the conversations, the one that was gone on with last first."`
	Show threadShow `cmd:"" help:"Tell each turn of a conversation: prompt, image, size and cost."`

	atFlag
}

func (threadCmd) Help() string {
	return `A thread is what goes back to one request: the next turns of plantain generate --refine, and the chats of Google's SDKs, whose requests bring back the images of the turns before. It is kept as long as its images are (retention.images). An attempt that brought no image is not in it.

An ID is that of a request or of an image, or as much of its beginning as is the only one; "last" is what was made last.

  plantain thread list
  plantain thread show last`
}

type threadList struct{ pageFlags }

type threadShow struct {
	ID string `arg:"" help:"A request or an image of it, or last."`
}

var threadLists = lists[gallery.ThreadQuery, gateway.ThreadList]{"/api/v1/threads", gateway.ThreadQuery, gateway.ListThreads}

func (l *threadList) Run(w *world, c *cli) error {
	return threadLists.print(w, c.Thread.Server, l.asks(nil), func(got gateway.ThreadList) { printThreads(w, got.Threads) })
}

func printThreads(w *world, threads []gateway.Thread) {
	if len(threads) == 0 {
		fmt.Fprintln(w.stdout, "no image is kept yet")
		return
	}
	rows := [][]string{{"thread", "turns", "sizes", "model", "cost", "last", "client", "first prompt"}}
	for _, t := range threads {
		var sizes, models []string
		for _, turn := range t.Turns {
			if s := sizeOf(turn); len(sizes) == 0 || sizes[len(sizes)-1] != s {
				sizes = append(sizes, s)
			}
		}
		for _, m := range t.Models {
			models = append(models, string(m))
		}
		rows = append(rows, []string{string(t.ID), strconv.Itoa(len(t.Turns)), strings.Join(sizes, " "), strings.Join(models, " "),
			costOf(t.Cost), inWords(t.Made, time.Now()), string(t.Client), promptOf(t.Prompt)})
	}
	list(w.stdout, fitted(rows, width(w.stdout)))
}

// sizeOf is the size that a turn asked for, or what came where none was named.
func sizeOf(t gateway.Turn) string {
	i := t.Images[0]
	if e, known := gemini.DefaultCatalogue().Lookup(t.Model); known && t.Asked == "" {
		if size, _, made := e.Made(i.Width, i.Height); made {
			return size
		}
	}
	return cmp.Or(t.Asked, pixels(i))
}

// promptOf is a prompt on one line.
func promptOf(text string) string {
	return cmp.Or(oneLine(text), "(not kept)")
}

func (s *threadShow) Run(w *world, c *cli) error {
	return w.wall(c.Thread.Server, func(on *wall) error {
		t, err := on.thread(w.ctx, s.ID)
		if err != nil {
			return err
		}
		if w.output == "json" {
			w.json(t)
			return nil
		}
		printThread(w, t)
		return nil
	})
}

func threadPath(id string) string { return "/api/v1/threads/" + url.PathEscape(id) }

func (l *wall) thread(ctx context.Context, id string) (t gateway.Thread, err error) {
	if l.at != nil {
		err = l.at.get(ctx, threadPath(id), &t)
		return t, err
	}
	found, _, err := l.g.Thread(ctx, "", id)
	if err != nil {
		return t, err
	}
	return gateway.ViewThread(found), nil
}

func printThread(w *world, t gateway.Thread) {
	fmt.Fprintf(w.stdout, "thread %s of %s: %s, %s, last %s\n", t.ID, t.Client, count(len(t.Turns), "turn"), costOf(t.Cost), inWords(t.Made, time.Now()))
	first := t.Turns[0].Parent
	if first != "" {
		fmt.Fprintln(w.stdout, "what came before is kept no more")
	}
	for n, turn := range t.Turns {
		fmt.Fprintf(w.stdout, "\n%d  %s%s%s\n", n+1, turn.Request, branch(t.Turns, n), healed(turn))
		wrap(w.stdout, "   ", said(turn))
		for _, i := range turn.Images {
			fmt.Fprintf(w.stdout, "   %s, %s, %s\n   %s\n", pixels(i), turn.Model, costOf(turn.Cost), w.fileOf(i))
		}
	}
}

// branch tells what a turn goes on with, where that is not the turn before it.
func branch(turns []gateway.Turn, n int) string {
	at := slices.IndexFunc(turns, func(t gateway.Turn) bool { return t.Request == turns[n].Parent })
	if n == 0 || at == n-1 {
		return ""
	}
	return fmt.Sprintf(", goes on with %d", at+1)
}

// healed tells where the thought signatures came from that a turn had to be given.
func healed(t gateway.Turn) string {
	if t.Healed == "" {
		return ""
	}
	return ", healed: " + t.Healed
}

// said is what a turn asked for.
func said(t gateway.Turn) string {
	switch {
	case t.Final:
		return "final at " + sizeOf(t)
	case t.Draft != "":
		return "draft for " + t.Draft + ": " + withGiven(t)
	default:
		return withGiven(t)
	}
}

func withGiven(t gateway.Turn) string {
	if t.Given == 0 {
		return promptOf(t.Prompt)
	}
	return fmt.Sprintf("%s (with %s)", promptOf(t.Prompt), count(t.Given, "image"))
}

// fileOf is the file of an image where it is on this machine, else its id.
func (w *world) fileOf(i gateway.Image) string {
	c, err := w.loadKeyless()
	if err != nil {
		return string(i.ID)
	}
	folder, err := imagesFolder(c.Images)
	if err != nil {
		return string(i.ID)
	}
	name := filepath.Join(folder, galleryFolder, filepath.Base(plantain.Picture{ID: i.ID, MIME: i.MIME}.File()))
	if _, err := os.Stat(name); err != nil {
		return string(i.ID)
	}
	return name
}
