#!/bin/sh
# Starts the PostgreSQL of one region. The first start makes the data directory: of a primary by initdb, of a standby by a
# copy of the primary. Every later start finds it on the volume. Secrets come as files.
#
#   postgres-start.sh primary
#   postgres-start.sh standby COPY_HOST WAL_HOST WAL_PORT NAME   (NAME: of the slot, and of the standby towards its primary)
#   postgres-start.sh alone                                      (to be read after a drill: follows nobody, refuses writes)
set -eu
umask 077
config=/etc/blackstart data=/data/pg role=$1

make_primary() {
	initdb -D "$data" -U finrag --pwfile "$config/db.pass" -A scram-sha-256 -E UTF8 --locale C --data-checksums --no-sync
	echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
	echo "host replication all all scram-sha-256" >>"$data/pg_hba.conf"
	echo "include '$config/server.conf'" >>"$data/postgresql.conf"
}

make_standby() {
	printf '*:*:*:finrag:%s\n' "$(cat "$config/db.pass")" >/data/primary.pass
	PGPASSFILE=/data/primary.pass pg_basebackup -D "$data" -d "host=$1 user=finrag sslmode=disable" -S "$4" -X stream -c fast --no-sync
	{
		echo "primary_conninfo = 'host=$2 port=$3 user=finrag passfile=/data/primary.pass application_name=$4 sslmode=disable tcp_user_timeout=2000'"
		echo "primary_slot_name = '$4'"
	} >>"$data/postgresql.auto.conf"
	touch "$data/standby.signal"
}

shift
case $role in
primary) [ -s "$data/PG_VERSION" ] || make_primary ;;
standby) [ -s "$data/PG_VERSION" ] || make_standby "$@" ;;
alone)
	exec postgres -D "$data" -c primary_conninfo= -c primary_slot_name= -c synchronous_standby_names= \
		-c default_transaction_read_only=on -c autovacuum=off
	;;
*) echo "postgres-start.sh: there is no role $role" >&2; exit 10 ;;
esac
exec postgres -D "$data"
