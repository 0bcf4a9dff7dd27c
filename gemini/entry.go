package gemini

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
)

// An Entry is one image model of the catalogue. Its slices belong to the
// catalogue and are not to be changed.
type Entry struct {
	ID      plantain.Model   // the id that serves
	Name    string           // "Nano Banana 2"
	Aliases []plantain.Model // what people type: "nb2"
	Old     []OldID          // ids that this one serves for
	BestFor string           // half a sentence
	Ends    string           // the announced end, "2026-10-02"; empty: none known

	Sizes       []string // imageSize: "512", "1K", "2K", "4K"
	DefaultSize string
	OmitSize    bool // imageSize must be left out of the request
	Ratios      []string
	MIME        string // of its pictures

	MaxImages        int   // pictures that a request may carry
	InputImageTokens int64 // of each of them
	MaxInputTokens   int64
	MaxOutputTokens  int64
	Thinking         bool // it thinks, and bills it as text
	Signatures       bool // its turns carry thought signatures

	Price   Price // until the first day from which another one holds; see At
	Sources Sources

	changes []change
	pixels  map[string]map[string]pixels // by size and ratio
	tokens  map[string]int64             // of a picture, by size
}

// An OldID is an id that another one serves for.
type OldID struct {
	ID   plantain.Model
	Ends string // the announced end; empty: none known
	Note string
}

// Price is what a token costs at the standard service tier.
type Price struct {
	Input plantain.Nanodollars // text and pictures sent
	Text  plantain.Nanodollars // text and thinking received
	Image plantain.Nanodollars // pictures received
}

// A change is a price that holds from a day on, midnight Pacific.
type change struct {
	from  time.Time
	price Price
}

// At gives the entry with the price that holds at an instant.
func (e Entry) At(t time.Time) Entry {
	for _, c := range e.changes {
		if !t.Before(c.from) {
			e.Price = c.price
		}
	}
	return e
}

// Percent is the price at a service tier of [Catalogue.ServicePercent].
func (p Price) Percent(percent int) Price {
	f := plantain.Nanodollars(percent)
	return Price{Input: p.Input * f / 100, Text: p.Text * f / 100, Image: p.Image * f / 100}
}

// A Source says where a group of figures comes from.
type Source struct {
	From    string `yaml:"source"`  // a page, or how it was observed
	Date    string `yaml:"date"`    // when that was read: "2026-07-27", or "2026-07"
	Claimed bool   `yaml:"claimed"` // third parties say so, or Google's pages leave it open
	Note    string `yaml:"note"`
}

// Sources are the sources of an entry's groups of figures.
type Sources struct {
	Life, Makes, Takes, Thinks, Tokens, Price, Pixels Source
}

type pixels struct{ width, height int }

// Pixels gives the width and height of a picture. An empty size is the default
// one; an empty ratio is 1:1. False: the model does not make that.
func (e Entry) Pixels(size, ratio string) (width, height int, ok bool) {
	if ratio == "" {
		ratio = "1:1"
	}
	size = e.sizeOrDefault(size)
	if !slices.Contains(e.Sizes, size) || !slices.Contains(e.Ratios, ratio) {
		return 0, 0, false
	}
	p, ok := e.pixels[size][ratio]
	return p.width, p.height, ok
}

// Made names the size and ratio of a picture by its pixels. False: the table of
// the model has no such picture.
func (e Entry) Made(width, height int) (size, ratio string, ok bool) {
	for _, size := range e.Sizes {
		for _, ratio := range e.Ratios {
			if e.pixels[size][ratio] == (pixels{width, height}) {
				return size, ratio, true
			}
		}
	}
	return "", "", false
}

// ImageTokens gives the output tokens of one picture, whatever its ratio. An
// empty size is the default one; zero: the model does not make that size.
func (e Entry) ImageTokens(size string) int64 { return e.tokens[e.sizeOrDefault(size)] }

// ImagePrice gives the price of the picture alone, at the standard tier.
func (e Entry) ImagePrice(size string) plantain.Nanodollars {
	return plantain.Nanodollars(e.ImageTokens(size)) * e.Price.Image
}

func (e Entry) sizeOrDefault(size string) string {
	if size == "" {
		return e.DefaultSize
	}
	return size
}

// Sizes are all that a model may make, smallest first.
var Sizes = []string{"512", "1K", "2K", "4K"}

// CompareSizes is below zero where a is smaller than b, above where it is larger. A
// size that no model makes is larger than every other.
func CompareSizes(a, b string) int { return rank(a) - rank(b) }

func rank(size string) int {
	if i := slices.Index(Sizes, size); i >= 0 {
		return i
	}
	return len(Sizes)
}

// Largest is the largest size that the model makes.
func (e Entry) Largest() string { return e.Sizes[len(e.Sizes)-1] }

// Draft gives the cheapest size, to judge a picture by before it is made at its final
// size, and that one: empty stands for the largest. It errs where nothing cheaper is made.
func (e Entry) Draft(final string) (draft, of string, err error) {
	if err := e.CheckSize(final); err != nil {
		return "", "", err
	}
	if final == "" {
		final = e.Largest()
	}
	draft = e.Sizes[0]
	switch {
	case len(e.Sizes) == 1:
		return "", "", fmt.Errorf("%s makes %s only: there is no cheaper draft of it; nb2 and pro have one", e.ID, draft)
	case draft == final:
		return "", "", fmt.Errorf("%s makes nothing smaller than %s: make it at once", e.ID, final)
	case e.ImageTokens(draft) >= e.ImageTokens(final):
		return "", "", fmt.Errorf("%s takes as much for %s as for %s: make it at once, or draft for %s", e.ID, draft, final, e.Largest())
	}
	return draft, final, nil
}

// CheckSize errs if the model does not make a size, and says what it makes. An
// empty size is the default one.
func (e Entry) CheckSize(size string) error {
	if size == "" || slices.Contains(e.Sizes, size) {
		return nil
	}
	if meant := e.meantSize(size); meant == "512" {
		return fmt.Errorf("size %q: write 512, without a unit", size)
	} else if strings.EqualFold(meant, size) {
		return fmt.Errorf("size %q: write %s, with a capital K", size, meant)
	} else if meant != "" {
		return fmt.Errorf("size %q: write %s", size, meant)
	}
	if len(e.Sizes) == 1 {
		return fmt.Errorf("%s makes %s only; asked %s", e.ID, e.Sizes[0], size)
	}
	return fmt.Errorf("%s makes %s; asked %s", e.ID, list(e.Sizes), size)
}

// meantSize guesses the size behind a common misspelling: "2k", "2048", "512px".
func (e Entry) meantSize(size string) string {
	meant := strings.ToUpper(strings.TrimSpace(size))
	switch meant {
	case "512K", "512PX", "512P", "0.5K", "512X512":
		meant = "512"
	case "1024", "1024PX", "1024X1024":
		meant = "1K"
	case "2048", "2048PX", "2048X2048":
		meant = "2K"
	case "4096", "4096PX", "4096X4096":
		meant = "4K"
	}
	if !slices.Contains(e.Sizes, meant) {
		return ""
	}
	return meant
}

// CheckRatio errs if the model does not take a ratio, and says which it takes.
// An empty ratio leaves the choice to the model.
func (e Entry) CheckRatio(ratio string) error {
	if ratio == "" || slices.Contains(e.Ratios, ratio) {
		return nil
	}
	meant := strings.NewReplacer("x", ":", "X", ":", "/", ":", "×", ":", " ", "").Replace(ratio)
	if slices.Contains(e.Ratios, meant) {
		return fmt.Errorf("ratio %q: write %s, with a colon and no spaces", ratio, meant)
	}
	return fmt.Errorf("%s takes the ratios %s; asked %s", e.ID, list(e.Ratios), ratio)
}

// list gives "a", "a and b", "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
