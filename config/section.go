package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/plantainhq/plantain"
)

// A reader walks a document and collects what is wrong with it.
type reader struct {
	env      func(string) string
	anchors  map[string]ast.Node
	problems []Problem
	named    []plantain.Model // by the document
	unset    bool             // the last scalar was a variable without a value
}

func (r *reader) fail(at ast.Node, format string, args ...any) {
	p := Problem{Message: fmt.Sprintf(format, args...)}
	if at != nil && at.GetToken() != nil {
		where := at.GetToken().Position
		p.Line, p.Column = where.Line, max(where.Column, 1)
	}
	r.problems = append(r.problems, p)
}

// resolve follows anchors, aliases and tags to the value itself.
func (r *reader) resolve(n ast.Node) ast.Node {
	for range 8 { // an alias may name itself
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		case *ast.AliasNode:
			n = r.anchors[v.Value.GetToken().Value]
		default:
			return n
		}
		if n == nil {
			return nil
		}
	}
	return nil
}

// Visit collects the anchors of a document.
func (r *reader) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		r.anchors[a.Name.GetToken().Value] = a.Value
	}
	return r
}

// scalar gives the text of a value with the environment expanded, and the text
// as it stands in the file, which is what a message may show.
func (r *reader) scalar(n ast.Node) (text, raw string, ok bool) {
	switch v := r.resolve(n).(type) {
	case *ast.StringNode:
		text, raw = v.Value, v.Value
	case *ast.LiteralNode:
		text = strings.TrimSpace(v.Value.Value)
		raw = text
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		text = v.GetToken().Value
		return text, text, true
	default:
		r.fail(n, "a single value is meant here")
		return "", "", false
	}
	text, complaint, unset := expand(text, r.env)
	if complaint != "" {
		r.fail(n, "%s", complaint)
		r.unset = unset
		return "", "", false
	}
	return text, raw, true
}

// secret is scalar for what only who sends needs.
func (r *reader) secret(n ast.Node) (text string, ok bool) {
	r.unset = false
	if text, _, ok = r.scalar(n); !ok && r.unset {
		r.problems[len(r.problems)-1].keyless = true
	}
	return text, ok
}

// A section is one map of the document. It knows which keys were asked for, so
// that end can tell which ones nobody knows.
type section struct {
	*reader
	name  string // for messages: "retry"
	node  ast.Node
	items map[string]*ast.MappingValueNode
	keys  []string // of items, in the order of the file
	known []string
}

// section reads a map; nil for anything else, after saying so.
func (r *reader) section(name string, n ast.Node) *section {
	m, ok := r.resolve(n).(*ast.MappingNode)
	if !ok {
		r.fail(n, "%s is a map of keys and values", name)
		return nil
	}
	s := &section{reader: r, name: name, node: n, items: map[string]*ast.MappingValueNode{}}
	for _, item := range m.Values {
		key := item.Key.GetToken().Value
		s.items[key] = item
		s.keys = append(s.keys, key)
	}
	return s
}

// value gives the value of a key; nil where it is absent or empty.
func (s *section) value(key string) ast.Node {
	if !slices.Contains(s.known, key) {
		s.known = append(s.known, key)
	}
	item, ok := s.items[key]
	if !ok {
		return nil
	}
	if _, empty := s.resolve(item.Value).(*ast.NullNode); empty {
		return nil
	}
	return item.Value
}

// key is the node to point at for a key, or the section where it is absent.
func (s *section) key(key string) ast.Node {
	if item, ok := s.items[key]; ok {
		return item.Key
	}
	return s.node
}

// under gives the map below a key; nil where there is none.
func (s *section) under(key string) *section {
	n := s.value(key)
	if n == nil {
		return nil
	}
	return s.section(key, n)
}

// list gives the elements of a list; nil where there are none.
func (s *section) list(key string) []ast.Node {
	n := s.value(key)
	if n == nil {
		return nil
	}
	l, ok := s.resolve(n).(*ast.SequenceNode)
	if !ok {
		s.fail(n, "%s is a list", key)
		return nil
	}
	return l.Values
}

// parsed reads a scalar by a function that knows its form. The function gets the
// expanded text; a message shows the text of the file.
func parsed[T any](s *section, key string, into *T, meant string, parse func(string) (T, bool)) {
	n := s.value(key)
	if n == nil {
		return
	}
	text, raw, ok := s.scalar(n)
	if !ok {
		return
	}
	v, ok := parse(strings.TrimSpace(text))
	if !ok {
		s.fail(n, "%s: %q is not %s", key, raw, meant)
		return
	}
	*into = v
}

func (s *section) text(key string, into *string) {
	parsed(s, key, into, "a text", func(text string) (string, bool) { return text, true })
}

func (s *section) duration(key string, into *time.Duration) {
	parsed(s, key, into, "a duration such as 90s, 12h or 30d", parseDuration)
}

func (s *section) bytes(key string, into *int64) {
	parsed(s, key, into, "a size such as 128MiB or 20GB", parseBytes)
}

// age and most read how long something is kept, and how many bytes of it.
func (s *section) age(key string, into *time.Duration) {
	parsed(s, key, into, "a duration such as 12h or 30d, or unlimited", orUnlimited(parseDuration))
}

func (s *section) most(key string, into *int64) {
	parsed(s, key, into, "a size such as 5GB or 500MiB, or unlimited", orUnlimited(parseBytes))
}

func orUnlimited[N ~int64](parse func(string) (N, bool)) func(string) (N, bool) {
	return func(text string) (N, bool) {
		if text == "unlimited" {
			return Unlimited, true
		}
		return parse(text)
	}
}

// count reads a whole number that is least or more.
func (s *section) count(key string, into *int, least int) {
	parsed(s, key, into, fmt.Sprintf("a whole number of %d or more", least), func(text string) (int, bool) {
		v, err := strconv.Atoi(text)
		return v, err == nil && v >= least
	})
}

// end reports the keys that nobody asked for.
func (s *section) end() {
	for _, key := range s.keys {
		if slices.Contains(s.known, key) {
			continue
		}
		item := s.items[key]
		if near := nearest(key, s.known); near != "" {
			s.fail(item.Key, "unknown key %q in %s; did you mean %q?", key, s.name, near)
			continue
		}
		s.fail(item.Key, "unknown key %q in %s; its keys are %s", key, s.name, strings.Join(s.known, ", "))
	}
}
