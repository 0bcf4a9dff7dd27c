package store

import (
	"reflect"
	"strings"
)

// plain turns strings of our own types into plain ones, because pgx writes what a
// String method says: the charge that is not known is "", for people "unknown".
// What no database takes as text, and a client or Google may send, is replaced.
func plain(args []any) []any {
	for i, a := range args {
		if v := reflect.ValueOf(a); v.Kind() == reflect.String {
			args[i] = clean(v.String())
		}
	}
	return args
}

// clean replaces zero bytes and what is no UTF-8: PostgreSQL refuses both.
func clean(s string) string {
	const instead = "\uFFFD"
	return strings.ReplaceAll(strings.ToValidUTF8(s, instead), "\x00", instead)
}
