#!/usr/bin/env bash
# rebuild.sh REGION FROM: its database is thrown away and made anew as a copy of the other one, which leads.
. "$(dirname "$0")/lib.sh"
[[ ${1:-} = east && ${2:-} = west || ${1:-} = west && ${2:-} = east ]] || die "usage: rebuild.sh east west, or west east"
[[ $(sql "$2" "SELECT pg_is_in_recovery()" postgres) = f ]] || die "the database of $2 does not lead: nothing was thrown away"
in_ns "$1" setpriv --reuid "$account" --regid "$account" --init-groups -- "$pgbin/pg_ctl" -D "$ESTATE/$1/data" -m immediate -w stop >/dev/null 2>&1 || true
rm -rf "$ESTATE/$1/data"
sql "$2" "SELECT pg_create_physical_replication_slot('$1') WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$1')" postgres >/dev/null
database "$1" "$2"
say "rebuilt: $1 follows $2"
