package external

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/lease"
	"blackstart/harness/means"
	"blackstart/harness/target"
	"blackstart/harness/targets/undostate"
)

// touching is a target whose one fault makes a file, by a call on this machine that another undoes.
func touching(t *testing.T, leaseTime string) (f File, file string) {
	t.Helper()
	if _, err := os.Stat("/etc/machine-id"); err != nil {
		t.Skip("this machine has no ID")
	}
	dir := t.TempDir()
	file = filepath.Join(dir, "broken")
	name := fmt.Sprintf("acts-%d-%d", os.Getpid(), time.Now().UnixNano())
	t.Cleanup(func() { _ = os.RemoveAll(fmt.Sprintf("/var/tmp/blackstart-%d/%s", os.Getuid(), name)) })
	r := target.Reader{Components: component.Kinds.Parameters(), Calls: call.Calls.Parameters(), Traits: component.Traits(), Transports: host.Transports.Parameters(),
		HostIdentity: host.Forms(), Means: means.Means.Parameters(), MeansTraits: means.Traits()}
	parsed, err := r.Parse("t.yaml", []byte(`apiVersion: blackstart.target/v1
kind: Target
metadata: {name: `+name+`, owner: Order desk, environment: staging, critical: true, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}, {name: west, role: standby}]
hosts: [{name: here, region: outside, address: 127.0.0.1, by: here}]
components: [{name: east.api, kind: tcp, region: east, address: 127.0.0.1, port: 1}]
calls:
  - {name: break, call: exec, undo: mend, timeout: 3s, with: {on: here, argv: [touch, `+file+`]}}
  - {name: mend, call: exec, timeout: 3s, with: {on: here, argv: [rm, -f, `+file+`]}}
  - {name: alone, call: http, undo: mend, timeout: 3s, with: {method: POST, url: "http://127.0.0.1:1/"}}
limits: {lease: `+leaseTime+`}
`))
	must(t, err)
	return File{Path: "t.yaml", Target: parsed}, file
}

var breaking = harness.Step{Do: harness.Action{Kind: harness.CallMake, Call: "break"}, Undo: harness.Action{Kind: harness.CallMake, Call: "mend"}}

// planned is a plan of one step.
func planned(s harness.Step) []harness.Plan {
	return []harness.Plan{{Fault: harness.FaultSpec{Kind: "call.run"}, Steps: []harness.Step{s}}}
}

// armed is the driver of a run that may break something.
func armed(t *testing.T, f File, run string) *Driver {
	t.Helper()
	d := New(f, func(text string) string { return text })
	d.begin(harness.StartRequest{RunID: run})
	if _, err := d.Arm(t.Context(), planned(breaking)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Stop(context.Background()) })
	return d
}

func there(file string) bool { _, err := os.Stat(file); return err == nil }

// A fault is done and undone by its host, under a lease that keeps every other run away, and nothing is left there.
func TestActsUnderALease(t *testing.T) {
	f, file := touching(t, "30s")
	d := armed(t, f, "run-1")
	other := New(f, nil)
	other.begin(harness.StartRequest{RunID: "run-2"})
	var busy *lease.BusyError
	if _, err := other.Arm(t.Context(), planned(breaking)); !errors.As(err, &busy) {
		t.Errorf("a second run: %v", err)
	}
	must(t, d.Execute(t.Context(), breaking.Do))
	if !there(file) {
		t.Fatal("nothing is broken")
	}
	if err := d.Execute(t.Context(), breaking.Do); err == nil {
		t.Error("it is broken twice")
	}
	must(t, d.Execute(t.Context(), breaking.Undo))
	must(t, d.Execute(t.Context(), breaking.Undo))
	must(t, d.Stop(t.Context()))
	if there(file) || d.Lapsed() != "" || len(d.Released()) > 0 {
		t.Errorf("there %t, lapsed %q, released %v", there(file), d.Lapsed(), d.Released())
	}
	if _, err := other.Arm(t.Context(), planned(breaking)); err != nil {
		t.Errorf("a run after it: %v", err)
	}
	must(t, other.Stop(t.Context()))
}

// What no host could undo by itself is refused before anything is armed, and so is an act that outlasts its lease.
func TestActsThatNobodyWouldUndo(t *testing.T) {
	f, _ := touching(t, "30s")
	alone := harness.Step{Do: harness.Action{Kind: harness.CallMake, Call: "alone"}, Undo: harness.Action{Kind: harness.CallMake, Call: "mend"}}
	if err := New(f, nil).Leasable(planned(alone)); err == nil || !strings.Contains(err.Error(), "no host could undo it") {
		t.Errorf("a call that no host can make: %v", err)
	}
	if f, _ = touching(t, "15s"); New(f, nil).Leasable(planned(breaking)) == nil {
		t.Error("an act of 4 s under a lease of 15 s, of which three renewals and a round trip take 14")
	}
	f.Target.Metadata.Environment = harness.Production
	if can := New(f, nil).Can(); len(can) > 0 {
		t.Errorf("in production it can %v", can)
	}
}

// A run that was killed is undone by whoever comes, once it has been silent for two renewals; a second time there is nothing to do.
func TestActsOfARunThatWasKilled(t *testing.T) {
	f, file := touching(t, "30s")
	d := armed(t, f, "run-1")
	must(t, d.Execute(t.Context(), breaking.Do))
	d.held.stop() // nobody renews it any more, as after kill -9
	d.held.stopped.Wait()
	again := New(f, nil)
	again.begin(harness.StartRequest{RunID: "run-1"})
	l := &undostate.State{Open: []harness.UndoEntry{{State: "put", Fault: "call.run", Step: &breaking}}, Clock: harness.NewClock(), Record: &harness.Record{}}
	if err := again.undoOpen(t.Context(), l); err != nil || there(file) {
		t.Errorf("undone: %v, there %t, events %+v", err, there(file), l.Events)
	}
	if err := again.undoOpen(t.Context(), l); err != nil {
		t.Errorf("once more: %v", err)
	}
	must(t, exec.Command("rm", "-rf", fmt.Sprintf("/var/tmp/blackstart-%d/%s", os.Getuid(), f.Target.Metadata.Name)).Run())
	lost := New(f, nil)
	lost.begin(harness.StartRequest{RunID: "run-1"})
	if err := lost.undoOpen(t.Context(), l); err != nil { // the victim alone tells
		t.Errorf("on a host that has lost everything: %v", err)
	}
}

// What somebody else undoes is said, once; a lease that is taken away ends the drill.
func TestActsThatOthersUndo(t *testing.T) {
	f, file := touching(t, "30s")
	d := armed(t, f, "run-1")
	must(t, d.Execute(t.Context(), breaking.Do))
	one, err := d.callDeed("break")
	must(t, err)
	mark := strings.Trim(strings.Fields(one.entry.State)[2], "'")
	must(t, os.Remove(mark))
	var released []string
	for end := time.Now().Add(20 * time.Second); len(released) == 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		released = d.Released()
	}
	if len(released) != 1 || !strings.Contains(released[0], "break is unmade again") || len(d.Released()) > 0 {
		t.Errorf("released %v", released)
	}
	must(t, exec.Command("sh", fmt.Sprintf("/var/tmp/blackstart-%d/%s/lease.sh", os.Getuid(), f.Target.Metadata.Name), "abort").Run())
	for end := time.Now().Add(20 * time.Second); d.Lapsed() == "" && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
	}
	if d.Lapsed() == "" {
		t.Error("the lease was taken away, and nobody says so")
	}
	_ = os.Remove(file)
}

// Whatever a means does is taken back by an action that the driver carries out as an undo, under the name by which it was done.
func TestEveryActHasItsUndo(t *testing.T) {
	for _, k := range means.Means.All() {
		for _, act := range k.New().Acts() {
			undo := harness.UndoOf(act)
			d := New(File{Target: &target.Target{Means: []target.Means{{Name: "m", Means: k.Name, On: []string{"x"}, Host: "h"}}}}, nil)
			if undo == "" || !d.undoes(undo) || d.undoes(act) || d.hostFor(undo, "x") != "h" {
				t.Errorf("%s: %s is undone by %q", k.Name, act, undo)
			}
			if can := d.Can(); len(can) < 2 {
				t.Errorf("%s: it can %v", k.Name, can)
			}
		}
	}
}

// Who stands in for whom is told by the links of the file: another cluster of the same kind leads in nobody's place.
func TestWhoStandsIn(t *testing.T) {
	d := New(File{Target: &target.Target{Components: []target.Component{{Name: "a1", Kind: "postgres"}, {Name: "a2", Kind: "postgres"}, {Name: "a3", Kind: "postgres"},
		{Name: "b1", Kind: "postgres"}, {Name: "b2", Kind: "postgres"}, {Name: "api", Kind: "http"}, {Name: "cache", Kind: "redis"}, {Name: "copy", Kind: "redis"}},
		Links: []target.Link{{From: "a2", To: "a1"}, {From: "a3", To: "a2"}, {From: "b2", To: "b1"}, {From: "api", To: "a1"}, {From: "api", To: "b1"}}}}, nil)
	for name, want := range map[string]string{"a1": "a2 a3", "a3": "a1 a2", "b1": "b2", "cache": "copy"} {
		var got []string
		for _, c := range d.standsIn(name) {
			got = append(got, c.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("in place of %s: %v, want %s", name, got, want)
		}
	}
}

// What its means says does not run takes no writes, whatever else could be asked.
func TestWhatDoesNotRunRefusesWrites(t *testing.T) {
	f, _ := touching(t, "90s")
	dir := t.TempDir()
	f.Target.Components = append(f.Target.Components, target.Component{Name: "east.db", Kind: "postgres", Region: "east", Address: "127.0.0.1", Port: 1})
	f.Target.Means = []target.Means{{Name: "db", Means: "process.pidfile", On: []string{"east.db"}, Host: "here",
		With: map[string]any{"pidfile": filepath.Join(dir, "pid"), "program": "/usr/bin/sleep", "start": []any{"/usr/bin/sleep", "60"}}}}
	d := New(f, nil)
	if refuses, err := d.RefusesWrites(t.Context(), "east.db"); !refuses || err != nil {
		t.Errorf("one that is down: %t, %v", refuses, err)
	}
	cmd := exec.Command("/usr/bin/sleep", "60")
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	must(t, os.WriteFile(filepath.Join(dir, "pid"), []byte(fmt.Sprintln(cmd.Process.Pid)), 0o600))
	if refuses, err := d.RefusesWrites(t.Context(), "east.db"); refuses || err == nil {
		t.Errorf("one that runs, and that nobody is attached to: %t, %v", refuses, err)
	}
}
