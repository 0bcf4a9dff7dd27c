package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Error is everything that is wrong with a config, in the order of its lines.
// It never holds the value of an environment variable.
type Error struct {
	File     string // empty: the environment
	Problems []Problem
	// Keyless says that nothing is wrong but that the environment lacks keys: that of the
	// only project, or what an api_key or a webhook names. The config comes with such
	// an error, without projects: what sends nothing to Google can do with it.
	Keyless bool
}

// A Problem is one thing to put right. Line and Column count from 1; zero: the
// problem is in no line.
type Problem struct {
	Line, Column int
	Message      string
	keyless      bool // a key that the environment lacks
}

// Error gives a line for each problem: "plantain.yaml:3:5: unknown key …".
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		switch {
		case e.File == "":
			lines[i] = p.Message
		case p.Line == 0:
			lines[i] = fmt.Sprintf("%s: %s", e.File, p.Message)
		default:
			lines[i] = fmt.Sprintf("%s:%d:%d: %s", e.File, p.Line, p.Column, p.Message)
		}
	}
	return strings.Join(lines, "\n")
}

// with gives the error, and the config where it can be of use.
func (e *Error) with(c *Config) (*Config, error) {
	if e.Keyless {
		return c, e
	}
	return nil, e
}

func (e *Error) sort() {
	slices.SortStableFunc(e.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
