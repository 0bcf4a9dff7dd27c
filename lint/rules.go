package lint

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

//go:embed words.yaml
var wordsFile []byte

//go:embed kinds.yaml
var kindsFile []byte

//go:embed wording.yaml
var wordingFile []byte

//go:embed filter.yaml
var filterFile []byte

// A list of words and phrases: in the files a sequence, or a text with commas.
type list []string

func (l *list) UnmarshalYAML(node ast.Node) error {
	if sequence, ok := node.(*ast.SequenceNode); ok {
		for _, v := range sequence.Values {
			*l = append(*l, v.GetToken().Value)
		}
		return nil
	}
	var text string
	if err := yaml.NodeToValue(node, &text); err != nil {
		return err
	}
	for _, item := range strings.Split(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			*l = append(*l, item)
		}
	}
	return nil
}

// vocabulary is words.yaml.
type vocabulary struct {
	Aspects                                                     map[string]list
	Why                                                         map[string]string // what is missing of them
	Worn, Subjective, Meant, Praise, Vague, Empty, Hollow, Mass list
	Moods, Instead, Typos, Woven                                map[string]string
	Ideas                                                       struct {
		Words list
		Shown string
	}
}

// A kind of picture; see kinds.yaml.
type kind struct {
	Name         string
	Photographic bool
	Form         bool
	Place        bool
	Cues         list
	Needs        needs
	Subject      string
	Opens        string
	Fills        map[string]string
}

// A need is what a kind of picture has to say, and the points for it.
type need struct {
	any    []string // aspects of which one is enough
	points int
	line   int // of the file
}

type needs []need

func (ns *needs) UnmarshalYAML(node ast.Node) error {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		return fmt.Errorf("needs are points by aspect, not %s", node.GetToken().Value)
	}
	for _, v := range mapping.Values {
		n := need{any: strings.Split(v.Key.GetToken().Value, "|"), line: v.Key.GetToken().Position.Line}
		if err := yaml.NodeToValue(v.Value, &n.points); err != nil {
			return err
		}
		*ns = append(*ns, n)
	}
	return nil
}

type edits struct {
	Verbs, Loose, Fresh, Polite, About, Onto, Begins, Wish, Refers, Vague, Idle list
	Instead                                                                     string
}

type kinds struct {
	Edit  edits
	Kinds []*kind
}

// wording is wording.yaml.
type wording struct {
	Negations struct {
		Begin, Except, Mild list
		Why                 string
		Instead, Nots       map[string]string
	}
	Text struct {
		Why                               string
		Strong, Weak, Bearers, Ends, None list
	}
	Contradictions struct {
		Why    string
		Unless list
		Pairs  []struct{ One, Other list }
	}
	Settings []setting
}

// A setting is what belongs in imageConfig.
type setting struct {
	Rule, Why     string
	Sizes, Ratios map[string]list
	Known         list
	After, Before list
}

// filter is filter.yaml.
type filter struct {
	Harmless list
	Sets     map[string]list
	Policy   []policy
	Filters  []trap
}

type policy struct {
	Rule, Why string
	Words     list
	Phrases   [][]list
	All       []list
	Ages      list
	Unless    list
}

// A trap is a rule about what is harmless and refused all the same.
type trap struct {
	Rule, Why, States string
	Unless            list
	Say               []saying
}

type saying struct {
	Words               list
	Cut, First, Instead string
}

// rules are the files, ready to be searched.
type rules struct {
	words   vocabulary
	kinds   kinds
	wording wording
	filter  filter

	lexicon phrases // words of pictures
	cues    phrases // words for kinds
	editing phrases // how an edit begins
	guard   phrases // what may be refused
	says    phrases // how things are said
}

var known = sync.OnceValue(func() *rules {
	r, err := load(wordsFile, kindsFile, wordingFile, filterFile)
	if err != nil {
		panic("the embedded rules of lint: " + err.Error()) // every test would show it
	}
	return r
})

// load reads the files. An error names the file, and the line where it can.
func load(words, kinds, wording, filter []byte) (*rules, error) {
	r := &rules{}
	for _, f := range []struct {
		name string
		text []byte
		into any
	}{{"words.yaml", words, &r.words}, {"kinds.yaml", kinds, &r.kinds}, {"wording.yaml", wording, &r.wording}, {"filter.yaml", filter, &r.filter}} {
		if err := yaml.UnmarshalWithOptions(f.text, f.into, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	r.learn()
	return r, nil
}
