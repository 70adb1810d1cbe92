package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/internal/untouched"
)

// watchedTarget is a system of somebody else's with a service that counts what it is sent, by method.
type watchedTarget struct {
	file, scenario, out string
	east                *postgres.Cluster
	dirs                []string // data directories

	mu   sync.Mutex // guards sent
	sent map[string]int
}

const watchedScenario = `apiVersion: blackstart/v1
kind: Scenario
metadata: {name: watched, title: The standby is lost, why: It is looked at before it is drilled, covers: [], doesNotShow: [recovery]}
target: {needs: [postgres.primary, postgres.standby]}
load:
  - {id: reads, workload: http.request, place: outside, rate: 20/s, timeout: 2s}
  - {id: edge, workload: metronome, place: outside, rate: 20/s, timeout: 2s}
  - {id: orders, workload: http.request, place: outside, rate: 20/s, timeout: 2s, with: {method: POST, path: /orders, body: '{}'}}
  - {id: ledger, workload: postgres.ledger, place: outside, rate: 50/s, timeout: 1s, with: {amount: "100.00", currency: USD}}
probes:
  - {id: served, probe: http.get, on: entry, every: 1s}
  - {id: tables, probe: sql.query, on: east.db, every: 1s, with: {query: SELECT count(*) FROM pg_class}}
steadyState:
  for: 2s
  require: [{load: reads, successAtLeast: 99%}, {load: ledger, successAtLeast: 95%}, {probe: replication.heartbeat, ageAtMost: 2s}, {probe: tables, atLeast: "10"}]
faults:
  - id: loss
    at: 0s
    kind: fault.manual
    on: standby
    with:
      do: stop the standby
      by: DBA on duty
      inForce: [{check: receiver.gone, of: postgres, in: standby}]
      undo: start the standby
      undoWithin: 1m
      restored: [{check: receiver.streams, of: postgres, in: standby}]
    startsClock: true
recovery: {by: runbook, steps: [{at: 1s, name: decide, do: decide whether to fail over, by: duty manager, within: 1m}]}
recovered: {window: 1s, minRequests: 10, successAtLeast: 95%, p99AtMost: 1s}
objectives:
  - {id: back, measure: rto, load: reads, cohort: fresh, atMost: 2s, source: BCP 4.2}
  - {id: lost, measure: rpo.lost, load: ledger, atMost: 0, source: BCP 4.2}
observe: 4s
settle: 1s
guards: [{probe: served, failingFor: 2s}]
`

// announcing is what the file allows of people: it writes nothing.
const announcing = "allows: [{announce: everybody}"

// newWatched starts one. Of its file the allows are what is given.
func newWatched(t *testing.T, allows string) *watchedTarget {
	t.Helper()
	w := &watchedTarget{out: t.TempDir(), sent: map[string]int{}}
	w.file, w.east, _ = theirs(t)
	w.dirs = []string{w.east.DataDir(), filepath.Join(filepath.Dir(w.east.Dir), "west", "data")}
	l, err := net.Listen("tcp", theirHost+":0")
	if err != nil {
		t.Fatal(err)
	}
	service := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent[r.Method+" "+r.URL.Path]++
	})}
	go func() { _ = service.Serve(l) }()
	t.Cleanup(func() { service.Close() })
	data, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(data), "allows:")
	text += allows + fmt.Sprintf("entry: {url: 'http://%s/', resolver: system}\n", l.Addr()) +
		"calls: [{name: room, call: http, timeout: 5s, with: {method: POST, url: 'http://" + l.Addr().String() + "/room'}}]\nannounce: [{name: everybody, call: room}]\n"
	w.scenario = filepath.Join(t.TempDir(), "watched.yaml")
	for path, text := range map[string]string{w.file: text, w.scenario: watchedScenario} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	var printed bytes.Buffer
	for end := time.Now().Add(20 * time.Second); execute(t.Context(), []string{"target", "check", w.file}, &printed, io.Discard) != 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) { // the standby replays what the DBA did
			t.Fatalf("the target does not work\n%s", &printed)
		}
		printed.Reset()
	}
	return w
}

// observed runs the observation, and reads what its pack says.
func (w *watchedTarget) observed(t *testing.T) (res result, rec harness.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var printed, said bytes.Buffer
	exit := execute(ctx, []string{"run", w.scenario, "--target", w.file, "--out", w.out, "--executor", "A Tester", "--observe-only", "--json"}, &printed, &said)
	if err := json.Unmarshal(printed.Bytes(), &res); err != nil || exit != harness.ExitInconclusive {
		t.Fatalf("exit %d, %v\n%s%s", exit, err, &printed, &said)
	}
	p, err := seal.Open(res.Pack)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	data, err := p.ReadFile("data/record.json")
	if err == nil {
		err = json.Unmarshal(data, &rec)
	}
	if err != nil {
		t.Fatal(err)
	}
	return res, rec
}

// verified is what verify says of the pack, with more arguments.
func (w *watchedTarget) verified(t *testing.T, more ...string) (exit int, printed string) {
	t.Helper()
	var out bytes.Buffer
	exit = execute(t.Context(), append([]string{"verify", filepath.Join(w.out, "watched.zip"), "--recompute", "--root", filepath.Join(w.out, "watched.root.pem")}, more...), &out, &out)
	return exit, out.String()
}

// left lists what was left out, in words without reasons.
func left(rec harness.Record) (all []string) {
	for _, l := range rec.ObserveOnly.LeftOut {
		all = append(all, strings.TrimSpace(l.What+" "+l.Name+" "+l.Kind))
	}
	return all
}

// idle waits until the databases and their files stand still.
func (w *watchedTarget) idle(t *testing.T) map[string]string {
	t.Helper()
	owner, err := w.east.ConnectTo(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"VACUUM", "CHECKPOINT", "CHECKPOINT"} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	owner.Close(t.Context())
	// The standby writes down what it got, and once, within 15 s and as long as it sleeps (10 s), the primary's background writer which transactions run.
	const snapshots = 27 * time.Second
	for end := time.Now().Add(2 * time.Minute); ; {
		before := w.state(t)
		time.Sleep(snapshots)
		if after := w.state(t); maps.Equal(before, after) {
			return after
		}
		if time.Now().After(end) {
			t.Skip("the databases are not idle")
		}
	}
}

// state is all of the system and of this machine that a visitor could change.
func (w *watchedTarget) state(t *testing.T) map[string]string {
	t.Helper()
	owner, err := w.east.ConnectTo(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	all, err := untouched.Database(t.Context(), owner, w.dirs...)
	owner.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) { // our own session is still ending
		now := untouched.Machine(postmasters(t, w.dirs)...)
		if !strings.Contains(fmt.Sprint(now), theirHost+"(") || time.Now().After(end) {
			maps.Copy(all, now)
			return all
		}
	}
}

// postmasters are the first processes of databases.
func postmasters(t *testing.T, dirs []string) (pids []int) {
	t.Helper()
	for _, dir := range dirs {
		data, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
		pid := 0
		if _, scanErr := fmt.Sscan(string(data), &pid); err != nil || scanErr != nil {
			t.Fatal(err, scanErr)
		}
		pids = append(pids, pid)
	}
	return pids
}

// TestAnObservationLeavesNothingBehind: with a scenario whose loads and probes want to write and a file that allows nothing, the system
// is byte for byte as it was, and the pack says what was left out, that nothing was broken, and that it passes nothing.
func TestAnObservationLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two observations")
	}
	w := newWatched(t, announcing+"]\n")
	w.observed(t) // hint bits of what was just written
	before := w.idle(t)
	res, rec := w.observed(t)
	time.Sleep(1200 * time.Millisecond) // statistics are told within a second
	after := w.state(t)
	for key, v := range after {
		if before[key] != v {
			t.Errorf("%s was %q and is %q", key, before[key], v)
		}
	}
	if len(before) != len(after) || len(before) < 100 {
		t.Errorf("%d things before, %d after", len(before), len(after))
	}
	want := []string{"fault loss fault.manual", "step decide", "load orders http.request", "load ledger postgres.ledger", "announce everybody",
		"probe  postgres.writable", "probe  replication.heartbeat"}
	if got := left(rec); !slices.Equal(got, want) {
		t.Errorf("left out: %q, want %q", got, want)
	}
	if w.sent["GET /"] < 200 || len(w.sent) != 1 {
		t.Errorf("the service was sent %v", w.sent)
	}
	if len(rec.Faults)+len(rec.People) != 0 || len(rec.Streams) != 2 || len(rec.Probes) < 3 || rec.Observation.Hi.Sub(rec.Observation.Lo) < 4*time.Second {
		t.Errorf("%d faults, %d tasks, %d streams, %d probes, observed for %s", len(rec.Faults), len(rec.People), len(rec.Streams), len(rec.Probes), rec.Observation.Hi.Sub(rec.Observation.Lo))
	}
	f := res.Findings
	if !strings.HasPrefix(f.Reason, "INCONCLUSIVE: observed only: baseline.load.ledger: left out: ") || f.Verdict != harness.Inconclusive {
		t.Errorf("%s, %s", f.Verdict, f.Reason)
	}
	for _, o := range f.Objectives {
		if o.Measured.Known || o.Verdict != harness.Inconclusive {
			t.Errorf("%s has a value: %+v", o.Objective.ID, o)
		}
	}
	if exit, out := w.verified(t); exit != 0 {
		t.Errorf("verify: exit %d\n%s", exit, out)
	}
	if exit, out := w.verified(t, "--require-pass"); exit == 0 {
		t.Errorf("an observation passes\n%s", out)
	}
	if owner, err := w.east.Connect(t.Context()); err != nil { // the comparison can fail
		t.Error(err)
	} else if _, err := owner.Exec(t.Context(), "INSERT INTO blackstart.heartbeat VALUES (99, now())"); err != nil || maps.Equal(after, w.state(t)) {
		t.Errorf("a row more changes nothing: the comparison sees nothing (%v)", err)
	}
}

// TestAnObservationWritesWhatIsAllowed: where the file allows rows of the ledger and the heartbeat they are written, and nothing else is.
func TestAnObservationWritesWhatIsAllowed(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an observation")
	}
	w := newWatched(t, announcing+", {write: ledger, on: east.db}, {write: ledger, on: west.db}, {write: heartbeat, on: east.db}, {write: heartbeat, on: west.db}]\n")
	res, rec := w.observed(t)
	if got := left(rec); !slices.Equal(got, []string{"fault loss fault.manual", "step decide", "load orders http.request", "announce everybody"}) {
		t.Errorf("left out: %q", got)
	}
	owner, err := w.east.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	var rows, beats int
	if err := owner.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM blackstart.ledger), (SELECT count(*) FROM blackstart.heartbeat)").Scan(&rows, &beats); err != nil || rows < 100 || beats < 1 {
		t.Errorf("%d rows, %d heartbeats, %v", rows, beats, err)
	}
	if len(w.sent) != 1 || w.sent["GET /"] == 0 {
		t.Errorf("the service was sent %v", w.sent)
	}
	if want := "INCONCLUSIVE: observed only: nothing was broken, so this is no drill and passes nothing; the steady state held"; !strings.HasPrefix(res.Findings.Reason, want) {
		t.Errorf("%s", res.Findings.Reason)
	}
	if len(res.Findings.Ledger) == 0 || !rec.Ledger.Read {
		t.Errorf("the ledger was not read: %+v", rec.Ledger)
	}
	if exit, out := w.verified(t); exit != 0 {
		t.Errorf("verify: exit %d\n%s", exit, out)
	}
}

// TestPlanOfAnObservation: a plan says what is left out, a rehearsal target is not observed, and what is wrong with a scenario is refused
// as it is for a drill.
func TestPlanOfAnObservation(t *testing.T) {
	w := newWatched(t, announcing+"]\n")
	var out, errs bytes.Buffer
	if exit := execute(t.Context(), []string{"plan", w.scenario, "--target", w.file, "--observe-only"}, &out, &errs); exit != 0 {
		t.Fatalf("exit %d %s", exit, &errs)
	}
	for _, say := range []string{"observed only: nothing is broken", "load ledger (postgres.ledger): it writes there, and allows does not list", "fault loss (fault.manual): nothing", "nothing was started or touched"} {
		if !strings.Contains(out.String(), say) {
			t.Errorf("the plan does not say %q\n%s", say, &out)
		}
	}
	if strings.Contains(out.String(), "load reads (") || strings.Contains(out.String(), "objectives") {
		t.Errorf("%s", &out)
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte(strings.Replace(watchedScenario, "kind: fault.manual", "kind: region.kill", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		exit int
	}{
		{[]string{"validate", w.scenario, "--target", w.file}, harness.ExitUsage}, // as a drill it would write
		{[]string{"validate", w.scenario, "--target", w.file, "--observe-only"}, 0},
		{[]string{"validate", broken, "--target", w.file, "--observe-only"}, harness.ExitUsage},
		{[]string{"run", w.scenario, "--observe-only", "--out", w.out}, harness.ExitUsage},
		{[]string{"run", w.scenario, "--target", w.file, "--observe-only", "--people", "terminal", "--out", w.out}, harness.ExitUsage},
	} {
		if exit := execute(t.Context(), c.args, io.Discard, io.Discard); exit != c.exit {
			t.Errorf("%v: exit %d, want %d", c.args, exit, c.exit)
		}
	}
}
