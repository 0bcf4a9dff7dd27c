package symptom

import "github.com/plantainhq/plantain"

// A Row is one thing that people see.
type Row struct {
	ID      string           `json:"id"` // "app-greyed-out"; it stays
	Title   string           `json:"title"`
	Where   []Surface        `json:"where"`          // where it is seen
	See     []string         `json:"see"`            // how people put it
	Words   []string         `json:"-" yaml:"words"` // more that leads here: codes, names of the wire
	Cause   string           `json:"cause"`
	Charged Charge           `json:"charged"`
	API     string           `json:"api"`               // what to do for users of the API
	App     string           `json:"app"`               // what to do for users of the Gemini app
	Classes []plantain.Class `json:"classes,omitempty"` // the verdicts on answers that look so; empty: it is no answer of the API
	Live    []Fact           `json:"live,omitempty"`    // what of [Now] matters to it
	Sources []Source         `json:"sources"`
}

// A Surface is where something is seen.
type Surface string

// The surfaces.
const (
	API Surface = "api" // through an API key
	App Surface = "app" // in the Gemini app, on the phone or in the browser
)

// A Charge says whether somebody who sees this has paid for it.
type Charge struct {
	Answer string `json:"answer"` // yes, no or depends
	Why    string `json:"why"`
}

// A Source says where facts of a row come from.
type Source struct {
	Of      string `json:"of"`     // which facts
	From    string `json:"source"` // a page, or how it was observed
	Date    string `json:"date"`   // when that was read: "2026-07-27", or "2026-07"
	Claimed bool   `json:"claimed,omitempty"`
}

// A Fact is a part of [Now] that can matter to a row.
type Fact string

// The facts of the moment.
const (
	Midnight Fact = "midnight" // when the day's counts start anew
	Peak     Fact = "peak"     // whether these are the busiest hours
	Sky      Fact = "weather"  // how a gateway found the models served
)
