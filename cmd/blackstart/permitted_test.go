package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/target"
	"blackstart/harness/targets/external"
)

// A drill is refused outside its change window, where the window would shut before its end, and without the ticket that its owner wants.
func TestPermitted(t *testing.T) {
	weekdays := &target.Window{Zone: "America/New_York", Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: "18:00", To: "22:00"}
	short := harness.Scenario{Observe: harness.Duration(10 * time.Minute)}
	twoHours := &harness.PersonTask{Within: harness.Duration(time.Hour)}
	people := []harness.Plan{{Steps: []harness.Step{{Do: harness.Action{Person: twoHours}, Undo: harness.Action{Person: twoHours}}}}}
	decided := harness.Scenario{Recovery: harness.Recovery{Steps: []harness.RecoveryStep{{Do: "decide", Within: harness.Duration(2 * time.Hour)}}}}
	at := func(text string) time.Time {
		now, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	monday := at("2026-11-30T23:30:00Z") // 18:30 in New York
	for _, c := range []struct {
		name   string
		limits target.Limits
		s      harness.Scenario
		plans  []harness.Plan
		ticket string
		now    time.Time
		want   string // "": allowed
	}{
		{"no limits", target.Limits{}, short, nil, "", monday, ""},
		{"open", target.Limits{ChangeWindow: weekdays}, short, nil, "", monday, ""},
		{"shut", target.Limits{ChangeWindow: weekdays}, short, nil, "", at("2026-11-30T20:00:00Z"), "is shut; opens Mon 2026-11-30 18:00 EST"},
		{"a weekend", target.Limits{ChangeWindow: weekdays}, short, nil, "", at("2026-11-28T23:30:00Z"), "is shut; opens Mon"},
		{"it shuts before the end", target.Limits{ChangeWindow: weekdays}, short, nil, "", at("2026-12-01T02:55:00Z"), "would last until"},
		{"people may take longer than it is open, there and back", target.Limits{ChangeWindow: weekdays}, short, people, "", at("2026-12-01T01:30:00Z"), "would last until"},
		{"a step of people may", target.Limits{ChangeWindow: weekdays}, decided, nil, "", at("2026-12-01T01:30:00Z"), "would last until"},
		{"a ticket", target.Limits{Ticket: `CHG-\d{4}`}, short, nil, "CHG-1234", monday, ""},
		{"no ticket", target.Limits{Ticket: `CHG-\d{4}`}, short, nil, "", monday, "with a change ticket only"},
		{"another ticket", target.Limits{Ticket: `CHG-\d{4}`}, short, nil, "CHG-12345", monday, "does not match"},
	} {
		err := permitted(&external.File{Path: "x.yaml", Target: &target.Target{Limits: c.limits}}, c.s, c.plans, permitFlags{ticket: c.ticket}, c.now)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := permitted(nil, short, nil, permitFlags{ticket: "CHG-1"}, monday); err == nil {
		t.Error("a ticket for a rehearsal target has no effect, and is taken")
	}
}

// Outside a rehearsal nothing is broken without a guard on what others' clients get.
func TestGuarded(t *testing.T) {
	known := func(p harness.ProbeSpec) (harness.ProbeTraits, bool) { return harness.ProbeTraits{Listed: true}, true }
	about := harness.Description{Environment: harness.Staging, Probes: []harness.ProbeSpec{{ID: "served", Probe: "http.get"}}}
	s := harness.Scenario{Faults: []harness.FaultSpec{{Kind: harness.FaultManual}}}
	if got := guarded(&target.Target{}, s, about, known); len(got) != 1 || got[0].At[0] != "faults" {
		t.Errorf("without a guard: %+v", got)
	}
	s.Guards = []harness.Guard{{Probe: "served"}}
	if got := guarded(&target.Target{}, s, about, known); len(got) != 0 {
		t.Errorf("with one: %+v", got)
	}
	s.Guards, s.Faults = nil, nil
	if got := guarded(&target.Target{}, s, about, known); len(got) != 0 {
		t.Errorf("where nothing is broken: %+v", got)
	}
}

// An observation is refused another ticket, and nothing else: where a drill would be refused it writes nothing, and says why.
func TestAnObservationWritesOnlyWhenItMay(t *testing.T) {
	nights := &target.Window{Zone: "UTC", Days: []string{"mon"}, From: "18:00", To: "22:00"}
	s := harness.Scenario{Observe: harness.Duration(10 * time.Minute), ObserveUndo: harness.Duration(10 * time.Minute),
		Recovery: harness.Recovery{Steps: []harness.RecoveryStep{{Do: "decide", Within: harness.Duration(3 * time.Hour)}}}} // which nobody takes
	at := func(clock string) time.Time {
		now, err := time.Parse(time.RFC3339, "2026-11-30T"+clock+":00Z")
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	for name, c := range map[string]struct {
		limits            target.Limits
		ticket            string
		now               time.Time
		refused, notWrite string
	}{
		"no limits":            {target.Limits{}, "", at("12:00"), "", ""},
		"open":                 {target.Limits{ChangeWindow: nights}, "", at("18:30"), "", ""},
		"shut":                 {target.Limits{ChangeWindow: nights}, "", at("12:00"), "", "the change window is shut; opens Mon 2026-11-30 18:00 UTC"},
		"shut before its end":  {target.Limits{ChangeWindow: nights}, "", at("21:45"), "", "the observation would last until 22:0"},
		"a ticket":             {target.Limits{Ticket: `CHG-\d{4}`, ChangeWindow: nights}, "CHG-1234", at("18:30"), "", ""},
		"no ticket":            {target.Limits{Ticket: `CHG-\d{4}`}, "", at("18:30"), "", "without --ticket nothing is written"},
		"another ticket":       {target.Limits{Ticket: `CHG-\d{4}`}, "CHG-1", at("18:30"), "does not match", ""},
		"a ticket, and shut":   {target.Limits{Ticket: `CHG-\d{4}`, ChangeWindow: nights}, "CHG-1234", at("12:00"), "", "the change window is shut"},
		"no ticket, and shut":  {target.Limits{Ticket: `CHG-\d{4}`, ChangeWindow: nights}, "", at("12:00"), "", "without --ticket"},
		"a ticket nobody asks": {target.Limits{}, "CHG-1", at("12:00"), "", ""},
	} {
		f := &external.File{Path: "x.yaml", Target: &target.Target{Limits: c.limits, Allows: []target.Allow{{Write: target.WriteHeartbeat, On: "east.db"}}}, ObserveOnly: true}
		err := permitted(f, s, nil, permitFlags{ticket: c.ticket}, c.now)
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: %v, want %q", name, err, c.refused)
		}
		if err == nil && ((f.Unwritten == "") != (c.notWrite == "") || !strings.Contains(f.Unwritten, c.notWrite)) {
			t.Errorf("%s: %q, want %q", name, f.Unwritten, c.notWrite)
		}
		if allowed := external.New(*f, nil).Allowed("east.db", "blackstart.heartbeat"); err == nil && (allowed == nil) != (c.notWrite == "") {
			t.Errorf("%s: the heartbeat may be written: %v", name, allowed)
		}
	}
}

// quietTarget writes the file of a target of others whose databases nobody has started: what is refused by it, nobody is asked for.
func quietTarget(t *testing.T, changes ...string) string {
	t.Helper()
	dir := t.TempDir()
	db := func(region, port string) string {
		return "  - {name: " + region + ".db, kind: postgres, region: " + region + ", address: 127.78.6.9, port: " + port + ", with: {database: orders, user: watcher, password: {file: " + dir + "/password}, encryption: none}}\n"
	}
	text := "apiVersion: blackstart.target/v1\nkind: Target\n" +
		"metadata: {name: orders, owner: Order desk, environment: rehearsal, service: Order entry, plan: BCP 4.2}\n" +
		"regions: [{name: east, role: primary}, {name: west, role: standby}]\ncomponents:\n" + db("east", "1") + db("west", "2") +
		"links: [{name: wal, from: west.db, to: east.db}]\nlimits: {longestDrill: 2m}\n" +
		"allows: [{write: ledger, on: east.db}, {write: ledger, on: west.db}, {write: heartbeat, on: east.db}]\n"
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("the file has no %q", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	file := filepath.Join(dir, "orders.target.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A drill that may take longer than its target allows is refused with its line by whoever reads it, and nobody is asked.
func TestADrillLongerThanItsTargetAllowsIsRefused(t *testing.T) {
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	scenario, file := quietDrill(t), quietTarget(t)
	text, err := os.ReadFile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	longer := filepath.Join(t.TempDir(), "longer.yaml")
	if err := os.WriteFile(longer, []byte(strings.Replace(string(text), "observe: 3s", "observe: 2m", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	if exit := execute(t.Context(), []string{"validate", scenario, "--target", file}, &out, &said); exit != harness.ExitPass {
		t.Fatalf("exit %d: %s%s", exit, &out, &said)
	}
	for _, args := range [][]string{{"validate"}, {"plan"}, {"run", "--out", t.TempDir()}} {
		out.Reset()
		said.Reset()
		exit := execute(t.Context(), append([]string{args[0], longer, "--target", file}, args[1:]...), &out, &said)
		if all := out.String() + said.String(); exit != harness.ExitUsage || !strings.Contains(all, "longer.yaml:12:") ||
			!strings.Contains(all, "limits.longestDrill of the target is 2m0s") {
			t.Errorf("%s: exit %d: %s", args[0], exit, all)
		}
	}
}

// In production nothing is broken unless its file says when that may be done, what a ticket looks like, and which clients are watched. Where
// nothing is broken, nothing of that is asked for.
func TestProductionWantsAWindowATicketAndAGuard(t *testing.T) {
	known := func(p harness.ProbeSpec) (harness.ProbeTraits, bool) { return harness.ProbeTraits{Listed: true}, true }
	window := &target.Window{Zone: "UTC", Days: []string{"sat"}, From: "01:00", To: "02:00"}
	guard := []harness.Guard{{Probe: "served"}}
	for _, c := range []struct {
		environment string
		limits      target.Limits
		guards      []harness.Guard
		want        []string
	}{
		{harness.Production, target.Limits{}, nil, []string{"no guard watches clients", "write limits.changeWindow", "write limits.ticket"}},
		{harness.Production, target.Limits{ChangeWindow: window}, guard, []string{"write limits.ticket"}},
		{harness.Production, target.Limits{Ticket: "CHG[0-9]+"}, guard, []string{"write limits.changeWindow"}},
		{harness.Production, target.Limits{ChangeWindow: window, Ticket: "CHG[0-9]+"}, guard, nil},
		{harness.Staging, target.Limits{}, guard, nil},
		{harness.Staging, target.Limits{}, nil, []string{"no guard watches clients"}},
		{harness.Rehearsal, target.Limits{}, nil, nil},
	} {
		about := harness.Description{Environment: c.environment, Probes: []harness.ProbeSpec{{ID: "served", Probe: "http.get"}}}
		s := harness.Scenario{Faults: []harness.FaultSpec{{Kind: harness.FaultManual}}, Guards: c.guards}
		of := &target.Target{Limits: c.limits}
		got := guarded(of, s, about, known)
		if len(got) != len(c.want) {
			t.Errorf("%s, %+v: %+v, want %q", c.environment, c.limits, got, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i].Err.Error(), want) || got[i].At[0] != "faults" {
				t.Errorf("%s: %+v, want %q", c.environment, got[i], want)
			}
		}
		s.Faults = nil
		if got := guarded(of, s, about, known); len(got) != 0 {
			t.Errorf("nothing is broken, and %+v", got)
		}
	}
}

// Outside a rehearsal the harness breaks nothing of a target whose name nobody has written, nor leaves redundancy lost unless somebody says so.
func TestConfirmed(t *testing.T) {
	byUs := []harness.Plan{{Steps: []harness.Step{{Do: harness.Action{Kind: harness.LinkCut}}}}}
	fenced := []harness.Plan{{Steps: byUs[0].Steps, Fences: []string{"east.db"}}}
	byPeople := []harness.Plan{{Steps: []harness.Step{{Do: harness.Action{Person: &harness.PersonTask{}}}}}}
	back := harness.Scenario{Restore: []harness.RestoreStep{{Name: "rebuild"}}}
	for name, c := range map[string]struct {
		environment, confirm string
		lost                 bool
		s                    harness.Scenario
		plans                []harness.Plan
		want                 string
	}{
		"by people":             {harness.Staging, "", false, harness.Scenario{}, byPeople, ""},
		"by us, unsaid":         {harness.Staging, "", false, harness.Scenario{}, byUs, "is no rehearsal"},
		"by us, another name":   {harness.Staging, "order", false, harness.Scenario{}, byUs, "is not the target, which is orders"},
		"by us":                 {harness.Staging, "orders", false, harness.Scenario{}, byUs, ""},
		"a rehearsal":           {harness.Rehearsal, "", false, harness.Scenario{}, fenced, ""},
		"confirmed for nothing": {harness.Staging, "orders", false, harness.Scenario{}, byPeople, "breaks nothing"},
		"redundancy lost":       {harness.Staging, "orders", false, harness.Scenario{}, fenced, "may leave redundancy lost"},
		"redundancy lost, said": {harness.Staging, "orders", true, harness.Scenario{}, fenced, ""},
		"redundancy restored":   {harness.Staging, "orders", false, back, fenced, ""},
	} {
		f := &external.File{Path: "x.yaml", Target: &target.Target{Metadata: target.Metadata{Name: "orders", Environment: c.environment}}}
		err := permitted(f, c.s, c.plans, permitFlags{confirm: c.confirm, leaveLost: c.lost}, time.Now())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := permitted(nil, back, nil, permitFlags{confirm: "finrag"}, time.Now()); err == nil {
		t.Error("--confirm for the rehearsal target has no effect, and is taken")
	}
}
