#!/usr/bin/env bash
# heal.sh REGION: the data centre is reachable again. Its database is stopped first if the other one has been promoted: two
# primaries are worse than one region.
. "$(dirname "$0")/lib.sh"
[[ -n ${net[${1:-}]:-} && $1 != outside ]] || die "usage: heal.sh east|west"
other=west; [[ $1 = east ]] || other=east
if [[ $(sql "$other" "SELECT pg_is_in_recovery()" postgres) = f ]] && [[ $(sql "$1" "SELECT pg_is_in_recovery()" postgres 2>/dev/null || echo gone) = f ]]; then
  sql "$1" "ALTER SYSTEM SET default_transaction_read_only = on" postgres
  sql "$1" "SELECT pg_reload_conf()" postgres >/dev/null
  sql "$1" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'" postgres >/dev/null
  until_ok 5 test "$(sql "$1" "SHOW default_transaction_read_only" postgres)" = on || die "the database of $1 still takes writes: nothing was healed"
  say "fenced: the database of $1 refuses writes"
fi
in_ns router iptables -D CUT -s "${net[$1]}.0/24" -j DROP
in_ns router iptables -D CUT -d "${net[$1]}.0/24" -j DROP
say "healed: $1"
