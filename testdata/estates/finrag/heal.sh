#!/usr/bin/env bash
# heal.sh REGION: the data centre is reachable again. Its database is fenced first if the other one has been promoted: two
# primaries are worse than one region.
. "$(dirname "$0")/lib.sh"
[[ -n ${net[${1:-}]:-} && $1 != outside ]] || die "usage: heal.sh east|west"
other=west; [[ $1 = east ]] || other=east
recovers() { sql "$1" "SELECT pg_is_in_recovery()" postgres; }
there=$(recovers "$other") || die "the database of $other does not say whether it leads: nothing was healed"
if [[ $there = f ]]; then
  # A server that is down takes no writes, and nobody here starts it; one that is up must say what it is.
  if in_ns "$1" "$pgbin/pg_isready" -q -h "$ESTATE/$1/socket"; then
    here=$(recovers "$1") || die "the database of $1 does not say whether it leads: nothing was healed"
  elif kill -0 "$(head -n 1 "$ESTATE/$1/data/postmaster.pid" 2>/dev/null)" 2>/dev/null; then
    die "the database of $1 is there and does not answer: nothing was healed"
  else
    here=down
  fi
  if [[ $here = f ]]; then
    fence "$1" || die "the database of $1 still takes writes: nothing was healed"
    say "fenced: the database of $1 refuses writes"
  fi
fi
for way in -s -d; do
  while in_ns router iptables -D CUT "$way" "${net[$1]}.0/24" -j DROP 2>/dev/null; do :; done
done
say "healed: $1"
