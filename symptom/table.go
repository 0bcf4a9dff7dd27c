package symptom

import (
	_ "embed"
	"slices"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed table.yaml
var document []byte

// A table is the document, and its words ready to be found.
type table struct {
	Rows    []Row
	Same    [][]string
	Ignored []string

	index *index
}

var known = sync.OnceValue(func() *table {
	t := &table{}
	if err := yaml.UnmarshalWithOptions(document, t, yaml.Strict()); err != nil {
		panic("the embedded table of symptoms: " + err.Error()) // every test would show it
	}
	t.index = newIndex(t)
	return t
})

// Rows gives the table in its order: the API first, then the Gemini app. The rows
// share their slices with it and are not to be changed.
func Rows() []Row { return slices.Clone(known().Rows) }
