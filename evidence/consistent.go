package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
)

// bounded refuses a record that would make checking it expensive, or that names a file twice.
func bounded(rec *harness.Record) error {
	if len(rec.Streams) > maxStreams || len(rec.Probes) > maxProbes {
		return fmt.Errorf("it names %d streams and %d probes, at most %d and %d are possible", len(rec.Streams), len(rec.Probes), maxStreams, maxProbes)
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
		for _, key := range []string{p.File, p.Probe + " on " + p.On} {
			if seen[key] {
				return fmt.Errorf("it names %s twice", key)
			}
			seen[key] = true
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
	c.check("record agrees with the plan", RecordFile, c.agreesWithPlan())
	c.check("record agrees with the target as asked for", RecordFile, c.agreesWithTarget())
	c.check("record agrees with the events", RecordFile, c.agreesWithEvents())
	c.check("record agrees with the target's own log", RecordFile, c.agreesWithAudit())
	c.check("record agrees with the scenario", RecordFile, c.agreesWithScenario())
	for _, s := range rec.Streams {
		c.check("stream agrees with scenario and record", s.File, c.agreesWithLoad(s))
	}
	for _, p := range rec.Probes {
		c.check("observations are those of the probe", p.File, c.agreesWithProbe(p))
	}
	c.check("ledger agrees with the record", RecordFile, c.agreesWithLedger())
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
		differs("tool version", rec.Tool.Version, in.ToolVersion), differs("tool digest", rec.Tool.SHA256, in.ToolSHA256), differs("seed", rec.Seed, in.Seed),
		differs("number of approvals", len(rec.Approvals), len(in.Approvals)), differs("length of the seal policy", len(rec.SealPolicy), len(in.SealPolicy)))
}

func (c *checker) agreesWithPlan() error {
	var asked []harness.Plan
	if err := c.decode("data/as-run/plan.json", &asked); err != nil {
		return err
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
	if err := c.decode("data/as-run/target.json", &asked); err != nil {
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
		differs("what is simulated", got.Simulated, asked.Simulated), differs("channels", got.Channels, asked.Channels), differs("nonce", got.Nonce, asked.Nonce),
		agreesOnAnswers(got, asked), differs("meaning of the target's own log", meaningOf(got.Decisions), meaningOf(asked.Decisions)))
}

// events reads the event log as the drill wrote it, without what the chain adds.
func (c *checker) events() ([]harness.Event, error) {
	data, err := c.pack.ReadFile(seal.EventsFile)
	if err != nil {
		return nil, err
	}
	return parseEvents(data)
}

func parseEvents(data []byte) ([]harness.Event, error) {
	var all []harness.Event
	for i, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
		var e harness.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
		if e.Kind != seal.ClosedKind {
			all = append(all, e)
		}
	}
	return all, nil
}

func (c *checker) agreesWithEvents() error {
	rec := c.out.Record
	events, err := c.events()
	if err != nil {
		return err
	}
	if n := int(c.out.Report.Chain.Head.Count); n != rec.EventsCount {
		return fmt.Errorf("it counts %d events, the log has %d", rec.EventsCount, n)
	}
	at := map[string][]harness.Interval{}
	var phases []string
	for _, e := range events {
		at[e.Kind] = append(at[e.Kind], e.At)
		if e.Kind == "phase.started" {
			phases = append(phases, strings.TrimPrefix(e.Text, "phase "))
		}
	}
	for i, p := range rec.Phases {
		if i >= len(phases) || phases[i] != p.Name {
			return fmt.Errorf("phase %s is not told by the events in its place", p.Name)
		}
	}
	told := func(what, kind string, i harness.Interval) error {
		if i.Never() || slices.Contains(at[kind], i) {
			return nil
		}
		return fmt.Errorf("%s: no event %s at %s", what, kind, i.Lo)
	}
	var errs []error
	if len(at["steady.held"]) > 0 {
		errs = append(errs, told("baseline", "steady.held", rec.Baseline))
	}
	for _, f := range rec.Faults {
		if f.Confirmed {
			errs = append(errs, told("fault in force", "fault.in-force", f.InForce))
		}
		if rec.Status != harness.Interrupted {
			errs = append(errs, told("fault undone", "fault.undone", f.Undone))
		}
	}
	if rec.Undo.FencedBy == "harness" && len(at["primary.fenced"]) == 0 {
		errs = append(errs, errors.New("fence: no event primary.fenced"))
	}
	return errors.Join(append(errs, arrivalsTold(rec, events))...)
}

func (c *checker) agreesWithScenario() error {
	if c.o.Resolve == nil {
		return nil
	}
	source, err := c.pack.ReadFile("data/as-run/scenario.yaml")
	if err != nil {
		return err
	}
	want, err := c.o.Resolve(source, c.inputs.ScenarioName, c.inputs.Profile)
	if err != nil {
		return fmt.Errorf("scenario.yaml cannot be read again: %w", err)
	}
	if !sameJSON(*want, c.out.Record.Scenario) {
		return errors.New("its scenario is not what scenario.yaml says under the profile")
	}
	return nil
}
