#!/usr/bin/env bash
# cut.sh REGION: nothing gets into or out of that data centre any more; inside, all goes on.
. "$(dirname "$0")/lib.sh"
[[ -n ${net[${1:-}]:-} && $1 != outside ]] || die "usage: cut.sh east|west"
for way in -s -d; do
  in_ns router iptables -C CUT "$way" "${net[$1]}.0/24" -j DROP 2>/dev/null || in_ns router iptables -A CUT "$way" "${net[$1]}.0/24" -j DROP
done
say "cut: $1"
