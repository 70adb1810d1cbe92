package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"time"

	"blackstart/docs"
	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/kernelclock"
	"blackstart/harness/loads"
	"blackstart/harness/receivers"
	"blackstart/harness/reconcile"
	"blackstart/harness/target"
	"blackstart/harness/targets/external"
	"blackstart/harness/victim"
	"blackstart/internal/shortage"
	"blackstart/scenarios"
)

// formats are the pages that explain every file and every number; they go into each pack.
var formats = docs.Carried()

// decisionLimit bounds the target's own log, in bytes.
const decisionLimit = 1 << 20 // a quarter of what a record may take

// driver makes the driver for the target that the flags name. redact takes the secrets out of what an attached target says.
func (f *runFlags) driver(redact func(string) string) (harness.Driver, error) {
	if f.file != nil {
		return external.New(*f.file, redact), nil
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	for _, r := range rehearsals {
		if r.name == f.on || (f.on == "" && r.name == "processes") {
			return r.open(cache), nil
		}
	}
	return nil, usage(fmt.Errorf("there is no way %q to make a rehearsal target", f.on), "--on takes "+rehearsalNames())
}

// cacheDir outlives every run: the PostgreSQL bundle is fetched once.
func cacheDir() (string, error) {
	dir, err := stateDir()
	if err != nil {
		return "", harnessError(err, "set BLACKSTART_STATE to a directory of your own")
	}
	return filepath.Join(dir, "cache"), nil
}

// droppedMessages says that there were more messages than a record has room for: alerts cannot be judged from the rest.
func droppedMessages(n int) []string {
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("our receivers: %d messages came after the first %d and were not kept", n, receivers.MaxArrivals)}
}

// arrivalEvent tells of one message at our receivers: received, or answered as the real service would answer what it refuses; or of one
// state that polling showed.
func arrivalEvent(a harness.Arrival) harness.Event {
	kind, verb := "alert.received", "received"
	detail := map[string]string{"channel": a.Channel, "event": a.Event, "severity": a.Severity, "class": a.Class, "component": a.Component, "group": a.Group}
	for key, text := range map[string]string{"dedup_key": a.DedupKey, "label": a.Label} {
		if text != "" {
			detail[key] = text
		}
	}
	switch {
	case a.Polled:
		kind, verb, detail["earliest"] = "alert.seen", "state seen", a.Earliest.String()
	case !a.Accepted:
		kind, verb = "alert.refused", fmt.Sprintf("refused with %d", a.Status)
	}
	return harness.Event{Kind: kind, At: harness.Interval{Lo: a.At, Hi: a.At}, Text: fmt.Sprintf("%s %s (%s) %s", a.Channel, verb, a.Event, a.Summary), Detail: detail}
}

func secretsOf(deliveries []harness.Delivery) []string {
	var secrets []string
	for _, dl := range deliveries {
		secrets = append(secrets, dl.Secret)
	}
	return secrets
}

func (d *drillRun) startRequest(r *inbox) harness.StartRequest {
	return harness.StartRequest{RunID: d.runID, Dir: d.dir, Profile: d.flags.profileName(), Settings: d.scenario.Target.Settings,
		Deliveries: r.Deliveries(), AddSecrets: d.redact.Add, Progress: func(line string) { d.screen.say("%s", d.redact.Text(line)) }}
}

// writeInputs fixes what was asked before anything is started.
func (d *drillRun) writeInputs(ctx context.Context) error {
	key, err := seal.NewRunKey("blackstart/" + d.runID)
	if err != nil {
		return err
	}
	in := evidence.Inputs{
		Format: harness.Format, RunID: d.runID, PackID: d.packID, Register: d.register.verifier(), SealPolicy: []string{}, Approvals: []string{},
		ScenarioName: d.scenario.Metadata.Name, ToolSHA256: d.tool.SHA256, ToolVersion: d.tool.Version,
		Profile: d.flags.profileName(), Overrides: map[string]string{}, Environment: d.target.Environment, ObserveOnly: d.observe != nil,
		Executor: d.executor, ExecutorProof: "self-asserted: name of the operating-system account or of --executor",
		CIJob: ciJob(), RunKey: key.Verifier(), Anchor: d.clock.Anchor(), Phases: []string{"start", "fault", "end"},
		Reports: evidence.ReportSpecs(),
	}
	asked := evidence.DrillFiles{Scenario: scenarioFiles(d.loaded), Target: d.target, Plan: d.plans}
	if f := d.flags.file; f != nil {
		asked.TargetFile = &evidence.ScenarioFile{Name: filepath.Base(f.Path), Data: f.Bytes}
	}
	if d.inputsSHA, err = evidence.WriteInputs(d.bag(), in, asked, d.redact); err != nil {
		return err
	}
	if d.journal, err = evidence.NewJournal(d.bag(), d.inputsSHA, key, d.redact, d.clock); err != nil {
		return err
	}
	said, err := d.register.openRun(ctx, d.bag(), d.clock.Now().Time(), d.scenario, d.redact, d.journal) // event 1, whatever arrives
	if err != nil {
		return err
	}
	if said != "" {
		d.screen.say("register of %s", said)
	}
	d.arrivals.Store(d.journal)
	return nil
}

// scenarioFiles are the files that a scenario was read from, each by its bare name.
func scenarioFiles(l scenarios.Loaded) []evidence.ScenarioFile {
	var all []evidence.ScenarioFile
	for _, f := range l.Files {
		all = append(all, evidence.ScenarioFile{Name: filepath.Base(f.Name), Data: f.Bytes})
	}
	return all
}

// parts ties everything together for the harness.
func (d *drillRun) parts(r *inbox) harness.Parts {
	return harness.Parts{
		Scenario: d.scenario, Profile: d.flags.profileName(), RunID: d.runID, PackID: d.packID, Register: d.register.verifier(), InputsSHA: d.inputsSHA,
		Executor: d.executor, Environment: d.target.Environment, ObserveOnly: d.observe, Tool: d.tool, Clock: d.clock,
		StateDir: d.dir, DataDir: filepath.Join(d.bag(), "data"), Driver: d.driver, Inbox: r, Journal: d.journal, Watch: d.show,
		LeaveEarly: d.shutdown.exitEarly, Undone: d.shutdown.markUndone, Redact: d.redact.Bytes, AddSecrets: d.redact.Add,
		Injector: injector, OpenLoad: loads.Open, OpenProbe: probesFor(&d.scenario, d.observe != nil), Follows: victim.Follows, Decisions: d.decisions,
		Announce:  d.notify(func(t *target.Target) []target.Announce { return t.Announce }, "begins"),
		StandDown: d.notify(func(t *target.Target) []target.Announce { return t.StandDown }, "is over"),
		Await: func(ctx context.Context, s harness.RunningTarget, checks []harness.Check, within time.Duration) (harness.Interval, error) {
			return victim.Await(ctx, s.Target, d.driver, checks, within, s.Clock)
		},
		People: d.people,
		Witness: func(ctx context.Context, s harness.RunningTarget, checks []harness.Check) (harness.Interval, error) {
			return victim.Witness(ctx, s.Target, d.driver, checks, s.Clock)
		},
		Reconcile: reconcile.Ledger(d.driver), Prepare: reconcile.Prepare(d.flags.played(d.scenario).Load),
		Kernel:    func(phase string) harness.ClockReading { return kernelclock.Read(phase, d.clock) },
		Slept:     kernelclock.Slept,
		Shortages: func() []string { return append(shortage.Seen(), droppedMessages(r.Dropped())...) },
		Save:      func(rec *harness.Record) error { return saveRecord(d.dir, rec, d.redact) },
	}
}

// saveRecord keeps the record as it stands, for a run that is killed.
func saveRecord(dir string, rec *harness.Record, redact *evidence.Redactor) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return writeAtomic(filepath.Join(dir, "record.json"), redact.Bytes(data))
}

// direct asks the target itself: no proxy of the environment stands between us and what it says, and it sends us nowhere else.
var direct = &http.Client{
	Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// readDecisions reads the target's own log over HTTP.
func readDecisions(ctx context.Context, log harness.DecisionLog) ([]harness.Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, log.URL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := direct.Do(req)
	if err != nil {
		shortage.Note("the reading of the target's own log", err)
		return nil, fmt.Errorf("read the target's own log: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the target's own log: HTTP %d", resp.StatusCode)
	}
	all, err := harness.ReadDecisions(io.LimitReader(resp.Body, decisionLimit), math.MaxInt)
	if err != nil {
		return all, fmt.Errorf("read the target's own log, %w", err)
	}
	return all, nil
}

// signer gives the identity that seals a drill: a throw-away key, whose name calls no drill a rehearsal that is none, and no observation
// a drill.
func signer(rec *harness.Record) (id *seal.Identity, rootPEM []byte, fingerprint string, err error) {
	what := "Drill by "
	if rec.Environment == harness.Rehearsal {
		what = "Rehearsal by "
	}
	if rec.ObserveOnly != nil {
		what = "Observation by "
	}
	t, err := seal.NewThrowawayIdentity(what + rec.Executor)
	if err != nil {
		return nil, nil, "", err
	}
	return t.Identity, t.RootPEM, t.Fingerprint, nil
}

// maxExecutor bounds the name of who runs a drill, in bytes: it stands in the certificate that seals it and on every report.
const maxExecutor = 100

// executorName is who runs the drill: the name given, else the account's. What the account says of its owner and cannot be sealed
// is left out.
func executorName(given string) string {
	if given != "" {
		return given
	}
	if u, err := user.Current(); err == nil {
		if full := u.Name + " (" + u.Username + ")"; u.Name != "" && u.Name != u.Username && scenarios.CheckText(full, maxExecutor) == nil {
			return full
		}
		return u.Username
	}
	return "not recorded"
}

// ciJob names the CI job that runs us, as the common CI systems say it.
func ciJob() string {
	for _, names := range [][]string{{"GITHUB_REPOSITORY", "GITHUB_RUN_ID"}, {"CI_PROJECT_PATH", "CI_JOB_ID"}, {"JOB_NAME", "BUILD_NUMBER"}} {
		if v := os.Getenv(names[0]); v != "" {
			return v + " " + os.Getenv(names[1])
		}
	}
	if os.Getenv("CI") != "" {
		return "CI job without a name"
	}
	return ""
}

// toolInfo says which build this is.
func toolInfo() harness.Tool {
	t := harness.Tool{Version: version, Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
	path, err := os.Executable()
	if err != nil {
		return t
	}
	if sum, err := digestOf(path); err == nil {
		t.SHA256 = sum
	}
	return t
}
