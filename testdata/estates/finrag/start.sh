#!/usr/bin/env bash
# start.sh REGION db|api: starts what is down there, as up.sh does.
. "$(dirname "$0")/lib.sh"
[[ ${1:-} = east || ${1:-} = west ]] || die "usage: start.sh east|west db|api"
case ${2:-} in
  db) serve "$1" ;;
  api) spawn "$1" "$1.api" region ;;
  *) die "usage: start.sh east|west db|api" ;;
esac
