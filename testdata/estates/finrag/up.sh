#!/usr/bin/env bash
# Starts the two-region service in network namespaces, as its own people would: one data centre each, with real addresses, a
# router between them, and DNS and failover controller outside. Needs root, PostgreSQL's programs, openssl, iproute2, iptables.
. "$(dirname "$0")/lib.sh"
[[ $(id -u) = 0 ]] || die "network namespaces need root"
[[ -x $FINRAG ]] || die "there is no program at FINRAG=$FINRAG: make build"
[[ -n $pgbin ]] || die "no PostgreSQL below /usr/lib/postgresql: apt-get install postgresql"
[[ ! -e $ESTATE ]] || die "$ESTATE is there already: ./down.sh takes the estate down"

networks() {
  ip netns add "$(ns router)"
  in_ns router ip link set lo up
  in_ns router sysctl -qw net.ipv4.ip_forward=1
  in_ns router iptables -N CUT                # what its people cut with; nothing else touches this chain
  in_ns router iptables -A FORWARD -j CUT
  local at
  for at in east west outside; do
    ip netns add "$(ns "$at")"
    ip link add "fr-$at" type veth peer name net0 netns "$(ns "$at")"
    ip link set "fr-$at" netns "$(ns router)"
    in_ns router ip addr add "${net[$at]}.1/24" dev "fr-$at"
    in_ns router ip link set "fr-$at" up
    in_ns "$at" ip link set lo up
    in_ns "$at" ip link set net0 up
    in_ns "$at" ip addr add "${net[$at]}.2/24" dev net0
    in_ns "$at" ip addr add "${net[$at]}.10/24" dev net0   # API, or controller
    in_ns "$at" ip addr add "${net[$at]}.20/24" dev net0   # database, or DNS
    in_ns "$at" ip route add default via "${net[$at]}.1"
  done
  in_ns outside sysctl -qw net.ipv4.ip_unprivileged_port_start=53   # its DNS server is no root
  ip link add fr-desk type veth peer name desk netns "$(ns router)"   # where operators and clients sit: this machine
  ip addr add 10.77.0.1/24 dev fr-desk
  ip link set fr-desk up
  in_ns router ip addr add 10.77.0.254/24 dev desk
  in_ns router ip link set desk up
  ip route add 10.77.1.0/24 via 10.77.0.254
  ip route add 10.77.2.0/24 via 10.77.0.254
  ip route add 10.77.9.0/24 via 10.77.0.254
}

secrets() {
  install -d -m 0700 -o "$account" -g "$account" "$ESTATE"/{secret,tls,log,run}
  local name
  for name in database replication admin-east admin-west dns operator; do
    as sh -c 'umask 077; openssl rand -hex 24 > "$1"' - "$ESTATE/secret/$name"
  done
  printf '%s\n' "${PAGER_KEY:-0123456789abcdef0123456789abcdef}" | as sh -c 'umask 077; cat > "$1"' - "$ESTATE/secret/pager"
  (cd "$ESTATE/tls" && as sh -c '
    set -e; umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=finrag estate" \
      -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.crt
    for region in east west; do
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$region" -keyout $region.key -out $region.csr
      printf "subjectAltName=DNS:api.finrag.test\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n" > $region.ext
      openssl x509 -req -in $region.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 90 -extfile $region.ext -out $region.crt
    done' 2>"$ESTATE/log/openssl.log")
  install -m 0644 "$ESTATE/tls/ca.crt" "$ESTATE/ca.crt"
}

configure() {
  local region
  for region in "${regions[@]}"; do
    cat > "$ESTATE/$region.api.yaml" <<EOF
region: $region
listen: ${net[$region]}.10:8443
tls: {certificate: tls/$region.crt, key: tls/$region.key}
database: {url: "postgres://finrag@${net[$region]}.20:5432/finrag?sslmode=disable", passwordFile: secret/database}
vector: {syncInterval: 1s, lookback: 10m}
seed: {documents: 200}
admin: {tokenFile: secret/admin-$region}
EOF
  done
  local interval=1s timeout=1s ttl=2s
  if [[ $PROFILE = standard ]]; then interval=30s timeout=5s ttl=60s; fi
  cat > "$ESTATE/outside.dns.yaml" <<EOF
name: api.finrag.test.
listen: ${net[outside]}.20:53
ttl: $ttl
records: {primary: ${net[east]}.10, secondary: ${net[west]}.10}
state: run/dns-state.json
control: {listen: "${net[outside]}.20:8053", tokenFile: secret/dns}
EOF
  cat > "$ESTATE/outside.controller.yaml" <<EOF
profile: $PROFILE
listen: ${net[outside]}.10:8500
check: {interval: $interval, failures: 3, timeout: $timeout, confirm: 1}
regions:
  primary: {name: east, api: "https://${net[east]}.10:8443", serverName: api.finrag.test, adminTokenFile: secret/admin-east,
    database: {url: "postgres://finrag@${net[east]}.20:5432/finrag?sslmode=disable", passwordFile: secret/database}}
  standby: {name: west, api: "https://${net[west]}.10:8443", serverName: api.finrag.test, adminTokenFile: secret/admin-west,
    database: {url: "postgres://finrag@${net[west]}.20:5432/finrag?sslmode=disable", passwordFile: secret/database}}
ca: ca.crt
dns: {control: "http://${net[outside]}.20:8053", tokenFile: secret/dns, resolver: "${net[outside]}.20:53", name: api.finrag.test., port: 8443}
failover: {enabled: true, tokenFile: secret/operator}
preflight: {enabled: true, rowConsistency: 0.99, readinessMaxAge: 10s}
certificates: {renew: false}
parity: {deploy: false}
commit: {mode: asynchronous}
notify: {pagerduty: {url: "$ALERTS_PAGER", routingKeyFile: secret/pager}}
audit: run/audit.jsonl
state: run/controller-state.json
EOF
  chown "$account:$account" "$ESTATE"/*.yaml
}

trap 'status=$?; if ((status)); then say "the estate did not come up (see $ESTATE/log); ./down.sh removes what is there"; fi' EXIT
install -d -m 0755 -o "$account" -g "$account" "$ESTATE"
: > "$ESTATE/.finrag-estate"                  # what down.sh removes is what was made here
networks
secrets
configure
database east
sql east "CREATE ROLE replication LOGIN REPLICATION PASSWORD '$(secret replication)'" postgres
sql east "CREATE ROLE finrag LOGIN SUPERUSER PASSWORD '$(secret database)'" postgres   # its controller promotes and fences
sql east "CREATE DATABASE finrag OWNER finrag" postgres
sql east "SELECT pg_create_physical_replication_slot('west', true)" postgres >/dev/null
database west east
spawn outside outside.dns dns
for region in "${regions[@]}"; do spawn "$region" "$region.api" region; done
spawn outside outside.controller controller
healthy() { curl -fsS --max-time 2 --cacert "$ESTATE/ca.crt" --resolve "api.finrag.test:8443:${net[$1]}.10" https://api.finrag.test:8443/health; }
for region in "${regions[@]}"; do until_ok 60 healthy "$region" || die "the API of $region does not answer; see $ESTATE/log/$region.api.log"; done
answers() { curl -s -o /dev/null --max-time 2 "$1"; }
until_ok 20 answers "http://${net[outside]}.20:8053/" || die "the DNS server does not run; see $ESTATE/log/outside.dns.log"
until_ok 20 answers "http://${net[outside]}.10:8500/" || die "the failover controller does not run; see $ESTATE/log/outside.controller.log"
# It would refuse a failover that comes before its first whole look at the standby.
ready() { curl -fsS --max-time 2 "http://${net[outside]}.10:8500/state" | grep -q "\"complete\":true"; }
until_ok 30 ready || die "the standby is not ready for a failover; see http://${net[outside]}.10:8500/state"
say "up: https://api.finrag.test:8443 by the resolver ${net[outside]}.20, CA $ESTATE/ca.crt; east serves, west follows"
