#!/bin/sh
# Tests the packages of this module: under the race detector those whose tests do
# not link SQLite, without it the others. SQLite is C turned into Go: under the
# race detector it takes minutes to compile and many times as long to run.
set -eu

all=$(go list -test -f '{{with .ForTest}}{{else}}{{.ImportPath}} {{range .Deps}}{{if eq . "modernc.org/sqlite"}}sqlite{{end}}{{end}}{{end}}' ./...)
pure=$(echo "$all" | sed -n 's/\.test $//p')
sqlite=$(echo "$all" | sed -n 's/\.test sqlite$//p')

# shellcheck disable=SC2086 # lists of words
[ -z "$pure" ] || CGO_ENABLED=1 go test -race $pure
# shellcheck disable=SC2086
[ -z "$sqlite" ] || go test $sqlite
