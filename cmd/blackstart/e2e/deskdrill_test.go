package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deskDrill is the drill of the firm: its people cut the primary database off, promote the standby, and let the primary be reached again.
const deskDrill = `apiVersion: blackstart/v1
kind: Scenario
metadata: {name: NAME, title: The primary database is cut off, why: Whoever says that all is well may be wrong, covers: [], doesNotShow: [failback]}
target: {needs: [postgres.primary, postgres.standby, entrypoint.https]}
load:
  - {id: orders, workload: http.request, place: outside, rate: 20/s, timeout: 1s, with: {method: POST, path: /orders, headers: [{name: Content-Type, value: application/json}], body: '{"id":"{uuid}"}', pointer: /id, is: "{uuid}"}}
  - {id: ledger, workload: postgres.ledger, place: outside, rate: 100/s, timeout: 500ms, with: {amount: "100.00", currency: USD}}
  - {id: edge, workload: metronome, place: outside, rate: 50/s, timeout: 1s}
steadyState: {for: 2s, require: [{load: orders, successAtLeast: 95%}, {load: ledger, successAtLeast: 95%}REQUIRE]}
faults:
  - id: loss
    at: 0s
    kind: fault.manual
    on: primary
    with:
      do: ` + taskCut + `
      by: operator on duty
      takes: 1s
      inForce: [{check: link.silent, of: postgres}]
      undo: ` + taskHeal + `
      undoWithin: UNDOWITHIN
      restored: [RESTORED]
    startsClock: true
    confirmWithin: 10s
recovery: {by: runbook, steps: [{at: 500ms, name: promote, do: "` + taskPromote + `", by: duty manager, takes: 1s, within: 20s}]}
recovered: {window: 2s, minRequests: 20, successAtLeast: 95%, p99AtMost: 900ms}
objectives:
OBJECTIVES
observe: OBSERVE
settle: 1s
guards: [GUARDS]
`

// drillOf writes the firm's drill after changes, in pairs of what is replaced by what; what is not replaced has its usual value.
func (d *desk) drillOf(name string, changes ...string) (file string) {
	d.t.Helper()
	usual := []string{"NAME", name, "UNDOWITHIN", "20s", "RESTORED", "{check: link.answers, of: postgres}, {check: primary.alone, of: postgres}", "OBSERVE", "9s", "REQUIRE", "", "GUARDS", ""}
	text := strings.NewReplacer(append(changes, usual...)...).Replace(deskDrill)
	file = filepath.Join(d.dir, name+".yaml")
	must(d.t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// begun is a drill that runs.
type begun struct {
	out    *strings.Builder
	said   *watcher
	exited chan struct{}
	pid    int
	exit   func() int
}

// begin starts a run; what it says may be waited for.
func (b box) begin(t *testing.T, want string, stdin *os.File, args ...string) begun {
	t.Helper()
	cmd := b.command(t.Context(), append([]string{"run", "--out", b.out}, args...)...)
	r := begun{out: &strings.Builder{}, said: newWatcher(want), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr, cmd.Stdin = r.out, r.said, stdin
	must(t, cmd.Start())
	r.pid, r.exit = cmd.Process.Pid, func() int { return cmd.ProcessState.ExitCode() }
	go func() { _ = cmd.Wait(); close(r.exited) }() // the exit code tells
	t.Cleanup(func() {
		select {
		case <-r.exited:
		default:
			_ = cmd.Process.Signal(syscall.SIGKILL)
			<-r.exited
		}
	})
	return r
}

// ended waits for the end of the drill.
func (r begun) ended(t *testing.T) outcome {
	t.Helper()
	select {
	case <-r.exited:
	case <-time.After(drillLimit):
		t.Fatalf("not done after %s\n%s", drillLimit, r.said.text())
	}
	return outcome{r.exit(), r.out.String(), r.said.text()}
}
