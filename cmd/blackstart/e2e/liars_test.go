package e2e

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
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

// TestTheDeskWorks: the firm's drill passes where nobody lies: else nothing that follows shows anything.
func TestTheDeskWorks(t *testing.T) {
	d, b := newDesk(t), newBox(t)
	b.env = append(b.env, headerVariable+"="+d.secrets.header)
	scenario := d.drillOf("honest", "OBJECTIVES", `  - {id: rto, measure: rto, load: orders, cohort: fresh, atMost: 5s, source: "the firm's plan"}
  - {id: lost, measure: rpo.lost, load: ledger, atMost: 0, source: "the firm's plan"}`)
	dir := t.TempDir()
	defer d.inDirectory(dir)()
	o := b.begin(t, "", nil, scenario, "--target", d.describe(nil, ""), "--people", "dir:"+dir).ended(t)
	if o.exit != harness.ExitPass {
		t.Fatalf("exit %d: %s\n%s", o.exit, o.firstLine(), o.stderr)
	}
	t.Log(o.firstLine())
}

// What becomes of the alerts on each channel of the firm. An objective calls a channel by one of these names, whatever kind it is of.
const (
	again     = "pagerduty"    // one alert, twice
	two       = "slack"        // two alerts that are not the same
	late      = "smtp"         // one, after the time that its objective gives it
	after     = "statuspage"   // one, when the drill is over
	other     = "webhook"      // one, of another class
	seenState = "alertmanager" // one, that is seen and not received
)

// TestLostWritesAndAlertsThatLie: a drill with everything on. Acknowledged writes are gone after the failover and are counted exactly; of alerts that come twice, late,
// after the end, or of another class, none makes a pass that is not one; people on a page are heard, and told once when it begins and once when it is over; and
// nothing shows a secret of the target.
func TestLostWritesAndAlertsThatLie(t *testing.T) {
	d, b := newDesk(t), newBox(t)
	d.lose = 40
	b.env = append(b.env, headerVariable+"="+d.secrets.header)
	d.service.echoes.Store(true)
	am := newAlertmanager(t)
	file := d.describe([]channel{
		{again, `{by: dedup, pattern: "orders-.*"}`}, {two, "{by: label, label: service, value: orders}"}, {late, "{by: nonce}"}, {after, "{by: nonce}"}, {other, "{by: first, class: disk}"},
	}, `  - {name: `+seenState+`, channel: alertmanager.alerts, every: 1s, correlate: {by: label, label: service, value: orders}, with: {url: "`+am.url+`", headers: [{name: Authorization, secret: {exec: [DIR/vault, bearer]}}]}}
`)
	objectives := `  - {id: lost, measure: rpo.lost, load: ledger, atMost: 0, source: plan}
  - {id: value, measure: rpo.value, load: ledger, atMost: "1.00", source: plan}
  - {id: decided, measure: decision, is: failed-over, source: plan}
`
	for name, bound := range map[string]string{again: "6s", two: "6s", late: "500ms", after: "6s", other: "6s", seenState: "7s"} {
		objectives += "  - {id: " + name + ", measure: alert.received, channel: " + name + ", atMost: " + bound + ", source: plan}\n"
	}
	scenario := d.drillOf("lost", "OBJECTIVES", objectives, "OBSERVE", "10s",
		"REQUIRE", ", {probe: queue, atMost: 5}, {probe: certificate, atLeast: 30}, {probe: port, atLeast: 1}, {probe: age, atMost: 5s}, {probe: failing, atMost: 1%}",
		"GUARDS", "{probe: served, failingFor: 20s}, {probe: taken, atMost: 1000000, forLonger: 5s}, {probe: age, atMost: 20s, forLonger: 5s}, {probe: http.health, region: standby, failingFor: 20s}")
	d.then = map[string]func() error{taskCut: func() error { return d.alarms(am) }, taskHeal: func() error { return d.alarm(after, "orders-9", "cpu", "too late") }}
	r := b.begin(t, "people are asked at ", nil, scenario, "--target", file, "--people", "http://127.0.0.1:0", "--keep-state")
	defer d.onPage(r.said)()
	seen, stop := d.sample(r.pid)
	o := r.ended(t)
	stop()
	truth := d.onlyOld()
	rec := readRecord(t, b, "lost")
	if o.exit != harness.ExitFail || !strings.HasPrefix(o.firstLine(), fmt.Sprintf("FAIL: lost: %d, objective 0 (plan); value: %d00.00, objective 1.00", truth, truth)) || truth < d.lose {
		t.Fatalf("exit %d, %d are gone: %s\n%s", o.exit, truth, o.firstLine(), o.stderr)
	}
	if l := rec.Ledger; !l.OldRead || l.OldOnly != truth || len(rec.People) != 3 || rec.People[0].DoneBy != whoSays || rec.People[0].BegunBy != whoSays {
		t.Errorf("%+v, people %+v", l, rec.People)
	}
	judgedAlone(t, b, rec)
	d.toldTwice()
	d.nothingShows(b, o, seen, regexp.MustCompile(`http://127.0.0.1:\d+/(\S+)`).FindStringSubmatch(o.stderr)[1])
}

// judgedAlone judges the drill by one alert at a time: by the record alone, with the losses taken as they are.
func judgedAlone(t *testing.T, b box, rec harness.Record) {
	t.Helper()
	z, err := zip.OpenReader(b.pack("lost"))
	must(t, err)
	defer z.Close() //nolint:errcheck // it was read
	base, _, _ := strings.Cut(z.File[0].Name, "/")
	files, err := fs.Sub(z, base)
	must(t, err)
	all := rec.Scenario.Objectives
	for name, want := range map[string]struct {
		exit int
		says string
	}{
		again:     {harness.ExitPass, "alert"},
		two:       {harness.ExitInconclusive, "two alerts could be this drill's: disk orders-1 (orders are refused), and disk orders-2 (the database is gone)"},
		late:      {harness.ExitFail, "s, objective 500 ms (plan)"},
		after:     {harness.ExitFail, "not received: at least 10 s, objective 6 s"},
		other:     {harness.ExitFail, "not received: at least 10 s, objective 6 s"},
		seenState: {harness.ExitPass, "alert, state seen"},
	} {
		rec.Scenario.Objectives = nil
		for _, o := range all {
			if o.ID == "lost" {
				o.AtMost = "100000"
			}
			if o.ID == "lost" || o.ID == name {
				rec.Scenario.Objectives = append(rec.Scenario.Objectives, o)
			}
		}
		f, err := measure.Judge(&rec, measure.Files(files, &rec))
		if err != nil || f.Exit != want.exit || !strings.Contains(f.Reason, want.says) {
			t.Errorf("%s alone: exit %d, want %d: %s %v", name, f.Exit, want.exit, f.Reason, err)
		}
	}
}

// toldTwice: people are told before anything is loaded and when everything is undone, each once.
func (d *desk) toldTwice() {
	d.t.Helper()
	said := strings.Split(d.service.chat(), "\n")
	if len(said) != 2 || !strings.HasPrefix(said[0], "0 ") || !strings.Contains(said[0], "A drill begins: ") || !strings.Contains(said[1], "The drill is over: ") ||
		!strings.HasPrefix(said[1], fmt.Sprintf("%d ", d.service.takes())) || d.service.takes() < 50 {
		d.t.Errorf("people were told, after so many orders: %q, of %d", said, d.service.takes())
	}
}

// nothingShows looks for each secret of the firm, and that of the page, in all that the drill has left, printed, or shown to others.
func (d *desk) nothingShows(b box, o outcome, seen *sampler, page string) {
	d.t.Helper()
	look := newSearch(d.t, d.secrets.planted())
	for _, dir := range []string{b.state, b.out} {
		look.inFiles(dir)
	}
	look.in("stdout", []byte(o.stdout))
	look.in("stderr", []byte(o.stderr))
	seen.in(look, "header of the entry")
	for _, log := range []string{d.east.Log, d.west.Log} {
		text, err := os.ReadFile(log)
		must(d.t, err)
		if !strings.Contains(string(text), "INSERT INTO blackstart.ledger") {
			d.t.Errorf("%s does not show what we ask", log)
		}
		look.in(log, text)
	}
	if look.read < 100 {
		d.t.Errorf("only %d texts were looked at", look.read)
	}
	kept := newSearch(d.t, map[string]string{"address of the page": page}) // it was shown on the screen, for those who need it
	for _, dir := range []string{b.state, b.out} {
		kept.inFiles(dir)
	}
}

// alarm sends one alert to a channel of the drill.
func (d *desk) alarm(channel, incident, class, summary string) error {
	status, err := d.service.page(d.listens[channel], d.secrets.page, incident, class, summary)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answers %d", channel, status)
	}
	return err
}

// alarms are those of the firm's alerting when the database is gone.
func (d *desk) alarms(am alertmanager) error {
	time.AfterFunc(2*time.Second, func() {
		if err := d.alarm(late, "orders-1", "disk", "orders are refused"); err != nil {
			d.t.Errorf("%s: %v", late, err)
		}
	})
	return errors.Join(d.alarm(again, "orders-1", "disk", "orders are refused"), d.alarm(again, "orders-1", "disk", "orders are still refused, with the key "+d.secrets.header+" "+d.secrets.page),
		d.alarm(two, "orders-1", "disk", "orders are refused"), d.alarm(two, "orders-2", "disk", "the database is gone"),
		d.alarm(other, "orders-1", "cpu", "a processor is hot"), am.fire(map[string]string{"alertname": "OrdersRefused", "service": "orders"}))
}

// TestAServiceThatAnswersFromACache: after the failover the service says 200, and what it said to another order before. It is no service, and is never taken for
// one: neither by its clients, nor by the probe that reads how old its data are. People sit at the terminal of the run.
func TestAServiceThatAnswersFromACache(t *testing.T) {
	d, b := newDesk(t), newBox(t)
	b.env = append(b.env, headerVariable+"="+d.secrets.header)
	d.then = map[string]func() error{taskPromote: func() error { d.service.lie(true, true); return nil }}
	file := d.describe(nil, "")
	objectives := `  - {id: rto, measure: rto, load: orders, cohort: fresh, atMost: 5s, source: plan}
`
	d.service.lie(false, true)
	o := b.run(t, "run", d.drillOf("aged", "OBJECTIVES", objectives, "REQUIRE", ", {probe: age, atMost: 1s}"), "--target", file, "--people", "dir:"+t.TempDir(), "--out", b.out)
	if first := o.firstLine(); o.exit != harness.ExitInconclusive || !strings.Contains(first, "the steady state did not hold, nothing was broken: baseline: the steady state did not hold: probe age on desk.api: ") ||
		!regexp.MustCompile(`: [1-9]\d*\.\d+s, want at most 1s`).MatchString(first) {
		t.Errorf("exit %d: %s\n%s", o.exit, first, o.stderr)
	}
	d.service.lie(false, false)
	keyboard, screen, err := openTerminal()
	must(t, err)
	defer keyboard.Close() //nolint:errcheck // a terminal
	r := b.begin(t, "", screen, d.drillOf("cached", "OBJECTIVES", objectives, "OBSERVE", "8s"), "--target", file, "--people", "terminal")
	must(t, screen.Close())
	defer d.atTerminal(r.said, keyboard)()
	o = r.ended(t)
	if first := o.firstLine(); o.exit != harness.ExitFail || !strings.HasPrefix(first, "FAIL: rto: not recovered: at least ") || !strings.Contains(first, "clients saw: wrong answers (100%), though answers of any kind came again") {
		t.Errorf("exit %d: %s\n%s", o.exit, first, o.stderr)
	}
	if rec := readRecord(t, b, "cached"); len(rec.People) != 3 || rec.People[2].DoneBy != whoSays || !rec.People[2].Task.Undoing {
		t.Errorf("people %+v", rec.People)
	}
}
