package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/harness"
	"blackstart/harness/targets/external"
	"blackstart/scenarios"
)

type runFlags struct {
	target, on, profile, out string
	asJSON, keepState        bool
	observeOnly              bool
	junit, executor          string
	people                   string
	permit                   permitFlags
	store                    storeFlags
	trust                    string
	file                     *external.File // that target names; nil: a rehearsal target
}

func (f *runFlags) targetFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.target, "target", rehearsalTarget, "the system under test: a target `FILE`, or finrag, the rehearsal system that ships with the tool")
	cmd.Flags().StringVar(&f.on, "on", "processes", "how a rehearsal target is made: "+rehearsalNames())
	cmd.Flags().StringVar(&f.profile, "profile", "", "fast or standard timings; a rehearsal target has fast ones unless told otherwise, a target file standard ones")
	observeFlag(cmd, &f.observeOnly)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.readTarget(cmd.Flags().Changed("on")); err != nil {
			return err
		}
		return f.observe()
	}
}

// profileName is the profile that was asked for, or the one that goes with the target.
func (f *runFlags) profileName() string {
	switch {
	case f.profile != "":
		return f.profile
	case f.file != nil:
		return scenarios.Standard
	}
	return "fast"
}

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "run a drill and seal its evidence",
		Long: `Starts the target, loads it, waits for the steady state, breaks what the
scenario says, measures what users see, undoes it, judges, and writes a signed
pack to DIR/NAME.zip. An earlier pack of that name is kept under a name with its
time.

With --observe-only nothing is broken, and nobody does anything: what the
scenario watches is watched for as long as it takes. The pack says so, and it
ends with exit code 3 at best.

Ctrl-C undoes first and still writes the pack. Twice: the undo is left to
` + "`blackstart undo`" + `.`,
		Example: `  blackstart run scenarios/finrag/region-partition.yaml --out out
  blackstart run scenarios/finrag/region-kill.yaml --json --junit out/junit.xml
  blackstart run dc-loss.yaml --target orders.target.yaml --observe-only`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDrill(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], f)
		},
	}
	f.targetFlags(cmd)
	cmd.Flags().StringVar(&f.out, "out", "out", "`DIR` for the pack; it is made")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	cmd.Flags().StringVar(&f.junit, "junit", "", "also write the result as JUnit XML to `FILE`")
	cmd.Flags().StringVar(&f.executor, "executor", "", "natural person who runs the drill; the account's name if empty")
	f.permit.flags(cmd)
	peopleFlag(cmd, &f.people)
	f.registerFlags(cmd)
	cmd.Flags().BoolVar(&f.keepState, "keep-state", false, "keep the run's state directory (it holds secrets) to look into it")
	return cmd
}

// runDrill is a run from the command line to the exit code.
func runDrill(ctx context.Context, stdout, stderr io.Writer, path string, f runFlags) error {
	if err := scenarios.CheckText(f.executor, maxExecutor); err != nil {
		return usage(fmt.Errorf("--executor %.50q: %w", f.executor, err), "name a person on one line")
	}
	s, loaded, err := loadScenario(ctx, f.file, path, f.profileName())
	if err != nil {
		return err
	}
	target, plans, err := outline(ctx, *s, f)
	if err != nil {
		return err
	}
	if err := permitted(f.file, *s, plans, f.permit, time.Now()); err != nil {
		return err
	}
	if err := f.resources(ctx, f.played(*s)); err != nil {
		return err
	}
	writer, storeErr := f.register(ctx)
	if storeErr != nil && !anyRuns() { // a run that was left goes before a store that is away: a fault may be in force
		return storeErr
	}
	ignoreBrokenPipe()
	screen := newScreen(stderr, false)
	st, err := openState()
	if err != nil {
		return err
	}
	defer st.close()
	if err := undoUnfinishedRuns(ctx, st, stderr, screen, f.store, f.people); err != nil {
		return err
	}
	if err := cmp.Or(storeErr, permitted(f.file, *s, plans, f.permit, time.Now())); err != nil { // again: people may have been long about what was left
		return err
	}
	if err := f.roomFor(st.dir); err != nil {
		return err
	}
	who, stopAsking, err := openPeople(f.people, asksPeople(f.played(*s), plans), func(text string) { screen.say("%s", text) })
	if err != nil {
		return err
	}
	defer stopAsking()
	junit, err := openJUnit(f.junit)
	if err != nil {
		return err
	}
	d, err := newDrillRun(drillRequest{flags: f, scenario: *s, loaded: loaded, target: target, plans: plans, state: st, screen: screen, junit: junit, register: writer, people: who})
	if err != nil {
		return err
	}
	stopTwice := d.secondInterrupt(ctx, stderr)
	defer stopTwice()
	res, err := d.run(ctx)
	if res.Findings.Reason != "" { // the verdict is told whatever happened to files
		err = errors.Join(err, d.report(stdout, res))
	}
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		return err
	case err != nil:
		return harnessError(err, "")
	}
	if res.Findings.Exit != harness.ExitPass {
		return &exitError{code: res.Findings.Exit, err: errors.New(res.Findings.Reason), shown: true}
	}
	return nil
}

// drillRequest is what a drill is made from.
type drillRequest struct {
	flags    runFlags
	scenario harness.Scenario
	loaded   scenarios.Loaded
	target   harness.Description
	plans    []harness.Plan
	state    *state
	screen   *screen
	junit    *os.File             // nil: none is asked for
	register *registerWriter      // nil: the run is opened in none
	people   harness.People       // nil: nobody is asked for anything
	observe  *harness.ObserveOnly // nil: a drill
}

// drillRun is one run of the command: the harness's story plus everything around it.
type drillRun struct {
	drillRequest
	runID, packID string
	dir           string // the run's state directory
	info          runInfo
	unsealed      bool // something is on record and no pack has it
	unclosed      bool // the register could not be told how it ended
	shutdown      gracefulShutdown
	clock         *harness.Clock
	redact        *evidence.Redactor
	driver        harness.Driver
	journal       *evidence.Journal
	arrivals      atomic.Pointer[evidence.Journal] // the same, for the goroutines of the receivers
	inputsSHA     string
	executor      string
	tool          harness.Tool
}

func newDrillRun(r drillRequest) (*drillRun, error) {
	runID, err := uuid.NewV7FromReader(rand.Reader)
	if err != nil {
		return nil, harnessError(err, "")
	}
	packID, err := uuid.NewV7FromReader(rand.Reader)
	if err != nil {
		return nil, harnessError(err, "")
	}
	redact := evidence.NewRedactor()
	r.observe = observation(r.flags.file, r.scenario)
	driver, err := r.flags.driver(redact.Text)
	if err != nil {
		return nil, err
	}
	d := &drillRun{drillRequest: r, runID: runID.String(), packID: packID.String(), clock: harness.NewClock(),
		redact: redact, driver: driver, executor: executorName(r.flags.executor), tool: toolInfo(),
		shutdown: newGracefulShutdown()}
	if page, ok := r.people.(interface{ Secret() string }); ok {
		d.redact.Add(page.Secret())
	}
	out, err := filepath.Abs(r.flags.out)
	if err != nil {
		return nil, harnessError(err, "")
	}
	d.info = runInfo{RunID: d.runID, PID: os.Getpid(), Started: time.Now().UTC(), Scenario: r.loaded.Path,
		Name: r.scenario.Metadata.Name, Target: r.flags.target, Out: out, Store: r.flags.store.place, RegisterKey: r.flags.store.key}
	if d.dir, err = r.state.begin(d.info); err != nil {
		return nil, harnessError(err, "")
	}
	return d, nil
}

func (d *drillRun) bag() string { return filepath.Join(d.dir, "bag") }

// run tells the story, then judges and seals. After it returns, the run's state directory is gone unless something may
// still be in force or it was asked for.
func (d *drillRun) run(ctx context.Context) (res result, err error) {
	defer func() {
		if err != nil {
			err = d.redactError(d.abandon(err))
		}
	}()
	inbox, err := d.openInbox(ctx)
	if err != nil {
		return result{}, harnessError(err, "our own receivers could not be opened; nothing was started")
	}
	defer inbox.Close() // may be called twice
	d.redact.Add(secretsOf(inbox.Deliveries())...)
	if err := d.driver.Check(ctx, d.startRequest(inbox)); err != nil {
		return result{}, attachError(err, d.flags.target)
	}
	if p, ok := d.driver.(interface {
		Prepare(context.Context, func(string)) error
	}); ok { // images are built once, outside the limit of a start
		if err := p.Prepare(ctx, func(line string) { d.screen.say("%s", line) }); err != nil {
			return result{}, harnessError(err, "")
		}
	}
	if err := errors.Join(d.writeInputs(ctx), d.writeAbort()); err != nil {
		return result{}, harnessError(err, "nothing was started")
	}
	inbox.look(ctx, d)
	rec, err := harness.Run(ctx, d.parts(inbox))
	if err != nil {
		d.screen.say("harness: %v", d.redact.Text(err.Error()))
	}
	if rec.Status == harness.Broken && rec.Baseline.Never() && len(rec.Streams) == 0 {
		return result{}, harnessError(fmt.Errorf("the drill did not start: %s", d.redact.Text(rec.StatusReason)), "nothing was broken; everything that was started is stopped")
	}
	d.unsealed = true
	inbox.Close() // nothing more may arrive in a log that is about to end
	ctx = context.WithoutCancel(ctx)
	if err := d.bind(ctx, rec); err != nil {
		return result{}, err
	}
	return d.seal(ctx, rec)
}

// bind ties what was measured to the run, by the key that dies with this process.
func (d *drillRun) bind(ctx context.Context, rec *harness.Record) error {
	err := evidence.Bind(ctx, evidence.Binding{Dir: d.bag(), Journal: d.journal, Record: rec, Redact: d.redact,
		Logs: filepath.Join(d.dir, "logs"), UndoLog: filepath.Join(d.dir, "undo.jsonl"), Formats: formats})
	if err == nil {
		d.screen.say("record written and bound to the run")
		d.shutdown.markBound()
	}
	return err
}

// seal judges the record and writes the pack. The verdict comes back whatever happens to files.
func (d *drillRun) seal(ctx context.Context, rec *harness.Record) (result, error) {
	name := d.scenario.Metadata.Name
	here := sealedOf(d.dir)
	findings, sealed, fingerprint, err := here.seal(ctx, rec, evidence.Sealing{
		Dir: d.bag(), Base: name, Redact: d.redact, Progress: func(text string) { d.screen.say("%s", text) },
	})
	if err != nil {
		return result{}, err
	}
	path, root, err := here.place(d.flags.out, name)
	if err != nil {
		return result{}, err
	}
	res := result{Pack: path, Root: root, Findings: findings, ManifestSHA256: sealed.ManifestSHA256, RootFingerprint: fingerprint,
		Profile: rec.Profile, Environment: rec.Environment}
	d.unsealed = false
	if d.junit != nil { // it tells how the drill ended, whatever the register says
		err = errors.Join(writeJUnit(d.junit, name, findings), d.junit.Close())
	}
	said, closeErr := d.closeInRegister(ctx, path, "")
	res.Register = said
	if err = errors.Join(err, closeErr); closeErr == nil && findings.Exit != harness.ExitUndo {
		err = errors.Join(err, d.finish())
	}
	if err != nil {
		return res, fmt.Errorf("%w; the pack is written: %s", err, path)
	}
	return res, nil
}
