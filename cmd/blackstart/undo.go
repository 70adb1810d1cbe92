package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/targets/finrag"
)

func undoCommand() *cobra.Command {
	var store storeFlags
	var people, givenUp string
	cmd := &cobra.Command{
		Use:   "undo",
		Short: "finish what a drill that was killed left behind",
		Long: `Looks for drills whose process is gone, says what was found, takes back what may
still be in force, and seals what was recorded as an interrupted drill. It may
be run at any time and as often as you like.

A run that was opened in a register is closed there. Where its store or key lie
elsewhere now, name both; another register than its own is refused.

A run on the target of a file whose end nothing shows keeps other drills away.
Who has seen to the target otherwise says so with --given-up: it is told in the
pack, if there is none yet, and the exit code is 5 once more.

Ctrl-C does not end it. Twice: the rest is left to the next one.`,
		Example: `  blackstart undo
  blackstart undo --given-up "Ann Operator: east.db was rebuilt from a backup"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ignoreBrokenPipe()
			if err := wrongGivenUp(givenUp); err != nil {
				return err
			}
			st, err := openState()
			if err != nil {
				return err
			}
			defer st.close()
			found, err := restore(cmd.Context(), st, cmd.ErrOrStderr(), func(text string) { printWrapped(cmd.OutOrStdout(), text) }, store, people, givenUp)
			if err == nil && found == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing to undo: no drill was left unfinished")
			}
			return err
		},
	}
	peopleFlag(cmd, &people)
	cmd.Flags().StringVar(&givenUp, "given-up", "", "\"NAME: WHY\" of who has seen to a target that nothing shows to be restored")
	store.storeFlag(cmd, ", if it is not where it was")
	store.keyFlag(cmd)
	return cmd
}

func printWrapped(out io.Writer, text string) {
	for _, line := range wrap(text, screenWidth, 2) {
		fmt.Fprintln(out, line)
	}
}

// undoUnfinishedRuns is what `run` does first: the next command must say what happened.
func undoUnfinishedRuns(ctx context.Context, st *state, stderr io.Writer, s *screen, store storeFlags, people string) error {
	_, err := restore(ctx, st, stderr, func(text string) { s.say("%s", text) }, store, people, "")
	var exit *exitError
	if errors.As(err, &exit) && exit.code != harness.ExitUndo { // nothing of it is in force: it keeps nobody from a drill
		s.say("error: %v", exit.err)
		s.say("hint: %s", exit.hint)
		return nil
	}
	return err
}

// restore finishes every run whose process is gone. A signal does not end it, a second one does.
func restore(ctx context.Context, st *state, stderr io.Writer, say func(string), store storeFlags, people, givenUp string) (int, error) {
	left, err := st.unfinishedRuns()
	if err != nil || len(left) == 0 {
		return 0, err
	}
	if err := store.resolve(); err != nil {
		return 0, err
	}
	var waiting atomic.Int32
	waiting.Store(int32(len(left))) //nolint:gosec // runs of one machine
	defer onUndoInterrupt(ctx, stderr, &waiting)()
	var worst *exitError // one that cannot be finished keeps nobody from the others
	for _, l := range left {
		l.store, l.people, l.notify, l.givenUp = store, people, say, givenUp
		e := l.finish(context.WithoutCancel(ctx), say, func() { waiting.Add(-1) })
		if e == nil {
			continue
		}
		if worst != nil {
			say("error: " + e.Error())
		}
		if worst == nil || e.code == harness.ExitUndo {
			worst = e
		}
	}
	if worst != nil {
		return 0, worst
	}
	return len(left), nil
}

// finish ends what is left of one run, says what it was, and seals what it recorded. No secret of the run is printed. undone is
// called when nothing of it is in force any more.
func (l unfinishedRun) finish(ctx context.Context, say func(string), undone func()) *exitError {
	secrets, secretsErr := finrag.SecretsIn(l.dir)
	redact := evidence.NewRedactor(secrets...)
	e := l.undo(ctx, func(text string) { say(redact.Text(text)) }, undone, redact, secretsErr)
	if e != nil {
		e.err = redacted{e.err, redact}
	}
	return e
}

// undo is finish, whose errors are not redacted. Without its secrets nothing is sealed.
func (l unfinishedRun) undo(ctx context.Context, say func(string), undone func(), redact *evidence.Redactor, secretsErr error) *exitError {
	say("found " + l.kind() + ": " + l.describe())
	done, err := l.recover(ctx, redact)
	var left *exitError
	if err != nil {
		left = &exitError{code: harness.ExitUndo, err: fmt.Errorf("undo run %s: %w", l.info.RunID, err),
			hint: "its state is kept in " + l.dir + "; mend the cause and run `blackstart undo` again"}
	}
	if left != nil {
		var ok bool
		if done, ok = l.giveUp(done, left, redact); !ok {
			return left
		}
	}
	undone()
	open, logErr := harness.ReadUndoLog(filepath.Join(l.dir, "undo.jsonl"))
	var inForce []string
	for _, e := range open {
		if !slices.Contains(inForce, e.Fault) {
			inForce = append(inForce, e.Fault)
		}
	}
	done.report(say, inForce, logErr)
	if secretsErr != nil {
		return l.quarantine(fmt.Errorf("seal what run %s recorded: its secrets, which are to be taken out: %w", l.info.RunID, secretsErr), redact)
	}
	if err := l.keepRecord(ctx, len(open) > 0 || logErr != nil, done, redact, say); err != nil {
		return l.quarantine(fmt.Errorf("seal what run %s recorded: %w", l.info.RunID, err), redact)
	}
	return left
}

// keepRecord sees to it that what was recorded is in a pack, and removes the run's state.
func (l unfinishedRun) keepRecord(ctx context.Context, wasInForce bool, done undoOutcome, redact *evidence.Redactor, say func(string)) error {
	if done, err := sealedOf(l.dir).there(); err != nil {
		return err
	} else if done {
		path, err := l.place()
		if err != nil {
			return err
		}
		say("its pack was complete: " + path)
		if err := l.closeInRegister(ctx, say, path, ""); err != nil {
			return err
		}
		return os.RemoveAll(l.dir)
	}
	path, told, err := l.sealPartial(ctx, wasInForce, done, redact)
	switch {
	case err != nil:
		return err
	case path != "":
		say(told + ": " + path)
	default:
		say("nothing had been recorded yet: there is no pack")
	}
	if err := l.closeInRegister(ctx, say, path, l.gone()+" before anything was recorded"); err != nil {
		return err
	}
	return os.RemoveAll(l.dir)
}

// sealPartial makes a pack of what a run recorded that has none; "" if it had recorded nothing. A run whose evidence was
// bound by its own key is only sealed; anything else is an interrupted drill.
func (l unfinishedRun) sealPartial(ctx context.Context, wasInForce bool, done undoOutcome, redact *evidence.Redactor) (path, told string, err error) {
	bag := filepath.Join(l.dir, "bag")
	rec, err := l.salvage(bag)
	if err != nil || rec == nil {
		return "", "", err
	}
	bound, err := evidence.Bound(bag)
	if err != nil {
		return "", "", err
	}
	told = "what was recorded is sealed as an interrupted drill"
	if l.kind() == doneKind {
		told = "everything had been recorded and bound to the run; it is sealed now"
	}
	if !bound {
		if err := l.bindInterrupted(ctx, bag, rec, redact, wasInForce, done); err != nil {
			return "", "", err
		}
	}
	path, err = l.write(ctx, bag, rec, redact)
	return path, told, err
}

// gone says what became of the process, as far as is known.
func (l unfinishedRun) gone() string {
	if why := readEndReason(l.dir); why != "" {
		return "the process ended without a pack (" + why + ")"
	}
	return "the process is gone and left no word (killed, or its machine went down)"
}

// bindInterrupted completes the record of a run that ended on the way. The key of the run is gone: what the undo adds is not
// signed by it.
func (l unfinishedRun) bindInterrupted(ctx context.Context, bag string, rec *harness.Record, redact *evidence.Redactor, wasInForce bool, done undoOutcome) error {
	rec.Status, rec.StatusReason = harness.Interrupted, redact.Text(l.gone()+" during "+lastPhase(rec))
	done.apply(rec)
	text := l.gone() + "; " + done.end()
	if wasInForce {
		text += "; a fault may have been in force"
	}
	journal, err := resumeEvents(bag, rec, redact, text, done)
	if err != nil {
		return err
	}
	if rec.Streams, err = salvageStreams(bag, rec); err != nil {
		return err
	}
	salvageProbes(bag, rec)
	logs := filepath.Join(l.dir, "logs") // copied when the target was stopped
	if _, err := os.Stat(logs); err != nil {
		logs = filepath.Join(l.dir, "target", "logs")
	}
	return evidence.Bind(ctx, evidence.Binding{Dir: bag, Journal: journal, Record: rec, Redact: redact,
		Logs: logs, UndoLog: filepath.Join(l.dir, "undo.jsonl"), Formats: formats})
}

// lastPhase is the act that was under way: the one after those that the record has.
func lastPhase(rec *harness.Record) string {
	if acts := harness.Acts(rec.Played()); len(rec.Acts) < len(acts) {
		return acts[len(rec.Acts)].Kind
	}
	return "sealing"
}

// salvage reads the record as it stood; nil if the run had not got that far.
func (l unfinishedRun) salvage(bag string) (*harness.Record, error) {
	rec, err := l.record()
	if err != nil || rec == nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(bag, filepath.FromSlash(seal.EventsFile))); err != nil {
		return nil, nil
	}
	return rec, nil
}

// resumeEvents splits off a torn tail, and adds what was taken back and proved.
func resumeEvents(bag string, rec *harness.Record, redact *evidence.Redactor, text string, done undoOutcome) (*evidence.Journal, error) {
	log := filepath.Join(bag, filepath.FromSlash(seal.EventsFile))
	if _, err := seal.SplitTorn(log, filepath.Join(bag, "data", "events.torn"), rec.Inputs); err != nil {
		return nil, err
	}
	journal, err := evidence.ResumeJournal(bag, rec.Inputs, redact)
	if err != nil {
		return nil, err
	}
	first := harness.Event{Kind: "drill.interrupted", At: harness.Interval{Lo: done.Began, Hi: done.Began}, Phase: "undo", Text: text}
	last := harness.Event{Kind: map[bool]string{true: "undo.complete", false: "undo.given-up"}[rec.Undo.Complete], At: harness.Interval{Lo: rec.Ended, Hi: rec.Ended}, Phase: "undo", Text: rec.Undo.Detail}
	for _, e := range slices.Concat([]harness.Event{first}, done.Events, []harness.Event{last}) {
		if err := journal.Append(e); err != nil {
			return nil, err
		}
	}
	return journal, nil
}

// write seals the pack, and puts it where the run would have put it. Files of a seal that was cut short are made anew.
func (l unfinishedRun) write(ctx context.Context, bag string, rec *harness.Record, redact *evidence.Redactor) (string, error) {
	if err := evidence.Unseal(bag); err != nil {
		return "", err
	}
	if _, _, _, err := sealedOf(l.dir).seal(ctx, rec, evidence.Sealing{Dir: bag, Base: rec.Scenario.Metadata.Name, Redact: redact}); err != nil {
		return "", err
	}
	return l.place()
}

// place puts the pack of a run that is sealed where the run would have put it.
func (l unfinishedRun) place() (string, error) {
	name, out := l.info.Name, l.info.Out
	if out == "" { // what the run knew of itself is gone
		out = filepath.Join(l.dir, "..", "..", "packs")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	if name == "" {
		rec, err := l.record()
		if err != nil || rec == nil {
			return "", errors.Join(errors.New("what the run is called is gone"), err)
		}
		name = rec.Scenario.Metadata.Name
	}
	path, _, err := sealedOf(l.dir).place(out, name)
	return path, err
}
