package target_test

import (
	"strings"
	"testing"
)

// meant is a target that the harness breaks by means of its own file.
const meant = `apiVersion: blackstart.target/v1
kind: Target
metadata: {name: orders, owner: Order desk, environment: staging, critical: true, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}, {name: west, role: standby}]
hosts:
  - {name: router, region: outside, address: 10.9.0.1, by: ssh, with: {user: drill}}
  - {name: plain, region: east, address: 10.1.0.9}
  - {name: box, region: east, address: 10.1.0.7, by: docker, with: {container: api-1}}
components:
  - {name: east.db, kind: postgres, region: east, address: 10.1.0.5, port: 5432, fencing: {by: call, call: fence, asked: refuses}, with: {database: orders, user: blackstart, password: {file: /run/secrets/orders}, encryption: tls}}
  - {name: west.db, kind: postgres, region: west, address: 10.2.0.5, port: 5432, fencing: {by: self}, with: {database: orders, user: blackstart, password: {file: /run/secrets/orders}, encryption: tls}}
  - {name: east.api, kind: tcp, host: box, port: 8443}
links:
  - {name: clients, from: outside, to: east.db}
  - {name: wal, from: west.db, to: east.db}
calls:
  - {name: fence, call: exec, oneWay: true, timeout: 5s, with: {on: router, argv: [fence, east]}}
  - {name: refuses, call: exec, reads: true, timeout: 5s, with: {on: router, argv: [refuses, east]}}
  - {name: stop, call: exec, undo: start, timeout: 5s, with: {on: router, argv: [stop]}}
  - {name: start, call: exec, timeout: 5s, with: {on: router, argv: [start]}}
means:
  - {name: cut, means: link.iptables, on: [clients, wal], host: router, with: {where: forward}}
limits: {lease: 45s}
`

// What the harness breaks must be taken back by somebody near it, and never end with two in the lead.
func TestMeans(t *testing.T) {
	if _, err := reader().Parse("good.yaml", []byte(meant)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"means: link.iptables", "means: link.iptabels", `there is no kind of means "link.iptabels": did you mean "link.iptables"?`},
		{"on: [clients, wal]", "on: [clients, wall]", `there is no link "wall"`},
		{"on: [clients, wal]", "on: []", "means cut acts on nothing"},
		{"on: [clients, wal]", "on: [east.db]", `there is no link "east.db"`},
		{"wal], host: router", "wal], host: ruter", `there is no host "ruter"`},
		{"wal], host: router", "wal], host: plain", "host plain has no transport"},
		{"fencing: {by: self}, ", "", "what then keeps it from leading beside another: write fencing"},
		{"{by: self}", "{by: call}", "the fencing of west.db is by call, and its call is \"\""},
		{"{by: self}", "{by: hold, call: fence}", "the fencing of west.db is by hold"},
		{"{by: self}", "{by: itself}", "itself"},
		{"call: fence,", "call: refuses,", "call refuses only reads, and fences nothing"},
		{"asked: refuses}", "asked: refusess}", `there is no call "refusess"`},
		{"port: 8443}", "port: 8443, fencing: {by: self}}", "neither leads nor follows"},
		{"lease: 45s", "lease: 5s", "the lease is 5s: write 15s to 10m"},
		{"undo: start", "undo: stop", "call stop cannot undo itself"},
		{"undo: start", "undo: start, oneWay: true", "has a way back, and is said to have none"},
		{"undo: start", "undo: refuses", "call refuses only reads, and undoes nothing"},
		{"undo: start", "undo: start, reads: true", "there is nothing to undo"},
		{"call: exec, timeout: 5s, with: {on: router, argv: [start]}", "call: exec, undo: stop, timeout: 5s, with: {on: router, argv: [start]}", "which has an undo of its own"},
		{"means:\n", "means:\n  - {name: other, means: link.nft, on: [wal], host: router, with: {where: forward}}\n", "would both undo what is done to wal"},
		{"means:\n", "means:\n  - {name: api, means: container.docker, on: [east.api], host: box, with: {container: api-1}}\n", "host box is the container that east.api runs in"},
		{"means:\n", "means:\n  - {name: cut, means: link.nft, on: [wal], host: router, with: {where: forward}}\n", `the name "cut" is taken`},
	} {
		text := strings.Replace(meant, c.from, c.to, 1)
		if text == meant {
			t.Fatalf("nothing is changed by %q", c.from)
		}
		if _, err := reader().Parse("bad.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v\nwant %q", c.to, c.from, err, c.want)
		}
	}
}
