package store

import (
	"fmt"
	"strings"
)

// A where is the conditions of a query, behind one that always holds.
type where struct {
	text string
	args []any
}

// add takes an argument and gives its place.
func (w *where) add(value any) string {
	w.args = append(w.args, value)
	return fmt.Sprintf("$%d", len(w.args))
}

// and takes a condition on a value, if it is set.
func (w *where) and(set bool, condition string, value any) {
	if set {
		w.text += " AND " + condition + " " + w.add(value)
	}
}

// list adds arguments and gives their places.
func list[V any](w *where, values []V) string {
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = w.add(v)
	}
	return strings.Join(places, ", ")
}
