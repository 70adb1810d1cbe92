package check_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness/target/check"
)

// standIn stands in for kubectl: it tells who the cluster is, and runs the shell that it is given on this machine. What it is asked for is noted.
const standIn = `#!/bin/sh
echo "$*" | cut -c1-60 >>"$(dirname "$0")/asked"
case "$*" in *kube-system*) echo 0f3c1a52-7a64-4a5b-9f39-6f6b2a1f0c11; exit;; esac
while [ "$1" != -- ]; do shift; done; shift; exec "$@"
`

// Hosts are asked who they are before anything is run there, what they are, and how late it is; calls are made on the one that they name.
func TestCheckOfHosts(t *testing.T) {
	dir := t.TempDir()
	program, mark := filepath.Join(dir, "kubectl"), filepath.Join(dir, "mark")
	must(t, os.WriteFile(program, []byte(standIn), 0o755))
	text := `apiVersion: blackstart.target/v1
kind: Target
metadata: {name: orders, owner: Order desk, environment: rehearsal, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}]
hosts:
  - {name: pod, region: east, address: 127.0.0.1, by: kubectl, with: {context: east, namespace: n, pod: p, program: ` + program + `}}
  - {name: bare, region: east, address: 127.0.0.1}
components: [{name: east.api, kind: tcp, region: east, host: pod, port: 1}]
calls:
  - {name: depth, call: exec, reads: true, timeout: 10s, fields: {depth: /depth}, with: {on: pod, argv: [printf, '{"depth": 4}']}}
  - {name: stop, call: exec, timeout: 10s, with: {on: pod, argv: [touch, ` + mark + `]}}
  - {name: gone, call: exec, timeout: 10s, with: {on: pod, argv: [no-such-program]}}
  - {name: long, call: exec, reads: true, timeout: 3s, with: {on: pod, argv: [sleep, "60"]}}
`
	ask := func(from, to string) (map[string]check.Row, error) {
		t.Helper()
		got, err := reader.Parse("t.yaml", []byte(strings.Replace(text, from, to, 1)))
		must(t, err)
		rows, err := check.Run(t.Context(), request(got))
		all := map[string]check.Row{}
		for _, r := range rows {
			all[r.Of+" "+r.Name] = r
		}
		return all, err
	}
	rows, err := ask("", "")
	must(t, err)
	for name, want := range map[string]struct {
		state check.State
		text  string
	}{
		"identity host pod": {check.Works, "0f3c1a52-7a64-4a5b-9f39-6f6b2a1f0c11, not pinned"}, "host pod": {check.Works, "by kubectl"}, "host bare": {check.Works, "a route is all"},
		"clock host pod": {check.Works, "against ours"}, "call depth": {check.Works, "depth 4"}, "call stop": {check.Works, "/touch is there, on pod; it acts, so it was not made"},
		"call gone": {check.Refused, "no program no-such-program on pod"}, "call long": {check.NotAvailable, "unknown: it was ended on pod at its limit"},
	} {
		if r := rows[name]; r.State != want.state || !strings.Contains(r.Text, want.text) {
			t.Errorf("%s: %+v, want %s", name, r, want.text)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a call that acts was made")
	}
	got, err := reader.Parse("t.yaml", []byte(text))
	must(t, err)
	attached, err := check.Attach(t.Context(), request(got)) // a drill needs the one that programs are run on, and no other
	must(t, err)
	if row(attached, "host", "pod").State != check.Works || row(attached, "host", "bare").Of != "" {
		t.Errorf("attached to: %+v", attached)
	}
	must(t, os.Remove(filepath.Join(dir, "asked")))
	_, err = ask("by: kubectl,", "by: kubectl, identity: 1f3c1a52-7a64-4a5b-9f39-6f6b2a1f0c11,")
	var mistaken *check.Mistaken
	asked, _ := os.ReadFile(filepath.Join(dir, "asked"))
	if !errors.As(err, &mistaken) || !strings.Contains(err.Error(), "host pod: it is 0f3c1a52") || strings.Count(string(asked), "\n") != 1 {
		t.Errorf("another cluster: %v; asked: %s", err, asked)
	}
	rows, err = ask("program: "+program, "program: "+program+"-x")
	must(t, err)
	if rows["host pod"].State == check.Works || rows["identity host pod"].State == check.Works || rows["call depth"].State == check.Works {
		t.Errorf("without its program: %+v", rows)
	}
	rows, err = ask("environment: rehearsal", "environment: staging")
	must(t, err)
	if r := rows["identity host pod"]; r.State != check.Refused || !strings.Contains(r.Text, `write identity: "0f3c`) || rows["call depth"].State == check.Works {
		t.Errorf("not pinned, outside a rehearsal: %+v, %+v", r, rows["call depth"])
	}
}
