#!/usr/bin/env bash
# cut.sh REGION: nothing gets into or out of that data centre any more; inside, all goes on.
. "$(dirname "$0")/lib.sh"
[[ -n ${net[${1:-}]:-} && $1 != outside ]] || die "usage: cut.sh east|west"
in_ns router iptables -A CUT -s "${net[$1]}.0/24" -j DROP
in_ns router iptables -A CUT -d "${net[$1]}.0/24" -j DROP
say "cut: $1"
