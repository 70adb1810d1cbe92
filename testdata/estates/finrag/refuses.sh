#!/usr/bin/env bash
# refuses.sh REGION: tries a real write on its database, by the server's own socket, and ends with 0 if it is refused. What is written
# is rolled back. A database that is down takes no writes either; one that does not say ends with 3.
. "$(dirname "$0")/lib.sh"
[[ -n ${net[${1:-}]:-} && $1 != outside ]] || die "usage: refuses.sh east|west"
if said=$(sql "$1" "BEGIN; CREATE TABLE drill_write (n int); INSERT INTO drill_write VALUES (1); ROLLBACK" postgres 2>&1); then
  say "the database of $1 takes writes"
  exit 1
fi
case $said in
  *"read-only transaction"*) say "the database of $1 refuses writes" ;;
  *"No such file or directory"* | *"Connection refused"*) say "the database of $1 is down" ;;
  *) say "the database of $1 does not say: $said"; exit 3 ;;
esac
