#!/bin/sh
# Sees to the Debian packages that a make target needs. Each argument is
# PACKAGE:PROBE; the probe is a command, or a file (a pattern, for that matter)
# where dpkg rules the machine.
# What is missing is installed where that needs no password, else named in one line.
set -eu

has() {
	case $1 in
	/*)
		for file in $1; do [ -e "$file" ] && return; done
		! command -v dpkg >/dev/null
		;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing=
for pair in "$@"; do
	has "${pair#*:}" || missing="$missing ${pair%%:*}"
done
[ -n "$missing" ] || exit 0

install() {
	command -v apt-get >/dev/null || return 1
	as=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
		as="sudo -n"
	fi
	# shellcheck disable=SC2086 # a list of words
	$as apt-get update -qq && $as env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $missing
}

install >/dev/null 2>&1 || {
	echo "missing Debian packages:$missing (apt-get install$missing)" >&2
	exit 1
}
