package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/loadgen"
)

// fixtures guards the making of packs in this process: reports are rendered through settings that are the process's own, and
// the scripts run at the same time.
var fixtures sync.Mutex

// fixtureSamples is the length of each stream of a fixture.
const fixtureSamples = 200

// bagged is a bag under construction, as a drill leaves it, made without a target.
type bagged struct {
	dir     string // of the run
	rec     *harness.Record
	journal *evidence.Journal
	clock   *harness.Clock
	redact  *evidence.Redactor
	loads   []string
	kind    fixtureKind
}

func (b *bagged) bag() string { return filepath.Join(b.dir, "bag") }

// fixtureKind is in what a fixture differs from a rehearsal that ended.
type fixtureKind struct {
	class, executor string
	policy          []string
	status          harness.Status
	reason          string
	quiet           bool // a drill without a fault that came to its end
	failing         int  // of its queries, how many of the last ones nobody answered
	register        *registerWriter
}

// fixtureKinds are the packs that scripts may ask for.
var fixtureKinds = map[string]fixtureKind{
	"":           {class: harness.Rehearsal, executor: "a tester", status: harness.Completed},
	"stopped":    {class: harness.Rehearsal, executor: "a tester", status: harness.Stopped, reason: "guard http.health on the standby failed for 5 s"},
	"pass":       {class: harness.Rehearsal, executor: "a tester", status: harness.Completed, quiet: true},
	"fail":       {class: harness.Rehearsal, executor: "a tester", status: harness.Completed, quiet: true, failing: 100},
	"production": {class: harness.Production, executor: "a tester", status: harness.Completed},
	"policy":     {class: harness.Rehearsal, executor: "a tester", status: harness.Completed, policy: []string{"reviewer"}},
	"hostile": {class: harness.Rehearsal, executor: "\x1b[2J\u009b31m\u202eretset" + strings.Repeat("x", 200), status: harness.Stopped,
		reason: "a \x1b]0;title\a guard\x7f " + strings.Repeat("long ", 60)},
}

// newBagOf makes a run directory in which the inputs are fixed and the first events are told.
func newBagOf(kind fixtureKind, dir, runID string, loads ...string) (*bagged, error) {
	path := "scenarios/finrag/region-partition.yaml"
	if kind.quiet {
		path = quietScenario
	}
	s, loaded, err := reader().Load(path, "fast")
	if err != nil {
		return nil, err
	}
	target, plans, err := outline(context.Background(), *s, runFlags{})
	if err != nil {
		return nil, err
	}
	target.Environment = kind.class
	b := &bagged{dir: dir, clock: harness.NewClock(), redact: evidence.NewRedactor(), loads: loads, kind: kind}
	anchor := b.clock.Anchor()
	if kind.quiet {
		anchor -= harness.Stamp(time.Minute) // it is over
	}
	packID, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	key, err := seal.NewRunKey("blackstart/" + runID)
	if err != nil {
		return nil, err
	}
	in := evidence.Inputs{Format: harness.Format, RunID: runID, PackID: packID.String(), SealPolicy: []string{}, Approvals: []string{}, Reports: evidence.ReportSpecs(),
		ScenarioName: s.Metadata.Name, ToolVersion: toolInfo().Version, ToolSHA256: toolInfo().SHA256, Profile: "fast", Overrides: map[string]string{}, Environment: target.Environment, Executor: "a tester",
		RunKey: key.Verifier(), Register: kind.register.verifier(), Anchor: anchor, Phases: []string{"start", "fault", "end"}}
	in.Executor, in.SealPolicy = kind.executor, append(in.SealPolicy, kind.policy...)
	sha, err := evidence.WriteInputs(b.bag(), in, evidence.DrillFiles{Scenario: scenarioFiles(loaded), Target: target, Plan: plans}, b.redact)
	if err != nil {
		return nil, err
	}
	if b.journal, err = evidence.NewJournal(b.bag(), sha, key, b.redact, b.clock); err != nil {
		return nil, err
	}
	if _, err := kind.register.openRun(context.Background(), b.bag(), b.clock.Now().Time(), *s, b.redact, b.journal); err != nil {
		return nil, err
	}
	started := anchor
	if kind.register != nil {
		started = b.clock.Now()
	}
	b.rec = &harness.Record{Register: kind.register.verifier(), Format: harness.Format, Rules: harness.Rules, RunID: runID, PackID: packID.String(), Status: harness.Completed, Inputs: sha,
		Scenario: *s, Profile: "fast", Environment: target.Environment, Executor: "a tester", Tool: toolInfo(), Target: target,
		Places: harness.PlacesOf(target), Hosts: []harness.Host{{Name: harness.LocalHost}}, Outcomes: loadgen.OutcomesOf(s.Workloads()...),
		Anchor: anchor, Started: started, SealPolicy: []string{}, Approvals: []string{}}
	b.rec.Executor, b.rec.SealPolicy, b.rec.Status, b.rec.StatusReason = kind.executor, in.SealPolicy, kind.status, kind.reason
	return b, errors.Join(b.journal.Checkpoint("start"), b.streams())
}

// streams writes closed files of samples, every one of them OK, for the loads of the fixture.
func (b *bagged) streams() error {
	run, err := uuid.Parse(b.rec.RunID)
	if err != nil {
		return err
	}
	dir := filepath.Join(b.bag(), "data", "samples")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, load := range b.loads {
		f, err := os.Create(filepath.Join(dir, load+".bin"))
		if err != nil {
			return err
		}
		w, err := loadgen.NewSampleWriter(f, loadgen.Header{Run: run, Stream: uint32(i + 1), Anchor: int64(b.rec.Anchor)})
		if err != nil {
			return err
		}
		for n := range uint64(fixtureSamples) {
			err = errors.Join(err, w.Write(b.sample(load, n)))
		}
		if err := errors.Join(err, w.Close(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// sample is the n-th of a load.
func (b *bagged) sample(load string, n uint64) loadgen.Sample {
	due := loadgen.Every(int(b.spec(load).Rate.PerSecond()), 0).Due(n)
	s := loadgen.Sample{Seq: n, Due: due, Sent: due + 1000, Done: due + 2_000_000, Outcome: loadgen.OK, Status: 200}
	if load == "queries" && n >= uint64(fixtureSamples-b.kind.failing) {
		s.Outcome, s.Status = loadgen.HTTP5xx, 503
	}
	return s
}

// spec finds a load of the fixture's scenario.
func (b *bagged) spec(load string) harness.LoadSpec {
	for _, l := range b.rec.Scenario.Load {
		if l.ID == load {
			return l
		}
	}
	panic("the scenario has no load " + load)
}

// breakRegion tells of a fault in force: in the record, the events and the undo log.
func (b *bagged) breakRegion() error {
	target, plans, err := outline(context.Background(), b.rec.Scenario, runFlags{})
	if err != nil {
		return err
	}
	now := b.clock.Now()
	b.rec.Target = target
	b.rec.Baseline = harness.Interval{Lo: b.rec.Started, Hi: now}
	b.rec.Faults = []harness.FaultRecord{{Plan: plans[0], Do: harness.Interval{Lo: now, Hi: now + 1}, InForce: harness.Interval{Lo: now, Hi: now + 2}, Confirmed: true}}
	if err := b.act(now, harness.Acts(b.rec.Scenario)[:5]); err != nil { // up to the fault
		return err
	}
	log, err := harness.CreateUndoLog(filepath.Join(b.dir, "undo.jsonl"), b.clock)
	if err != nil {
		return err
	}
	for _, st := range plans[0].Steps {
		n, putErr := log.Put(plans[0].Fault.Kind, st)
		err = errors.Join(err, putErr, log.Done(n))
	}
	err = errors.Join(err, log.Close(), b.journal.Append(harness.Event{Kind: "steady.held", At: b.rec.Baseline, Phase: "baseline", Text: "held"}))
	return errors.Join(err, b.journal.Checkpoint("fault"),
		b.journal.Append(harness.Event{Kind: "fault.done", At: b.rec.Faults[0].Do, Phase: "inject", Text: "region.partition carried out"}), b.journal.Append(harness.Event{Kind: "fault.in-force",
			At: harness.Interval{Lo: now, Hi: now + 2}, Phase: "inject", Text: "region.partition is in force"}))
}

// act tells of acts that were carried out at a moment.
func (b *bagged) act(now harness.Stamp, acts []harness.PlannedAct) error {
	for _, act := range acts {
		act.At = harness.Interval{Lo: now, Hi: now}
		b.rec.Acts = append(b.rec.Acts, act.Act)
		for _, kind := range []string{"act.started", "act.ended"} {
			if err := b.journal.Append(harness.Event{Kind: kind, At: act.At, Phase: act.Kind, Text: act.Kind,
				Detail: map[string]string{"kind": act.Kind, "name": act.Name, "fault": act.Fault, "by": act.By}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// closed lists the streams of the fixture in the record, as a load that ended does.
func (b *bagged) closed() {
	for i, load := range b.loads {
		spec := b.spec(load)
		rate := int(spec.Rate.PerSecond())
		said, _ := loads.Traits(spec)
		b.rec.Streams = append(b.rec.Streams, harness.Stream{ID: i + 1, Load: load, Kind: "samples", File: "data/samples/" + load + ".bin",
			Workload: spec.Workload, Place: slices.IndexFunc(b.rec.Places, func(p harness.Place) bool { return p.Role == spec.Place }), Recorded: &said, Cohorts: cohortsOf(spec), Freq: rate, PerNS: int64(time.Second),
			StopNS: loadgen.Every(rate, 0).Due(fixtureSamples), TimeoutNS: int64(spec.Timeout), Count: fixtureSamples, Closed: true})
	}
}

func cohortsOf(l harness.LoadSpec) []string {
	t, _ := loads.Traits(l)
	return append([]string{}, t.Cohorts[:min(1, len(t.Cohorts))]...)
}

// die leaves the directory as a run that is killed does: the record as it stood, nothing closed.
func (b *bagged) die(out string) error {
	info := runInfo{RunID: b.rec.RunID, PID: 1, Started: b.rec.Started.Time(), Name: b.rec.Scenario.Metadata.Name, Target: "finrag", Out: out}
	if w := b.kind.register; w != nil {
		info.Store, info.RegisterKey = w.flags.place, w.flags.key
	}
	return errors.Join(saveInfo(b.dir, info), saveRecord(b.dir, b.rec, evidence.NewRedactor()))
}

// bind ends the fixture as a drill ends, up to its seal.
func (b *bagged) bind() error {
	b.closed()
	if b.kind.quiet {
		if err := b.quiet(); err != nil {
			return err
		}
		ledger := b.rec.Streams[slices.Index(b.loads, "ledger")]
		ledger.Kind, ledger.File = "ledger", "data/ledger/ledger.bin"
		b.rec.Streams = append(b.rec.Streams, ledger)
	} else if len(b.rec.Faults) == 0 {
		_, plans, err := outline(context.Background(), b.rec.Scenario, runFlags{})
		if err != nil {
			return err
		}
		b.rec.Faults = []harness.FaultRecord{{Plan: plans[0]}}
	}
	if err := b.act(b.clock.Now(), harness.Acts(b.rec.Scenario)[len(b.rec.Acts):]); err != nil {
		return err
	}
	b.rec.Ended = b.clock.Now()
	if b.rec.Observation.Never() {
		b.rec.Observation = harness.Interval{Lo: b.rec.Started, Hi: b.rec.Started.Add(b.rec.Scenario.Observe.D())}
	}
	if b.rec.Status != harness.Completed {
		said := harness.Event{Kind: "drill." + string(b.rec.Status), At: harness.Interval{Lo: b.rec.Ended, Hi: b.rec.Ended}, Text: b.rec.StatusReason}
		if err := b.journal.Append(said); err != nil {
			return err
		}
	}
	b.rec.Undo = harness.UndoRecord{At: harness.Interval{Lo: b.rec.Ended, Hi: b.rec.Ended}, Complete: true}
	if err := b.journal.Append(harness.Event{Kind: "undo.complete", At: b.rec.Undo.At, Phase: "undo", Text: "everything that was broken is restored"}); err != nil {
		return err
	}
	return evidence.Bind(context.Background(), evidence.Binding{Dir: b.bag(), Journal: b.journal, Record: b.rec, Redact: b.redact,
		UndoLog: filepath.Join(b.dir, "undo.jsonl"), Formats: formats})
}

// seal ends the fixture as a drill ends and writes its pack and root to out/NAME.
func (b *bagged) seal(out, name string) error {
	if err := b.bind(); err != nil {
		return err
	}
	id, root, _, err := signer(b.rec)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	_, _, err = evidence.Seal(context.Background(), evidence.Sealing{Dir: b.bag(), Base: b.rec.Scenario.Metadata.Name, Path: filepath.Join(out, name+".zip"),
		Redact: b.redact, Identity: id})
	return errors.Join(err, os.WriteFile(filepath.Join(out, name+".root.pem"), root, 0o644))
}

// sealed keeps the fixtures that were made; fixtures guards it.
var sealed = map[string]map[string][]byte{}

// sealedFixture is a small pack with two streams, of one of fixtureKinds; each is made once.
func sealedFixture(kind string) (files map[string][]byte, err error) {
	fixtures.Lock()
	defer fixtures.Unlock()
	if files := sealed[kind]; files != nil {
		return files, nil
	}
	k, ok := fixtureKinds[kind]
	if !ok {
		return nil, fmt.Errorf("there is no fixture of kind %q", kind)
	}
	dir, err := os.MkdirTemp("", "blackstart-fixture-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b, err := newBagOf(k, filepath.Join(dir, "run"), uuid.Must(uuid.NewV7()).String(), "queries", map[bool]string{true: "ledger", false: "edge"}[k.quiet])
	if err != nil {
		return nil, fmt.Errorf("make fixture: %w", err)
	}
	if err := b.seal(dir, "small"); err != nil {
		return nil, fmt.Errorf("make fixture: %w", err)
	}
	files = map[string][]byte{}
	if _, files["other.root.pem"], _, err = signer(&harness.Record{Executor: "somebody else", Environment: harness.Rehearsal}); err != nil {
		return nil, err
	}
	for _, name := range []string{"small.zip", "small.root.pem"} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	sealed[kind] = files
	return files, nil
}
