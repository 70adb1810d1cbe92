#!/usr/bin/env bash
# fence.sh REGION: its database takes no writes any more. unfence.sh lets it again.
. "$(dirname "$0")/lib.sh"
[[ -n ${net[${1:-}]:-} && $1 != outside ]] || die "usage: fence.sh east|west"
fence "$1" || die "the database of $1 still takes writes"
say "fenced: $1"
