#!/usr/bin/env bash
# describe.sh: the target file of the estate as it runs now, on stdout, with who everything is. MEANS=yes: also by which means it is
# broken from here, and what keeps two from leading; without it its people break it.
. "$(dirname "$0")/lib.sh"
[[ -e $ESTATE/.finrag-estate ]] || die "there is no estate at $ESTATE: ./up.sh starts one"
[[ -e $ESTATE/secret/blackstart ]] || as sh -c 'umask 077; openssl rand -hex 24 > "$1"' - "$ESTATE/secret/blackstart"
system() { sql "$1" "SELECT system_identifier FROM pg_control_system()" postgres; }
key() { openssl x509 -in "$ESTATE/tls/$1.crt" -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256 -r | cut -d' ' -f1; }
declare -A systems keys   # asked before anything is printed: one that does not answer ends this
for region in east west; do
  systems[$region]=$(system "$region")
  keys[$region]=$(key "$region")
  [[ -n ${systems[$region]} && -n ${keys[$region]} ]] || die "$region does not say who it is"
done
means=${MEANS:-no} machine=machine-$(printf 'blackstart %s' "$(cat /etc/machine-id)" | sha256sum | cut -c1-32)
cat <<EOF
apiVersion: blackstart.target/v1
kind: Target
metadata: {name: finrag-estate, owner: finrag operators, environment: staging, critical: false, service: Document search, plan: finrag runbook}
regions:
  - {name: east, role: primary}
  - {name: west, role: standby}
EOF
[[ $means != yes ]] || cat <<EOF
hosts:                        # namespaces of this machine: the router cuts, and stands outside of both data centres
  - {name: router, region: outside, address: 10.77.0.254, by: here, identity: $machine, with: {netns: $(ns router)}}
  - {name: east-node, region: east, address: ${net[east]}.2, by: here, identity: $machine, with: {netns: $(ns east)}}
  - {name: west-node, region: west, address: ${net[west]}.2, by: here, identity: $machine, with: {netns: $(ns west)}}
EOF
echo components:
for region in east west; do
  cat <<EOF
  - name: $region.db
    kind: postgres
    region: $region
    address: ${net[$region]}.20
    port: 5432
    identity: "${systems[$region]}"
    with: {database: finrag, user: blackstart, password: {file: $ESTATE/secret/blackstart}, encryption: none}
EOF
  [[ $means != yes ]] || cat <<EOF
    host: $region-node
    fencing: {by: call, call: fence-$region, asked: $region-refuses}
EOF
  cat <<EOF
  - name: $region.api
    kind: http
    region: $region
    address: ${net[$region]}.10
    port: 8443
    identity: ${keys[$region]}
    with: {scheme: https, path: /health, tls: {roots: $ESTATE/ca.crt, serverName: api.finrag.test}}
EOF
  [[ $means != yes ]] || echo "    host: $region-node"
done
cat <<EOF
links:
  - {name: clients-east, from: outside, to: east.api}
  - {name: clients-west, from: outside, to: west.api}
  - {name: writers-east, from: outside, to: east.db}
  - {name: writers-west, from: outside, to: west.db}
  - {name: replication, from: west.db, to: east.db}
entry:
  url: https://api.finrag.test:8443/health
  resolver: ${net[outside]}.20:53
  identities: [${keys[east]}, ${keys[west]}]
  tls: {roots: $ESTATE/ca.crt}
allows:
  - {write: ledger, on: east.db}
  - {write: ledger, on: west.db}
  - {write: heartbeat, on: east.db}
  - {write: heartbeat, on: west.db}
  - {path: POST /query}
calls:
  - {name: controller, call: http, reads: true, timeout: 2s, with: {method: GET, url: "http://${net[outside]}.10:8500/state"}}
  - {name: audit, call: http, reads: true, timeout: 5s, with: {method: GET, url: "http://${net[outside]}.10:8500/audit"}}
EOF
[[ $means != yes ]] || for region in east west; do
  cat <<EOF
  - {name: fence-$region, call: exec, oneWay: true, timeout: 15s, with: {on: router, argv: [env, ESTATE=$ESTATE, $here/fence.sh, $region]}}
  - {name: rebuild-$region, call: exec, oneWay: true, timeout: 1m, with: {on: router, argv: [env, ESTATE=$ESTATE, $here/rebuild.sh, $region, $([[ $region = east ]] && echo west || echo east)]}}
  - {name: $region-refuses, call: exec, reads: true, timeout: 10s, with: {on: router, argv: [env, ESTATE=$ESTATE, $here/refuses.sh, $region]}}
EOF
done
[[ $means != yes ]] || cat <<EOF
means:
  - {name: cut, means: link.iptables, on: [clients-east, clients-west, writers-east, writers-west, replication], host: router, with: {where: forward}}
EOF
[[ $means != yes ]] || for region in east west; do
  start="env, ESTATE=$ESTATE, FINRAG=$FINRAG, $here/start.sh, $region"
  cat <<EOF
  - {name: $region-db, means: process.pidfile, on: [$region.db], host: $region-node, with: {pidfile: $ESTATE/$region/data/postmaster.pid, program: $pgbin/postgres, user: $account, start: [/usr/bin/$start, db]}}
  - {name: $region-api, means: process.pidfile, on: [$region.api], host: $region-node, with: {pidfile: $ESTATE/run/$region.api.pid, program: $(realpath "$FINRAG"), user: $account, start: [/usr/bin/$start, api]}}
EOF
done
cat <<EOF
probes:
  - {id: served, probe: http.get, on: entry, every: 1s}   # what others than the drill's own clients get
alerts:
  - {name: pagerduty, channel: pagerduty, listen: "$RECEIVER:18080", key: {file: $ESTATE/secret/pager}, correlate: {by: nonce}}
decisions: {call: audit, lines: json, time: /at, event: /event, reason: /detail/reason, detected: failure.detected, declared: failover.declared,
  promoted: promote.done, refused: failover.refused, switched: dns.switched, done: failover.done}
EOF
