package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

type modelsCmd struct{}

func (modelsCmd) Help() string {
	return `Prices are those of one picture in US dollars; text, thinking and what you send cost extra. Dates and sources of every figure are in the catalogue, which "catalogue:" in plantain.yaml can override.`
}

func (modelsCmd) Run(w *world) error {
	catalogue := gemini.DefaultCatalogue()
	if c, err := w.loadKeyless(); err == nil {
		catalogue = c.Catalogue
	} else if w.config != "" {
		return err
	}
	if w.output == "json" {
		w.json(map[string]any{"models": modelRows(catalogue)})
		return nil
	}
	for i, e := range catalogue.Models() {
		if i > 0 {
			fmt.Fprintln(w.stdout)
		}
		printModel(w, e)
	}
	return nil
}

func printModel(w *world, e gemini.Entry) {
	now := time.Now()
	e = e.At(now)
	item := func(name, text string) { hang(w.stdout, fmt.Sprintf("  %-7s ", name), strings.Repeat(" ", 10), text) }
	fmt.Fprintf(w.stdout, "%s  %s (%s)\n", e.ID, e.Name, plantain.Join(e.Aliases))
	if e.BestFor != "" {
		item("for", e.BestFor)
	}
	var prices []string
	for _, s := range e.Sizes {
		prices = append(prices, s+" "+e.ImagePrice(s).String())
	}
	item("image", strings.Join(prices, ", ")+claimed(e.Sources.Price))
	item("ratios", strings.Join(e.Ratios, " "))
	if e.Ends != "" {
		item(endWord(e.Ends, now), e.Ends+", as announced"+remark(e.Sources.Life.Note)+claimed(e.Sources.Life))
	}
	for _, o := range e.Old {
		text := string(o.ID)
		if o.Ends != "" {
			text += ", announced end " + o.Ends
		}
		item("was", text+remark(o.Note))
	}
}

// endWord is what is said of the day of an end.
func endWord(day string, now time.Time) string {
	if day < now.Format(time.DateOnly) {
		return "ended"
	}
	return "ends"
}

func remark(note string) string {
	if note == "" {
		return ""
	}
	return ": " + note
}

func claimed(s gemini.Source) string {
	if s.Claimed {
		return " (claimed, not confirmed by Google)"
	}
	return ""
}

func modelRows(c *gemini.Catalogue) []map[string]any {
	var rows []map[string]any
	for _, e := range c.Models() {
		e = e.At(time.Now())
		prices := map[string]string{}
		for _, s := range e.Sizes {
			prices[s] = e.ImagePrice(s).Decimal()
		}
		old := []plantain.Model{}
		for _, o := range e.Old {
			old = append(old, o.ID)
		}
		rows = append(rows, map[string]any{
			"id": e.ID, "name": e.Name, "aliases": e.Aliases, "old_ids": old, "best_for": e.BestFor, "ends": e.Ends,
			"sizes": e.Sizes, "default_size": e.DefaultSize, "ratios": e.Ratios, "mime_type": e.MIME,
			"price_usd_per_image": prices, "price_claimed": e.Sources.Price.Claimed,
		})
	}
	return rows
}
