package gemini

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/plantainhq/plantain"
)

// The document is the catalogue as it is written, see catalogue.yaml.
type document struct {
	Pixels  map[string]pixelTable `yaml:"pixels"`
	Models  map[string]modelText  `yaml:"models"`
	Service serviceText           `yaml:"service_percent"`
	Tiers   map[string]tierText   `yaml:"tiers"`
}

type pixelTable struct {
	Source `yaml:",inline"`
	Sizes  map[string]map[string]string `yaml:"sizes"`
}

type modelText struct {
	Name    string             `yaml:"name"`
	Aliases []string           `yaml:"aliases"`
	BestFor string             `yaml:"best_for"`
	Old     map[string]oldText `yaml:"old"`
	Life    lifeText           `yaml:"life"`
	Makes   makesText          `yaml:"makes"`
	Takes   takesText          `yaml:"takes"`
	Thinks  thinksText         `yaml:"thinks"`
	Tokens  tokensText         `yaml:"tokens"`
	Dollars dollarsText        `yaml:"dollars_per_million"`
}

type oldText struct {
	Ends string `yaml:"ends"`
	Note string `yaml:"note"`
}

type lifeText struct {
	Source `yaml:",inline"`
	Ends   string `yaml:"ends"`
}

type makesText struct {
	Source      `yaml:",inline"`
	Sizes       []string `yaml:"sizes"`
	DefaultSize string   `yaml:"default_size"`
	OmitSize    bool     `yaml:"size_must_be_omitted"`
	Ratios      []string `yaml:"ratios"`
	Pixels      string   `yaml:"pixels"`
	MIME        string   `yaml:"mime"`
}

type takesText struct {
	Source      `yaml:",inline"`
	Images      int   `yaml:"images"`
	ImageTokens int64 `yaml:"image_tokens"`
}

type thinksText struct {
	Source     `yaml:",inline"`
	Thinking   bool `yaml:"thinking"`
	Signatures bool `yaml:"signatures"`
}

type tokensText struct {
	Source `yaml:",inline"`
	Input  int64            `yaml:"input"`
	Output int64            `yaml:"output"`
	Image  map[string]int64 `yaml:"image"`
}

type dollarsText struct {
	Source `yaml:",inline"`
	Input  string                `yaml:"input"`
	Text   string                `yaml:"text"`
	Image  string                `yaml:"image"`
	From   map[string]changeText `yaml:"from"` // by the day from which it holds
}

// A changeText names what changes; the rest stays as it was the day before.
type changeText struct {
	Source `yaml:",inline"`
	Input  string `yaml:"input"`
	Text   string `yaml:"text"`
	Image  string `yaml:"image"`
}

type serviceText struct {
	Source   `yaml:",inline"`
	Batch    int `yaml:"batch"`
	Flex     int `yaml:"flex"`
	Priority int `yaml:"priority"`
}

type tierText struct {
	Source `yaml:",inline"`
	RPM    int64  `yaml:"rpm"`
	IPM    int64  `yaml:"ipm"`
	TPM    int64  `yaml:"tpm"`
	RPD    int64  `yaml:"rpd"`
	Spend  string `yaml:"ten_minute_dollars"`
}

// A builder turns a document into a catalogue and keeps the first thing wrong.
type builder struct {
	at  *ast.MappingNode // where to point
	err error
}

func (b *builder) fail(message string, path ...string) {
	if b.err == nil {
		line, column := place(b.at, path...)
		b.err = &CatalogueError{line, column, message}
	}
}

func (b *builder) catalogue(doc *document, order []string) *Catalogue {
	c := &Catalogue{
		byName:  map[plantain.Model]int{},
		service: map[string]int{"batch": doc.Service.Batch, "flex": doc.Service.Flex, "priority": doc.Service.Priority},
		tiers:   map[int]Limits{},
	}
	for _, tier := range sorted(c.service) {
		if percent := c.service[tier]; percent <= 0 {
			b.fail(fmt.Sprintf("%s: %d percent of the price; a whole number above 0 is meant", tier, percent), "service_percent", tier)
		}
	}
	tables := map[string]map[string]map[string]pixels{}
	for _, name := range sorted(doc.Pixels) {
		tables[name] = b.pixelTable(name, doc.Pixels[name])
	}
	for _, id := range order {
		m := doc.Models[id]
		e := b.entry(id, m)
		e.Sources.Pixels = doc.Pixels[m.Makes.Pixels].Source
		e.pixels = tables[m.Makes.Pixels]
		b.checkPixels(e, m.Makes.Pixels)
		c.models = append(c.models, e)
	}
	for i, e := range c.models {
		b.register(c, e, i)
	}
	b.tiers(c, doc.Tiers)
	return c
}

// register gives a model its names; no name may mean two models.
func (b *builder) register(c *Catalogue, e Entry, index int) {
	names := append([]plantain.Model{e.ID}, e.Aliases...)
	for _, old := range e.Old {
		names = append(names, old.ID)
	}
	for _, name := range names {
		if other, taken := c.byName[name]; taken {
			b.fail(fmt.Sprintf("%s: %q already names %s", e.ID, name, c.models[other].ID), "models", string(e.ID))
			return
		}
		c.byName[name] = index
	}
}

func (b *builder) pixelTable(name string, t pixelTable) map[string]map[string]pixels {
	table := map[string]map[string]pixels{}
	for _, size := range sorted(t.Sizes) {
		table[size] = map[string]pixels{}
		for _, ratio := range sorted(t.Sizes[size]) {
			text := t.Sizes[size][ratio]
			p, ok := parsePixels(text)
			if !ok {
				b.fail(fmt.Sprintf("%q is not a width and a height such as 1024x1024", text), "pixels", name, "sizes", size, ratio)
			}
			table[size][ratio] = p
		}
	}
	return table
}

var pixelText = regexp.MustCompile(`^([1-9][0-9]{0,5})x([1-9][0-9]{0,5})$`)

func parsePixels(text string) (pixels, bool) {
	m := pixelText.FindStringSubmatch(text)
	if m == nil {
		return pixels{}, false
	}
	width, _ := strconv.Atoi(m[1])
	height, _ := strconv.Atoi(m[2])
	return pixels{width, height}, true
}

func (b *builder) entry(id string, m modelText) Entry {
	path := func(keys ...string) []string { return append([]string{"models", id}, keys...) }
	e := Entry{
		ID: plantain.Model(id), Name: m.Name, BestFor: m.BestFor, Ends: m.Life.Ends,
		Sizes: m.Makes.Sizes, DefaultSize: m.Makes.DefaultSize, OmitSize: m.Makes.OmitSize,
		Ratios: m.Makes.Ratios, MIME: m.Makes.MIME,
		MaxImages: m.Takes.Images, InputImageTokens: m.Takes.ImageTokens,
		MaxInputTokens: m.Tokens.Input, MaxOutputTokens: m.Tokens.Output,
		Thinking: m.Thinks.Thinking, Signatures: m.Thinks.Signatures,
		Price: Price{
			Input: b.perToken(m.Dollars.Input, path("dollars_per_million", "input")...),
			Text:  b.perToken(m.Dollars.Text, path("dollars_per_million", "text")...),
			Image: b.perToken(m.Dollars.Image, path("dollars_per_million", "image")...),
		},
		changes: b.changes(m.Dollars, path("dollars_per_million", "from")...),
		Sources: Sources{
			Life: m.Life.Source, Makes: m.Makes.Source, Takes: m.Takes.Source,
			Thinks: m.Thinks.Source, Tokens: m.Tokens.Source, Price: m.Dollars.Source,
		},
		tokens: m.Tokens.Image,
	}
	for _, alias := range m.Aliases {
		e.Aliases = append(e.Aliases, plantain.Model(alias))
	}
	for _, old := range sorted(m.Old) {
		text := m.Old[old]
		e.Old = append(e.Old, OldID{plantain.Model(old), text.Ends, text.Note})
		b.date(text.Ends, path("old", old, "ends")...)
	}
	b.date(e.Ends, path("life", "ends")...)
	if e.Name == "" {
		b.fail(id+": no name", path()...)
	}
	if !slices.Contains(e.Sizes, e.DefaultSize) {
		b.fail(fmt.Sprintf("%s: default_size %q is not one of its sizes", id, e.DefaultSize), path("makes", "default_size")...)
	}
	for _, size := range e.Sizes {
		if e.tokens[size] <= 0 {
			b.fail(fmt.Sprintf("%s: no output tokens for size %s", id, size), path("tokens", "image")...)
		}
	}
	if e.MIME == "" {
		b.fail(id+": no mime type", path("makes")...)
	}
	if e.MaxImages < 0 || e.InputImageTokens < 0 || e.MaxInputTokens <= 0 || e.MaxOutputTokens <= 0 {
		b.fail(id+": limits of input and output are whole numbers above 0", path("tokens")...)
	}
	return e
}

// changes reads the prices that hold from a day on, in the order of these.
func (b *builder) changes(d dollarsText, path ...string) (all []change) {
	last := changeText{Input: d.Input, Text: d.Text, Image: d.Image}
	for _, day := range sorted(d.From) {
		at := append(slices.Clone(path), day)
		from, err := time.ParseInLocation(time.DateOnly, day, Pacific)
		if err != nil {
			b.fail(fmt.Sprintf("from: %q is no day such as 2026-12-01", day), at...)
		}
		to := d.From[day]
		last.Input, last.Text, last.Image = cmp.Or(to.Input, last.Input), cmp.Or(to.Text, last.Text), cmp.Or(to.Image, last.Image)
		all = append(all, change{from, Price{
			Input: b.perToken(last.Input, append(at, "input")...),
			Text:  b.perToken(last.Text, append(at, "text")...),
			Image: b.perToken(last.Image, append(at, "image")...),
		}})
	}
	return all
}

// checkPixels wants a width and height for everything that a model makes.
func (b *builder) checkPixels(e Entry, table string) {
	for _, size := range e.Sizes {
		for _, ratio := range e.Ratios {
			if _, _, ok := e.Pixels(size, ratio); !ok {
				b.fail(fmt.Sprintf("%s: pixels %q has nothing for %s at %s", e.ID, table, size, ratio), "models", string(e.ID), "makes")
			}
		}
	}
}

func (b *builder) tiers(c *Catalogue, texts map[string]tierText) {
	names := map[string]int{"free": FreeTier, "1": 1, "2": 2, "3": 3}
	for _, name := range sorted(texts) {
		t := texts[name]
		number, ok := names[name]
		if !ok {
			b.fail(fmt.Sprintf("tier %q; tiers are free, 1, 2 and 3", name), "tiers", name)
		}
		if min(t.RPM, t.IPM, t.TPM, t.RPD) < 0 {
			b.fail(fmt.Sprintf("tier %s: a limit below 0", name), "tiers", name)
		}
		spend := b.dollars(t.Spend, plantain.Dollar, "tiers", name, "ten_minute_dollars")
		c.tiers[number] = Limits{RPM: t.RPM, IPM: t.IPM, TPM: t.TPM, RPD: t.RPD, Spend: spend, Source: t.Source}
	}
	for _, name := range sorted(names) {
		if _, ok := c.tiers[names[name]]; !ok {
			b.fail(fmt.Sprintf("tier %s is missing", name), "tiers")
		}
	}
}

// perToken reads dollars per million tokens as nano-dollars per token.
func (b *builder) perToken(text string, path ...string) plantain.Nanodollars {
	return b.dollars(text, plantain.Dollar/1_000_000, path...)
}

// dollars reads an amount exactly, where one dollar counts as many units.
func (b *builder) dollars(text string, unit plantain.Nanodollars, path ...string) plantain.Nanodollars {
	key := strings.Join([]string{path[1], path[len(path)-1]}, ": ")
	if text == "" {
		b.fail(key+" is missing", path...)
		return 0
	}
	amount, ok := new(big.Rat).SetString(text)
	if !ok || !decimal.MatchString(text) {
		b.fail(fmt.Sprintf("%s: %q is not an amount in dollars such as 0.50", key, text), path...)
		return 0
	}
	amount.Mul(amount, big.NewRat(int64(unit), 1))
	if !amount.IsInt() {
		b.fail(fmt.Sprintf("%s: %s dollars is finer than a nano-dollar a token", key, text), path...)
		return 0
	}
	return plantain.Nanodollars(amount.Num().Int64())
}

var (
	decimal  = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,9})?$`)
	dateText = regexp.MustCompile(`^20[0-9]{2}-[01][0-9](-[0-3][0-9])?$`)
)

func (b *builder) date(text string, path ...string) {
	if text != "" && !dateText.MatchString(text) {
		b.fail(fmt.Sprintf("%q is not a date such as 2026-10-02", text), path...)
	}
}

// sorted gives the keys of a map in order, so that the first error is always the
// same one.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
