# What up.sh, down.sh and the hands of the estate's people share. Sourced, not run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${ESTATE:=/var/tmp/finrag-estate}"              # state: data, configuration, secrets, logs
: "${FINRAG:=$here/../../../bin/finrag}"           # the service's program
: "${RECEIVER:=10.77.0.1}"                         # where its alert channels end: the operators' own address
: "${ALERTS_PAGER:=http://$RECEIVER:18080/v2/enqueue}"
: "${PROFILE:=fast}"                               # fast or standard: intervals of its health checks and DNS
export LC_ALL=C

regions=(east west)
declare -A net=([east]=10.77.1 [west]=10.77.2 [outside]=10.77.9)   # one /24 each; .1 is the router's end
ns() { printf 'finrag-%s' "$1"; }
in_ns() { local at=$1; shift; ip netns exec "$(ns "$at")" "$@"; }
account=postgres                                   # PostgreSQL refuses to run as root; the service needs no more either
as() { setpriv --reuid "$account" --regid "$account" --init-groups --no-new-privs -- "$@"; }
pgbin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# until_ok SECONDS COMMAND…: again and again until it succeeds
until_ok() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do ((SECONDS < end)) || return 1; sleep 0.2; done
}
secret() { cat "$ESTATE/secret/$1"; }
# sql REGION STATEMENT [DATABASE]: as the DBA, by the server's own socket; statements may hold secrets, so they are no arguments
sql() {
  in_ns "$1" setpriv --reuid "$account" --regid "$account" --init-groups -- \
    "$pgbin/psql" -X -v ON_ERROR_STOP=1 -h "$ESTATE/$1/socket" -U postgres -d "${3:-finrag}" -Atq -f - <<<"$2"
}
fenced() { [[ $(sql "$1" "SHOW default_transaction_read_only" postgres) = on ]]; }
# fence REGION: its database takes no writes any more, and nobody is left who does any
fence() {
  sql "$1" "ALTER SYSTEM SET default_transaction_read_only = on" postgres
  sql "$1" "SELECT pg_reload_conf()" postgres >/dev/null
  sql "$1" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'" postgres >/dev/null
  until_ok 5 fenced "$1"
}
# spawn PLACE NAME: one of the service's processes, with a pid file and a log
spawn() {
  local at=$1 name=$2 command=$3
  in_ns "$at" setsid setpriv --reuid "$account" --regid "$account" --init-groups -- sh -c 'echo $$ > "$1"; shift; exec "$@"' - \
    "$ESTATE/run/$name.pid" "$FINRAG" "$command" --config "$ESTATE/$name.yaml" >>"$ESTATE/log/$name.log" 2>&1 </dev/null &
}
# serve REGION: its database is started
serve() {
  in_ns "$1" setpriv --reuid "$account" --regid "$account" --init-groups -- "$pgbin/pg_ctl" -D "$ESTATE/$1/data" -l "$ESTATE/log/$1.db.log" -w -t 60 start >/dev/null
}
# database REGION [FROM]: a primary of its own, or a standby made of a base backup of FROM; it is started
database() {
  local region=$1 dir=$ESTATE/$1 follow=${2:-}
  install -d -m 0700 -o "$account" -g "$account" "$dir" "$dir/socket"
  if [[ -z $follow ]]; then
    as "$pgbin/initdb" -D "$dir/data" -U postgres --auth-local=peer --auth-host=scram-sha-256 -E UTF8 >"$ESTATE/log/initdb.log" 2>&1
    as sh -c 'cat >> "$1/pg_hba.conf"' - "$dir/data" <<EOF
host  all          all          10.77.0.0/16  scram-sha-256
host  replication  replication  10.77.0.0/16  scram-sha-256
EOF
  else
    as sh -c 'umask 077; printf "*:*:*:replication:%s\n" "$(cat "$1")" > "$2"' - "$ESTATE/secret/replication" "$ESTATE/secret/pgpass"
    in_ns "$region" setpriv --reuid "$account" --regid "$account" --init-groups -- env PGPASSFILE="$ESTATE/secret/pgpass" \
      "$pgbin/pg_basebackup" -h "${net[$follow]}.20" -U replication -D "$dir/data" -S "$region" -X stream -c fast -R >"$ESTATE/log/basebackup.log" 2>&1
  fi
  as sh -c 'cat > "$1/estate.conf"; grep -q estate.conf "$1/postgresql.conf" || echo "include '\''estate.conf'\''" >> "$1/postgresql.conf"' - "$dir/data" <<EOF
listen_addresses = '${net[$region]}.20'
unix_socket_directories = '$dir/socket'
cluster_name = '$region'
shared_buffers = 32MB
max_connections = 200
wal_log_hints = on
wal_keep_size = 128MB
hot_standby = on
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 500ms
wal_receiver_timeout = 2s
wal_sender_timeout = 2s
log_line_prefix = '%m [%p] %q%a '
log_timezone = 'UTC'
timezone = 'UTC'
EOF
  serve "$region"
}
