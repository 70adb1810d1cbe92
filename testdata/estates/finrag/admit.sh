#!/usr/bin/env bash
# admit.sh < FILE.sql: the DBA runs what `blackstart target ddl` wrote, on the primary, and gives the role its password.
. "$(dirname "$0")/lib.sh"
[[ -e $ESTATE/.finrag-estate ]] || die "there is no estate at $ESTATE: ./up.sh starts one"
in_ns east setpriv --reuid "$account" --regid "$account" --init-groups -- \
  "$pgbin/psql" -X -1 -q -v ON_ERROR_STOP=1 -h "$ESTATE/east/socket" -U postgres -d finrag -f -
sql east "ALTER ROLE blackstart PASSWORD '$(secret blackstart)'" postgres
