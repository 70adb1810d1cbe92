package check_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness/lease"
	"blackstart/harness/means"
	"blackstart/harness/target"
	"blackstart/harness/target/check"

	hosts "blackstart/harness/host"
)

// meant is a target with a process of its own that is broken by means, and what is missing for another.
func meant(t *testing.T, environment string) (got *target.Target, pidfile, code string) {
	t.Helper()
	if _, err := os.Stat("/etc/machine-id"); err != nil {
		t.Skip("this machine has no ID")
	}
	dir := t.TempDir()
	pidfile, code = filepath.Join(dir, "pid"), filepath.Join(dir, "code")
	name := fmt.Sprintf("check-%d-%d", os.Getpid(), time.Now().UnixNano())
	t.Cleanup(func() { _ = os.RemoveAll(fmt.Sprintf("/var/tmp/blackstart-%d/%s", os.Getuid(), name)) })
	r := reader
	r.Means, r.MeansTraits = means.Means.Parameters(), means.Traits()
	got, err := r.Parse("t.yaml", []byte(`apiVersion: blackstart.target/v1
kind: Target
metadata: {name: `+name+`, owner: Order desk, environment: `+environment+`, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}]
hosts: [{name: here, region: outside, address: 127.0.0.1, by: here}]
components:
  - {name: east.api, kind: tcp, region: east, address: 127.0.0.1, port: 1}
  - {name: east.db, kind: postgres, region: east, address: 127.0.0.1, port: 1, fencing: {by: hold, asked: refuses}, with: {database: d, user: u, password: {file: `+code+`}, encryption: none}}
calls: [{name: refuses, call: exec, reads: true, timeout: 5s, with: {on: here, argv: [sh, -c, 'exit "$(cat `+code+`)"']}}]
means:
  - {name: api, means: process.pidfile, on: [east.api], host: here, with: {pidfile: `+pidfile+`, program: /usr/bin/sleep, start: [/usr/bin/sleep, "60"]}}
  - {name: box, means: container.docker, on: [east.db], host: here, with: {container: x, program: /nowhere/docker}}
`))
	must(t, err)
	must(t, os.WriteFile(code, []byte("1"), 0o600))
	return got, pidfile, code
}

// rowsOf checks, or exercises, with every host certain.
func rowsOf(t *testing.T, got *target.Target, exercise bool) map[string]check.Row {
	t.Helper()
	q := request(got)
	q.Exercise = exercise
	h, err := hosts.Named(got, "here")
	must(t, err)
	got.Hosts[0].Identity, err = h.Who(t.Context())
	must(t, err)
	rows, err := check.Run(t.Context(), q)
	must(t, err)
	all := map[string]check.Row{}
	for _, r := range rows {
		all[r.Of+" "+r.Name] = r
	}
	return all
}

func expect(t *testing.T, rows map[string]check.Row, name string, state check.State, text string) {
	t.Helper()
	if r := rows[name]; r.State != state || !strings.Contains(r.Text, text) {
		t.Errorf("%s is %s: %s, want %s: %s", name, r.State, r.Text, state, text)
	}
}

// Each means has a row of its own, and one that is missing something says what; a call that asks whether writes are taken answers by its end.
func TestCheckOfMeans(t *testing.T) {
	got, pidfile, code := meant(t, "rehearsal")
	rows := rowsOf(t, got, false)
	expect(t, rows, "lease host here", check.Works, "undoes what is in force by itself, when we are silent for 1m30s")
	expect(t, rows, "means api on east.api", check.Refused, "it is stopped, and a fault begins from running")
	expect(t, rows, "means box on east.db", check.Refused, "no program /nowhere/docker on here")
	expect(t, rows, "call refuses", check.Works, "it says that writes are taken")
	cmd := exec.Command("/usr/bin/sleep", "60")
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	must(t, os.WriteFile(pidfile, []byte(fmt.Sprintln(cmd.Process.Pid)), 0o600))
	must(t, os.WriteFile(code, []byte("3"), 0o600))
	rows = rowsOf(t, got, false)
	expect(t, rows, "means api on east.api", check.Works, "component.pause, by host here; it is running")
	expect(t, rows, "call refuses", check.Refused, "it ended with exit code 3")
}

// An exercise lets a lease run out, and says that its host has undone by itself; where somebody holds the host it is refused, and names them.
func TestExercise(t *testing.T) {
	got, _, _ := meant(t, "rehearsal")
	expect(t, rowsOf(t, got, true), "exercise host here", check.Works, "that nobody renewed it undid by itself")
	h, err := hosts.Named(got, "here")
	must(t, err)
	l, err := lease.New(h, got.Metadata.Name, "another-run", 30*time.Second, 3*time.Second)
	must(t, err)
	_, err = l.Arm(t.Context())
	must(t, err)
	defer l.Release(t.Context()) //nolint:errcheck // the directory goes, too
	expect(t, rowsOf(t, got, true), "exercise host here", check.Refused, "the run another-run is held by")
}

// Who drills stands outside of what is broken: not at an address of a region, but in a rehearsal.
func TestStandsIn(t *testing.T) {
	ours := ""
	all, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			ours = n.IP.String()
		}
	}
	if ours == "" {
		t.Skip("this machine has no address but loopback")
	}
	for name, c := range map[string]struct {
		environment, address, region string
		inside                       bool
	}{
		"in a region": {"staging", ours, "east", true}, "outside": {"staging", ours, "outside", false}, "a rehearsal": {"rehearsal", ours, "east", false},
		"another machine": {"staging", "192.0.2.7", "east", false}, "loopback": {"staging", "127.0.0.1", "east", false},
	} {
		of := &target.Target{Metadata: target.Metadata{Environment: c.environment}, Regions: []target.Region{{Name: "east"}}, Hosts: []target.Host{{Name: "h", Region: c.region, Address: c.address}}}
		if why := check.StandsIn(of); (why != "") != c.inside || c.inside && !strings.Contains(why, "host h, in region east: drill from outside") {
			t.Errorf("a host, %s: %q", name, why)
		}
		of.Hosts, of.Components = nil, []target.Component{{Name: "db", Region: c.region, Address: c.address, Port: 5432}}
		if why := check.StandsIn(of); (why != "") != c.inside {
			t.Errorf("a component, %s: %q", name, why)
		}
	}
}
