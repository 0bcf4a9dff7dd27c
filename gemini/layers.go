package gemini

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A CatalogueError is what is wrong with a catalogue document, and where.
type CatalogueError struct {
	Line, Column int // of the document given last; from 1
	Message      string
}

func (e *CatalogueError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
}

// ParseCatalogue reads a whole catalogue. Its errors are [CatalogueError].
func ParseCatalogue(document []byte) (*Catalogue, error) {
	return parseLayers([][]byte{document})
}

// Override gives a catalogue in which a document of the same form was laid over
// this one: maps are merged key by key, lists and values replaced, models added.
// The receiver stays as it was. Errors are [CatalogueError] in the new document.
func (c *Catalogue) Override(document []byte) (*Catalogue, error) {
	layers := append(append([][]byte(nil), c.layers...), document)
	return parseLayers(layers)
}

func parseLayers(layers [][]byte) (*Catalogue, error) {
	whole := &ast.MappingNode{}
	var last *ast.MappingNode
	for _, document := range layers {
		layer, err := parseLayer(document)
		if err != nil {
			return nil, err
		}
		if last == nil {
			whole = layer
		} else {
			merge(whole, layer)
		}
		last = layer
	}
	var doc document
	if err := yaml.NodeToValue(whole, &doc, yaml.Strict()); err != nil {
		return nil, positioned(err)
	}
	// The layers below were sound, so what is wrong has its cause in the last one.
	b := builder{at: last}
	c := b.catalogue(&doc, keys(child(whole, "models")))
	if b.err != nil {
		return nil, b.err
	}
	c.layers = layers
	return c, nil
}

// parseLayer gives the map at the top of a document, parsed anew each time
// because merge changes it.
func parseLayer(document []byte) (*ast.MappingNode, error) {
	file, err := parser.ParseBytes(document, 0)
	if err != nil {
		return nil, positioned(err)
	}
	if len(file.Docs) > 1 {
		return nil, &CatalogueError{1, 1, "more than one YAML document"}
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return &ast.MappingNode{}, nil
	}
	top, ok := file.Docs[0].Body.(*ast.MappingNode)
	if !ok {
		return nil, &CatalogueError{1, 1, "a catalogue is a map with models, pixels, tiers and service_percent"}
	}
	return top, nil
}

// merge lays over on base: maps by key, anything else replaced.
func merge(base, over *ast.MappingNode) {
	for _, item := range over.Values {
		old := find(base, keyText(item.Key))
		if old == nil {
			base.Values = append(base.Values, item)
			continue
		}
		below, isMap := old.Value.(*ast.MappingNode)
		above, isToo := item.Value.(*ast.MappingNode)
		if isMap && isToo {
			merge(below, above)
			continue
		}
		old.Value = item.Value
	}
}

func find(m *ast.MappingNode, key string) *ast.MappingValueNode {
	for _, item := range m.Values {
		if keyText(item.Key) == key {
			return item
		}
	}
	return nil
}

func keyText(key ast.MapKeyNode) string { return key.GetToken().Value }

func child(m *ast.MappingNode, key string) *ast.MappingNode {
	if item := find(m, key); item != nil {
		if inner, ok := item.Value.(*ast.MappingNode); ok {
			return inner
		}
	}
	return &ast.MappingNode{}
}

func keys(m *ast.MappingNode) []string {
	var all []string
	for _, item := range m.Values {
		all = append(all, keyText(item.Key))
	}
	return all
}

// positioned turns an error of the YAML library into ours, without the excerpt
// of the document that it prints.
func positioned(err error) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return &CatalogueError{1, 1, err.Error()}
	}
	message := strings.Replace(at.GetMessage(), "unknown field", "unknown key", 1)
	var mismatch *yaml.TypeError
	if errors.As(err, &mismatch) {
		message = fmt.Sprintf("%q is not %s", at.GetToken().Value, meant(mismatch.DstType.Kind()))
	}
	where := at.GetToken().Position
	return &CatalogueError{where.Line, where.Column, message}
}

func meant(kind reflect.Kind) string {
	switch kind {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	default:
		return "a text"
	}
}

// place finds the line of a path in a document, or of the deepest part of it
// that is there.
func place(m *ast.MappingNode, path ...string) (line, column int) {
	line, column = 1, 1
	for _, key := range path {
		item := find(m, key)
		if item == nil {
			return line, column
		}
		where := item.Key.GetToken().Position
		line, column = where.Line, where.Column
		m = child(m, key)
	}
	return line, column
}
