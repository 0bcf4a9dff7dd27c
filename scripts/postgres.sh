#!/bin/sh
# Runs a PostgreSQL server with nothing in it, for tests: prints its URL, serves
# until its input ends, then stops and leaves nothing behind. It listens on a socket
# in a folder of its own, so that no two of them meet, and nobody else can reach it.
set -eu

bin=$(dirname "$(command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null | sort -V | tail -n 1)")
[ -x "$bin/pg_ctl" ] || {
	echo "PostgreSQL is missing (apt-get install postgresql)" >&2
	exit 1
}

# As root it refuses to run; the package brings a user for it.
as() {
	if [ "$(id -u)" -eq 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi
}

dir=$(as 'mktemp -d /tmp/plantain-pg-XXXXXX')
trap : INT TERM HUP
if as "cd $dir && $bin/initdb -D data -A trust -U postgres -E UTF8 --locale=C --no-sync && \
	$bin/pg_ctl -D data -w -l log -o '-F -N 400 -c listen_addresses= -k $dir' start" >"$dir/out" 2>&1 </dev/null
then
	echo "postgres://postgres@/postgres?host=$dir"
	cat >/dev/null || :
	as "cd $dir && $bin/pg_ctl -D data -m immediate stop" >/dev/null 2>&1 </dev/null
	code=0
else
	cat "$dir/out" "$dir/log" >&2 2>/dev/null || :
	code=1
fi
rm -rf "$dir"
exit $code
