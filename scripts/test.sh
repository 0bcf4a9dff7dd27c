#!/bin/sh
# Tests the packages of this module: under the race detector those whose tests do
# not link SQLite, without it the others. SQLite is C turned into Go: under the
# race detector it takes minutes to compile and many times as long to run. Then
# the modules of their own that are named. All of it runs, whatever fails. The bound is
# for what hangs: on a busy machine e2e takes longer than the ten minutes of go test.
set -eu

all=$(go list -test -f '{{with .ForTest}}{{else}}{{.ImportPath}} {{range .Deps}}{{if eq . "modernc.org/sqlite"}}sqlite{{end}}{{end}}{{end}}' ./...)
pure=$(echo "$all" | sed -n 's/\.test $//p')
sqlite=$(echo "$all" | sed -n 's/\.test sqlite$//p')

failed=0
# shellcheck disable=SC2086 # lists of words
[ -z "$pure" ] || CGO_ENABLED=1 go test -race -timeout 30m $pure || failed=1
# shellcheck disable=SC2086
[ -z "$sqlite" ] || go test -timeout 30m $sqlite || failed=1
for module in "$@"; do
	(cd "$module" && go test -timeout 30m ./...) || failed=1
done
exit $failed
