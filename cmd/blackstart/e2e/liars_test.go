package e2e

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
)

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
  - {id: rto, measure: rto, load: orders, cohort: fresh, atMost: 7s, source: plan}
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
	if l := rec.Ledger; !l.OldRead || !strings.Contains(l.OldBasis, "east.db says itself that its sessions are read-only by default; a write of ours to blackstart.heartbeat was refused") || l.OldOnly != truth || len(rec.People) != 3 || rec.People[0].DoneBy != whoSays || rec.People[0].BegunBy != whoSays {
		t.Errorf("%+v, people %+v", l, rec.People)
	}
	if w := rec.Ledger.WAL; w.Tool != "pg_walinspect" || w.Commits != truth || w.Listed != truth || rec.Ledger.WALDetail != "" {
		t.Errorf("%d are gone, and the old primary's log tells of %+v, %s", truth, w, rec.Ledger.WALDetail)
	}
	judgedAlone(t, b, rec)
	b.accepted(t, "lost")
	stranger(t, b, "lost")
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
	if a, b := d.service.echoed[0].Load(), d.service.echoed[1].Load(); look.read < 100 || a == 0 || b == 0 {
		d.t.Errorf("%d texts were looked at; the service repeated its secrets %d and %d times", look.read, a, b)
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

// TestAnOldPrimaryThatSaysItTakesNoWrites: after the failover the old primary says that its sessions are read-only, and one of them writes all the same. That is two
// databases that lead: nobody is told that the drill is over, and what the old one holds is not taken for what was left behind. Once the session ends, an undo sees it.
func TestAnOldPrimaryThatSaysItTakesNoWrites(t *testing.T) {
	d, b := newDesk(t), newBox(t)
	b.env = append(b.env, headerVariable+"="+d.secrets.header)
	end := func() {}
	d.then = map[string]func() error{taskHeal: func() error { d.then = nil; end = d.writesOnEast(); return nil }}
	scenario := d.drillOf("two-lead", "OBJECTIVES", `  - {id: lost, measure: rpo.lost, load: ledger, atMost: 1000, source: plan}
`, "UNDOWITHIN", "5s", "OBSERVE", "4s")
	dir := t.TempDir()
	stop := d.inDirectory(dir)
	o := b.begin(t, "", nil, scenario, "--target", d.describe(nil, ""), "--people", "dir:"+dir).ended(t)
	stop()
	first := o.firstLine()
	if !strings.HasPrefix(first, "UNDO INCOMPLETE: act now: the undo is not complete: person.act failed: ") ||
		!strings.Contains(first, "2 databases take writes: east.db (its sessions are read-only by default, and ") || o.exit != harness.ExitUndo {
		t.Errorf("exit %d: %s\n%s", o.exit, first, o.stderr)
	}
	rec := readRecord(t, b, "two-lead")
	if l := rec.Ledger; !l.Promoted || !l.Read || l.OldRead || l.OldBasis != "" || !strings.HasPrefix(l.OldDetail, "client side only: east.db takes writes: its sessions are read-only by default, and ") {
		t.Errorf("%+v", l)
	}
	if said := d.service.chat(); !strings.Contains(o.stderr, "people are not told that the drill is over") || strings.Contains(said, "over") {
		t.Errorf("people were told: %s\n%s", said, o.stderr)
	}
	if o := b.run(t, "undo"); o.exit != harness.ExitUndo || !strings.Contains(o.stdout+o.stderr, taskHeal) {
		t.Errorf("while it writes, undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	if o := b.run(t, "undo", "--given-up", "nobody says why"); o.exit != harness.ExitUsage {
		t.Errorf("given up without a reason: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	kept := t.TempDir() + "/state"
	must(t, exec.Command("cp", "-a", b.state, kept).Run())
	if o := b.run(t, "undo", "--given-up", "Ann Operator: the machine was rebuilt"); o.exit != harness.ExitUndo || !strings.Contains(o.stderr, "given up by Ann Operator: the machine was rebuilt") {
		t.Errorf("given up: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	if o := b.run(t, "undo"); o.exit != harness.ExitPass || !strings.Contains(o.stdout, "nothing to undo") {
		t.Errorf("after it was given up: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	must(t, os.RemoveAll(b.state))
	must(t, exec.Command("cp", "-a", kept, b.state).Run())
	end()
	if o := b.run(t, "undo"); o.exit != harness.ExitPass || !strings.Contains(o.stdout, "fault.manual is over: seen from the victim's side") {
		t.Errorf("undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
}

// writesOnEast is a program of the firm that writes to the old primary whatever that says of its sessions, until it is stopped.
func (d *desk) writesOnEast() (stop func()) {
	conn, done, err := d.connect(d.east)
	must(d.t, err)
	_, err = conn.Exec(context.Background(), "SET default_transaction_read_only = off")
	must(d.t, err)
	n := 0
	working := d.working(func() error {
		n++
		_, err := conn.Exec(context.Background(), "INSERT INTO orders VALUES ($1)", fmt.Sprintf("rogue-%d", n))
		return err
	})
	return func() { working(); done() }
}
