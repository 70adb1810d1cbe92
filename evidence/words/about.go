package words

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the same words on a machine without time zones

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

const notRead = "not read" // a file whose digest is wanted

func identity(rec *harness.Record, scenario string) Identity {
	activity := "disaster-recovery drill"
	if rec.Environment == harness.Rehearsal {
		activity = "rehearsal of a disaster-recovery drill"
	}
	if rec.ObserveOnly != nil {
		activity = "observation: no drill"
	}
	return Identity{
		PackID: rec.PackID, RunID: rec.RunID, Activity: activity, Environment: rec.Environment,
		Scenario: rec.Scenario.Metadata.Name + ": " + rec.Scenario.Metadata.Title, ScenarioDigest: scenario,
		Target: rec.Target.Name + " (" + rec.Target.Kind + ")", Started: rec.Started.String(), Ended: rec.Ended.String(),
		Profile: profile(rec),
		Tool:    "blackstart " + rec.Tool.Version + " (" + rec.Tool.Go + ", " + rec.Tool.OS + ")", ToolDigest: rec.Tool.SHA256, Amends: rec.Amends,
	}
}

// profile says which numbers the drill ran with, and the timings of a target that tells them.
func profile(rec *harness.Record) string {
	t := rec.Target.Timings
	if rec.Target.Kind == harness.External {
		return rec.Profile + "; the target's own timings are not known"
	}
	return fmt.Sprintf("%s: a check every %s, %d failures, TTL %s", rec.Profile, measure.Length(t.CheckIntervalNS), t.CheckFailures, measure.Length(t.TTLNS))
}

// bundled tells whether the target is the one that the tool brings along.
func bundled(rec *harness.Record) bool {
	return rec.Environment == harness.Rehearsal && rec.Target.Kind != harness.External
}

// examiner answers what an examiner asks first. What nobody told us is empty.
func examiner(rec *harness.Record) []Field {
	keys, critical, version := "a throw-away key made for this run; anyone can make another", "", ""
	if bundled(rec) {
		critical = "no: the bundled rehearsal system, on nobody's list; not production"
	}
	if o := rec.Target.Owned; o != nil {
		critical = map[bool]string{true: "yes", false: "no"}[o.Critical] + ", by its target file; owned by " + o.Owner + ", for " + o.Service
		version = o.Plan + ", by its target file"
	}
	return []Field{
		{"Which natural person ran it?", rec.Executor + " (self-asserted)"}, {"On whose authority?", ""}, {"Who else can use the signing key?", keys},
		{"Which runs were there in the period?", ""}, {"Reconciled to which source outside the tool?", ""}, {"Is the system on the firm's mission-critical list?", critical},
		{"Which version of the plan was in force?", version}, {"Did the responsible principal receive this?", ""}, {"Prior findings: owner, due, retested?", ""},
		{"How is the tool validated and changed?", ""}, {"Who may edit objectives?", ""},
		{"Who can delete this?", "whoever can write where the pack lies: this version locks nothing"},
	}
}

func limits(rec *harness.Record) []string {
	var all []string
	if not := rec.Scenario.Metadata.DoesNotShow; len(not) > 0 {
		all = append(all, "This does not show: "+strings.Join(not, "; ")+".")
	}
	switch {
	case bundled(rec):
		all = append(all, "A rehearsal on a bundled system shows that the drill works; it proves recovery of nothing else.")
	case rec.Environment == harness.Rehearsal:
		all = append(all, "A rehearsal shows that the drill works; it proves recovery of nothing else.")
	}
	return all
}

func plan(rec *harness.Record) []Field {
	var sources []string
	for _, o := range rec.Scenario.Objectives {
		sources = append(sources, o.ID+": "+o.Source)
	}
	bcp := ""
	if o := rec.Target.Owned; o != nil {
		bcp = o.Plan
	}
	return []Field{
		{"Objectives come from", strings.Join(sources, "; ")},
		{"Criteria frozen before the run", "yes: inputs.json, whose digest starts the event log (" + rec.Inputs + ")"},
		{"Change ticket", ""}, {"Approval before the run", ""}, {"BIA or BCP reference", bcp},
	}
}

func people(rec *harness.Record) []Field {
	return []Field{
		{"Executor", rec.Executor}, {"Authenticated by", "self-asserted: name of the operating-system account or of --executor"},
		{"Approver", ""}, {"Reviewer", "none yet: the field in this document is empty"}, {"Participants", ""}, {"Independence", ""},
	}
}

func population(rec *harness.Record) []Field {
	kept := "none: which other runs there were cannot be seen from this pack"
	if origin, _, ok := strings.Cut(rec.Register, "+"); ok {
		kept = "opened in " + origin + "; its keeper says: entered before the run started; which other runs there were: blackstart register population"
	}
	return []Field{{"Register", kept}, {"Reconciled to", ""}}
}

func retention(rec *harness.Record) []Field {
	customer := ""
	if bundled(rec) {
		customer = "none: generated documents and ledger rows only"
	}
	return []Field{
		{"Keep for", ""}, {"Basis", "a policy of the firm; this pack sets none"}, {"Customer data", customer},
		{"Redacted", "routing keys, tokens, passwords of the target, wherever they appeared"},
		{"Needs verification again", "once the plan or the system has changed"},
	}
}

func integrity(log string, events int) []Field {
	return []Field{
		{"Signature in this file", "PAdES B-B, certifies the document; covers it to its end"},
		{"Manifest signature", "signatures/manifest.p7s over the bytes of manifest-sha256.txt"},
		{"Event log", fmt.Sprintf("%d events and %s, digest %s, order self-asserted by the run's key", events, seal.ClosedKind, orWord(log, notRead))},
		{"Independent time stamp", "none: the time of signing is self-asserted"},
	}
}

func notExecuted(rec *harness.Record) []Field {
	rows := []Field{{"Failback", "not executed: roles stay as the failover left them"}}
	if rec.Scenario.Recovery.By == "target" {
		rows = append(rows, Field{"Manual steps", "none: the target recovers by its own automation"})
	}
	return rows
}

func components(rec *harness.Record) []Component {
	return each(rec.Target.Components, func(c harness.Component) Component {
		version := c.Version
		if c.Expires != 0 {
			version += ", certificate until " + c.Expires.Time().Format("2006-01-02")
		}
		return Component{Name: c.Name, Region: c.Region, Version: version, Digest: c.SHA256}
	})
}

func clockSource(rec *harness.Record) []Field {
	sync, worst := 0, int64(0)
	for _, c := range rec.Clock {
		if c.Synchronised {
			sync++
		}
		worst = max(worst, c.WallMinusNS, -c.WallMinusNS)
	}
	fields := []Field{
		{"Source", "one monotonic clock, anchored once to UTC at " + rec.Anchor.String()},
		{"Kernel's opinion", fmt.Sprintf("synchronised in %d of %d readings", sync, len(rec.Clock))},
		{"Wall clock moved by", measure.Length(worst)},
	}
	if len(rec.TargetClocks) == 0 {
		return append(fields, Field{"Offset to other hosts", "one host: not applicable"})
	}
	return append(fields, targetClocks(rec.TargetClocks)...)
}

// targetClocks says of each clock of the target what all its readings allow.
func targetClocks(all []harness.TargetClock) (fields []Field) {
	var names []string
	for _, r := range all {
		if !slices.Contains(names, r.Of) {
			names = append(names, r.Of)
		}
	}
	for _, name := range names {
		off, read := harness.ClockBounds(all, name)
		of := 0
		for _, r := range all {
			if r.Of == name {
				of++
			}
		}
		text := fmt.Sprintf("could not be read in %d of %d readings", of-read, of)
		if read > 0 {
			text = fmt.Sprintf("between %s and %s ahead of ours, by %d of %d readings", signed(off.Lo), signed(off.Hi), read, of)
		}
		fields = append(fields, Field{"Clock of " + name, text})
	}
	return fields
}

func signed(ns int64) string {
	if ns < 0 {
		return "−" + measure.Length(-ns)
	}
	return measure.Length(ns)
}

// readiness says what held before the fault.
func readiness(rec *harness.Record, f harness.Findings) []Field {
	var rows []Field
	for _, c := range f.Validity {
		if strings.HasPrefix(c.Name, "baseline.") {
			state := "held: "
			if !c.OK {
				state = "did not hold: "
			}
			rows = append(rows, Field{c.Name, state + c.Detail})
		}
	}
	return append(rows, Field{"Market hours", marketHours(rec.Started.Time())}, Field{"Production-likeness", strings.Join(rec.Target.Simulated, "; ")})
}

// marketHours says whether a moment lies within 09:30–16:00 America/New_York on a weekday.
func marketHours(at time.Time) string {
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		return "" // no time zones on this machine: not recorded
	}
	t := at.In(ny)
	minute := t.Hour()*60 + t.Minute()
	inside := t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && minute >= 9*60+30 && minute < 16*60
	text := t.Format("Mon 15:04") + " America/New_York: "
	if inside {
		return text + "within 09:30–16:00 (exchange holidays are not looked up)"
	}
	return text + "outside 09:30–16:00"
}
