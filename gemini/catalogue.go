package gemini

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/plantainhq/plantain"
)

//go:embed catalogue.yaml
var defaultCatalogue []byte

// A Catalogue is what is known of Google's image models: ids, sizes, ratios,
// pixels, tokens, prices, and the limits of a usage tier, each with its source.
// It never changes once parsed, so it may be shared.
type Catalogue struct {
	layers  [][]byte // the documents it was made of, for the next Override
	models  []Entry
	byName  map[plantain.Model]int // ids, aliases and old ids, to an index of models
	service map[string]int         // percent of the standard price
	tiers   map[int]Limits
}

// DefaultCatalogue is the catalogue that comes with Plantain.
var DefaultCatalogue = sync.OnceValue(func() *Catalogue {
	c, err := ParseCatalogue(defaultCatalogue)
	if err != nil {
		panic("the embedded catalogue: " + err.Error()) // a test parses it
	}
	return c
})

// Models gives every model that can be asked for, in the order of the document.
func (c *Catalogue) Models() []Entry {
	return append([]Entry(nil), c.models...)
}

// Lookup finds a model by its id, an alias or an id that it served under before,
// with or without the path that a resource name has before the id. The entry's
// ID is the id to send; that it differs from the one asked for is worth telling.
func (c *Catalogue) Lookup(name plantain.Model) (Entry, bool) {
	i, ok := c.byName[BareModel(name)]
	if !ok {
		return Entry{}, false
	}
	return c.models[i], true
}

// BareModel cuts the path off a resource name: "models/M" and
// "publishers/google/models/M" are M.
func BareModel(name plantain.Model) plantain.Model {
	const collection = "models/"
	if i := strings.LastIndex(string(name), collection); i >= 0 {
		return name[i+len(collection):]
	}
	return name
}

// FreeTier is the tier of a project without billing: image models have a limit
// of zero there.
const FreeTier = -1

// Limits is what a project of one tier may do with one image model. Every field
// is a limit: zero means nothing at all.
type Limits struct {
	RPM, IPM, TPM, RPD int64
	Spend              plantain.Nanodollars // over any ten minutes, all models together
	Source             Source
}

// Limits gives the limits of a usage tier: 1 to 3, or [FreeTier]. Any other
// tier is not known and treated as tier 1.
func (c *Catalogue) Limits(tier int) Limits {
	if l, ok := c.tiers[tier]; ok {
		return l
	}
	return c.tiers[1]
}

// ServicePercent gives the price of a service tier ("batch", "flex", "priority")
// in percent of the standard price. Any other name is the standard tier.
func (c *Catalogue) ServicePercent(tier string) int {
	if p, ok := c.service[strings.ToLower(tier)]; ok {
		return p
	}
	return 100
}
