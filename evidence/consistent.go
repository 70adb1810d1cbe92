package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// Limits of what a record may name before anything of it is read: a foreign record must not cost more than a real one.
const (
	maxStreams = 64
	maxProbes  = 64
	// maxCohorts bounds the names of cohorts over all streams, and maxCohortName their length in bytes.
	maxCohorts    = 256
	maxCohortName = 64
	// maxNamed bounds each list of a record of which every entry may cost a pass over the raw data.
	maxNamed = 256
	// maxScenarioFiles is more than may extend one another.
	maxScenarioFiles = 16
)

// boundedInputs is bounded for what was asked: each file and report that the inputs list is read.
func boundedInputs(in Inputs) error {
	if n := len(in.ScenarioFiles); n > maxScenarioFiles {
		return fmt.Errorf("it lists %d files of a scenario, at most %d are possible", n, maxScenarioFiles)
	}
	return checkSpecs(in.Reports)
}

// bounded refuses a record that would make checking it expensive, or that names a file twice.
func bounded(rec *harness.Record) error {
	if len(rec.Streams) > maxStreams || len(rec.Probes) > maxProbes {
		return fmt.Errorf("it names %d streams and %d probes, at most %d and %d are possible", len(rec.Streams), len(rec.Probes), maxStreams, maxProbes)
	}
	for what, n := range map[string]int{"objectives": len(rec.Scenario.Objectives), "loads": len(rec.Scenario.Load), "faults": max(len(rec.Faults), len(rec.Scenario.Faults)),
		"files of copies": len(rec.Ledger.Copies), "things left out": len(leftOutOf(rec))} {
		if n > maxNamed {
			return fmt.Errorf("it names %d %s, at most %d are possible", n, what, maxNamed)
		}
	}
	if len(rec.Acts) > maxToldMoments || len(rec.Arrivals) > maxToldAlerts {
		return fmt.Errorf("it tells of %d acts and %d alerts, at most %d and %d are possible", len(rec.Acts), len(rec.Arrivals), maxToldMoments, maxToldAlerts)
	}
	if err := boundedCohorts(rec); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, s := range rec.Streams {
		for _, key := range []string{s.File, fmt.Sprintf("stream %d %s", s.ID, s.Kind)} {
			if seen[key] {
				return fmt.Errorf("it names %s twice", key)
			}
			seen[key] = true
		}
	}
	for _, p := range rec.Probes {
		for _, key := range []string{p.File, strings.TrimSpace(p.ID+" "+p.Probe) + " on " + p.On} {
			if seen[key] {
				return fmt.Errorf("it names %s twice", key)
			}
			seen[key] = true
		}
	}
	return nil
}

// boundedCohorts: each cohort is judged on its own, so their number is what checking a record costs.
func boundedCohorts(rec *harness.Record) error {
	var named, played []string
	for _, s := range rec.Streams {
		named, played = append(named, s.Cohorts...), append(played, s.Traits().Cohorts...)
	}
	if n := max(len(named), len(played)); n > maxCohorts {
		return fmt.Errorf("it names %d cohorts, at most %d are possible", n, maxCohorts)
	}
	for _, name := range slices.Concat(named, played) {
		if len(name) > maxCohortName {
			return fmt.Errorf("the name of a cohort has %d bytes, at most %d are possible", len(name), maxCohortName)
		}
	}
	return nil
}

// consistent holds the record against the other files that tell the same: a story has to be changed in all of them.
func (c *checker) consistent() {
	rec := c.out.Record
	c.check("record agrees with the inputs", RecordFile, c.agreesWithInputs())
	if c.pack.Base() != seal.BaseName(rec.Scenario.Metadata.Name) && rec.Scenario.Metadata.Name != "" {
		c.check("directory is named after the scenario", "", fmt.Errorf("it is %s, the scenario %s", c.pack.Base(), rec.Scenario.Metadata.Name))
	}
	c.check("run was opened in its register", seal.EventsFile, c.registered())
	c.check("record agrees with the plan", RecordFile, c.agreesWithPlan())
	c.check("record agrees with the target as asked for", RecordFile, c.agreesWithTarget())
	c.check("record agrees with the events", RecordFile, c.agreesWithEvents())
	c.check("record agrees with the target's own log", RecordFile, c.agreesWithAudit())
	c.check("record agrees with the scenario", RecordFile, c.agreesWithScenario())
	c.check("record agrees with its tables", RecordFile, c.agreesWithTables())
	for _, s := range rec.Streams {
		c.check("stream agrees with scenario and record", s.File, c.agreesWithLoad(s))
		c.check("samples are those of the schedule", s.File, c.agreesWithSchedule(s))
	}
	for _, p := range rec.Probes {
		c.check("observations are those of the probe", p.File, c.agreesWithProbe(p))
	}
	c.check("ledger agrees with the record", RecordFile, c.agreesWithLedger())
	c.check("failover agrees with the standby's answers", RecordFile, c.agreesOnPromotion())
	c.payload()
}

func differs(what string, a, b any) error {
	if reflect.DeepEqual(a, b) {
		return nil
	}
	return fmt.Errorf("%s: %v in the record, %v there", what, a, b)
}

func (c *checker) agreesWithInputs() error {
	rec, in := c.out.Record, c.inputs
	if rec.Started > rec.Ended {
		return errors.New("it ended before it started")
	}
	if s := c.out.Report.Signature; s != nil && s.SignedAt.Before(rec.Ended.Time().Truncate(time.Second)) {
		return fmt.Errorf("it ended at %s and was signed before that, at %s", rec.Ended, s.SignedAt.UTC().Format(time.RFC3339))
	}
	return errors.Join(differs("pack id", rec.PackID, in.PackID), differs("executor", rec.Executor, in.Executor), differs("profile", rec.Profile, in.Profile),
		differs("register", rec.Register, in.Register), differs("amends", rec.Amends, in.Amends), differs("anchor", rec.Anchor, in.Anchor),
		differs("whether it was to observe only", rec.ObserveOnly != nil, in.ObserveOnly),
		differs("tool version", rec.Tool.Version, in.ToolVersion), differs("tool digest", rec.Tool.SHA256, in.ToolSHA256),
		sameStrings("approvals", rec.Approvals, in.Approvals), sameStrings("seal policy", rec.SealPolicy, in.SealPolicy),
		differs("name of the scenario", rec.Scenario.Metadata.Name, in.ScenarioName), sameStrings("checkpoints", signedPhases, in.Phases), nothingOverridden(in))
}

// signedPhases are the checkpoints that every drill asks for; those of the loads come on top.
var signedPhases = []string{"start", "fault", "end"}

// nothingOverridden: no flag of this format changes a scenario, so that an override would be one that nothing followed.
func nothingOverridden(in Inputs) error {
	if len(in.Overrides) > 0 {
		return fmt.Errorf("%s names %d overrides, and nothing can have followed them", seal.InputsFile, len(in.Overrides))
	}
	return nil
}

func sameStrings(what string, a, b []string) error {
	if slices.Equal(a, b) {
		return nil
	}
	return fmt.Errorf("%s: %v in the record, %v there", what, a, b)
}

func (c *checker) agreesWithPlan() error {
	var asked []harness.Plan
	if err := c.decode(planFile, &asked); err != nil {
		return err
	}
	if c.out.Record.ObserveOnly != nil && len(asked) > 0 {
		return fmt.Errorf("it observed only, and %d faults were planned", len(asked))
	}
	if len(c.out.Record.Faults) == 0 && c.out.Record.Status != harness.Completed {
		return nil // it ended before the plan
	}
	if len(asked) != len(c.out.Record.Faults) {
		return fmt.Errorf("%d faults, %d were planned", len(c.out.Record.Faults), len(asked))
	}
	for i, f := range c.out.Record.Faults {
		if !sameJSON(f.Plan, asked[i]) {
			return fmt.Errorf("fault %d is not the one that was planned", i+1)
		}
	}
	return nil
}

func sameJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// agreesWithTarget compares what is known of a target before its start; addresses, identities and versions come later.
func (c *checker) agreesWithTarget() error {
	var asked harness.Description
	if err := c.decode(targetFile, &asked); err != nil {
		return err
	}
	got := c.out.Record.Target
	if got.Name == "" && c.out.Record.Status != harness.Completed {
		return nil // it never started
	}
	names := func(d harness.Description) (all []string) {
		for _, x := range d.Components {
			all = append(all, x.Name+" "+x.Kind+" "+x.Role)
		}
		for _, l := range d.Links {
			all = append(all, l.Name)
		}
		return all
	}
	return errors.Join(differs("target", got.Name, asked.Name), differs("kind", got.Kind, asked.Kind), differs("environment", got.Environment, asked.Environment),
		differs("regions", got.Regions, asked.Regions), differs("components and links", names(got), names(asked)), differs("settings", got.Settings, asked.Settings),
		differs("what is simulated", got.Simulated, asked.Simulated), differs("channels", got.Channels, asked.Channels), differs("nonce", got.Nonce, asked.Nonce), differs("whose it is", got.Owned, asked.Owned),
		differs("probes", got.Probes, asked.Probes), differs("paces of probes", got.ProbePaces, asked.ProbePaces), differs("limits of loads", got.LoadLimits, asked.LoadLimits), differs("longest drill", got.LongestNS, asked.LongestNS),
		agreesOnAnswers(got, asked), differs("meaning of the target's own log", meaningOf(got.Decisions), meaningOf(asked.Decisions)))
}

// maxRenderedEvents bounds the events that a report is laid out from again.
const maxRenderedEvents = 20_000

// events reads the event log as the drill wrote it, without what the chain adds.
func (c *checker) events() ([]harness.Event, error) {
	log, err := c.pack.Open(seal.EventsFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	return allEvents(log)
}

func allEvents(log io.Reader) ([]harness.Event, error) {
	var all []harness.Event
	err := eachEvent(log, func(seq int64, e harness.Event) error {
		if seq == maxRenderedEvents {
			return fmt.Errorf("more than %d events", maxRenderedEvents)
		}
		all = append(all, e)
		return nil
	})
	return all, err
}

func (c *checker) agreesWithScenario() error {
	if c.o.Resolve == nil {
		return nil
	}
	var files []ScenarioFile
	for _, f := range c.inputs.ScenarioFiles {
		data, err := c.pack.ReadFile(f.File)
		if err != nil {
			return err
		}
		files = append(files, ScenarioFile{Name: f.Name, Data: data})
	}
	want, err := c.o.Resolve(files, c.inputs.Profile)
	if err != nil {
		return fmt.Errorf("%s cannot be read again: %w", scenarioFile, err)
	}
	if !sameJSON(*want, c.out.Record.Scenario) {
		return fmt.Errorf("its scenario is not what %s says under the profile", scenarioFile)
	}
	return nil
}
