package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/targets/finrag"
)

func undoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "undo",
		Short: "finish what a drill that was killed left behind",
		Long: `Looks for drills whose process is gone, says what was found, takes back what may
still be in force, and seals what was recorded as an interrupted drill. It may
be run at any time and as often as you like.`,
		Example: `  blackstart undo`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			outliveReaders()
			st, err := openState()
			if err != nil {
				return err
			}
			defer st.close()
			found, err := restore(cmd.Context(), st, func(text string) { printWrapped(cmd.OutOrStdout(), text) })
			if err == nil && found == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing to undo: no drill was left unfinished")
			}
			return err
		},
	}
}

func printWrapped(out io.Writer, text string) {
	for _, line := range wrap(text, screenWidth, 2) {
		fmt.Fprintln(out, line)
	}
}

// restoreLeftovers is what `run` does first: the next command must say what happened.
func restoreLeftovers(ctx context.Context, st *state, s *screen) error {
	_, err := restore(ctx, st, func(text string) { s.say("%s", text) })
	return err
}

// restore finishes every run whose process is gone.
func restore(ctx context.Context, st *state, say func(string)) (int, error) {
	left, err := st.leftovers()
	if err != nil {
		return 0, err
	}
	var worst *exitError // one that cannot be finished keeps nobody from the others
	for _, l := range left {
		e := l.finish(context.WithoutCancel(ctx), say)
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

// finish ends what is left of one run, says what it was, and seals what it recorded.
func (l leftover) finish(ctx context.Context, say func(string)) *exitError {
	say("found an interrupted drill: " + l.describe())
	done, err := l.recover(ctx)
	if err != nil {
		return &exitError{code: harness.ExitUndo, err: fmt.Errorf("undo run %s: %w", l.info.RunID, err),
			hint: "its state is kept in " + l.dir + "; mend the cause and run `blackstart undo` again"}
	}
	open, logErr := harness.ReadUndoLog(filepath.Join(l.dir, "undo.jsonl"))
	var inForce []string
	for _, e := range open {
		if !slices.Contains(inForce, e.Fault) {
			inForce = append(inForce, e.Fault)
		}
	}
	done.tell(say, inForce, logErr)
	if err := l.keepRecord(ctx, len(open) > 0 || logErr != nil, done, say); err != nil {
		return &exitError{code: harness.ExitHarness, err: fmt.Errorf("seal what run %s recorded: %w", l.info.RunID, err),
			hint: "nothing of it is in force any more; its state is kept in " + l.dir + ": mend the cause and run `blackstart undo` again, or remove that directory"}
	}
	return nil
}

// keepRecord sees to it that what was recorded is in a pack, and removes the run's state.
func (l leftover) keepRecord(ctx context.Context, wasInForce bool, done undoing, say func(string)) error {
	if path := l.packThere(ctx); path != "" {
		say("its pack was complete: " + path)
		return os.RemoveAll(l.dir)
	}
	path, err := l.sealInterrupted(ctx, wasInForce, done)
	switch {
	case err != nil:
		return err
	case path != "":
		say("what was recorded is sealed as an interrupted drill: " + path)
	default:
		say("nothing had been recorded yet: there is no pack")
	}
	return os.RemoveAll(l.dir)
}

// packThere gives the pack of a run that died after it had written it whole, with its root; "" if there is none.
func (l leftover) packThere(ctx context.Context) string {
	path := filepath.Join(l.info.Out, l.info.Name+".zip")
	roots, err := seal.LoadRoots(filepath.Join(l.info.Out, l.info.Name+".root.pem"))
	if err != nil {
		return ""
	}
	checked, err := evidence.Verify(ctx, path, evidence.VerifyOptions{Roots: roots})
	if err != nil || checked.Record == nil || checked.Record.RunID != l.info.RunID || checked.Answer(seal.Integrity) != seal.OK ||
		checked.Answer(seal.Origin) != seal.OK {
		return ""
	}
	return path
}

// describe says which run it is, as far as is known.
func (l leftover) describe() string {
	if l.info.Name == "" {
		return "run " + l.info.RunID + ", which had hardly begun"
	}
	return fmt.Sprintf("%s, started %s, run %s", l.info.Name, l.info.Started.Format("2006-01-02 15:04:05Z"), l.info.RunID)
}

// sealInterrupted makes a pack of what a killed run recorded; "" if it had recorded nothing.
func (l leftover) sealInterrupted(ctx context.Context, wasInForce bool, done undoing) (string, error) {
	bag := filepath.Join(l.dir, "bag")
	rec, err := l.salvage(bag)
	if err != nil || rec == nil {
		return "", err
	}
	rec.Status, rec.StatusReason = harness.Interrupted, "the process was killed during "+lastPhase(rec)
	done.apply(rec)
	text := "the process was killed; " + done.end()
	if wasInForce {
		text += "; a fault may have been in force"
	}
	if err := l.closeEvents(bag, rec, text, done); err != nil {
		return "", err
	}
	if rec.Streams, err = salvageStreams(bag, rec); err != nil {
		return "", err
	}
	salvageProbes(bag, rec)
	redact := evidence.NewRedactor(finrag.SecretsIn(l.dir)...)
	if _, err := redact.CopyLogs(filepath.Join(l.dir, "target", "logs"), filepath.Join(bag, "data", "as-run", "logs")); err != nil {
		return "", err
	}
	if err := copyUndoLog(l.dir, bag, redact); err != nil {
		return "", err
	}
	return l.write(ctx, bag, rec, redact)
}

func lastPhase(rec *harness.Record) string {
	phases := []string{"setup", "plan", "soak", "baseline", "inject", "watch", "settle", "undo", "reconcile", "stop", "sealing"}
	for i, p := range phases {
		if len(rec.Phases) > 0 && rec.Phases[len(rec.Phases)-1].Name == p && i+1 < len(phases) {
			return phases[i+1]
		}
	}
	return phases[0]
}

// salvage reads the record as it stood; nil if the run had not got that far.
func (l leftover) salvage(bag string) (*harness.Record, error) {
	rec, err := l.record()
	if err != nil || rec == nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(bag, filepath.FromSlash(seal.EventsFile))); err != nil {
		return nil, nil
	}
	return rec, nil
}

// closeEvents splits off a torn tail, adds what was taken back and proved, and closes the event log.
func (l leftover) closeEvents(bag string, rec *harness.Record, text string, done undoing) error {
	log := filepath.Join(bag, filepath.FromSlash(seal.EventsFile))
	if _, err := seal.SplitTorn(log, filepath.Join(bag, "data", "events.torn"), rec.Inputs); err != nil {
		return err
	}
	chain, err := seal.ResumeChain(log, rec.Inputs)
	if err != nil {
		if isClosed(log) {
			return nil // it was killed while sealing: the log was complete
		}
		return err
	}
	first := harness.Event{Kind: "drill.interrupted", At: harness.Interval{Lo: done.Began, Hi: done.Began}, Phase: "undo", Text: text, Detail: map[string]string{}}
	last := harness.Event{Kind: "undo.complete", At: harness.Interval{Lo: rec.Ended, Hi: rec.Ended}, Phase: "undo", Text: rec.Undo.Detail, Detail: map[string]string{}}
	for _, e := range slices.Concat([]harness.Event{first}, done.Events, []harness.Event{last}) {
		if _, err := chain.Append(e); err != nil {
			return err
		}
	}
	_, err = chain.Close(nil)
	return err
}

func isClosed(log string) bool {
	data, err := os.ReadFile(log)
	return err == nil && strings.Contains(string(data), `"kind":"`+seal.ClosedKind+`"`)
}

// write seals the pack beside where the run would have put it. Files of a seal that was cut short are made anew.
func (l leftover) write(ctx context.Context, bag string, rec *harness.Record, redact *evidence.Redactor) (string, error) {
	if err := evidence.Unseal(bag); err != nil {
		return "", err
	}
	name, out := rec.Scenario.Metadata.Name, l.info.Out
	if out == "" { // what the run knew of itself is gone
		out = filepath.Join(l.dir, "..", "..", "packs")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	path, err := placeFor(out, name)
	if err != nil {
		return "", err
	}
	id, rootPEM, _, err := signer(rec.Executor)
	if err != nil {
		return "", err
	}
	if _, _, err := evidence.Seal(ctx, evidence.Sealing{Dir: bag, Base: name, Path: path, Record: rec,
		Redact: redact, Identity: id, Formats: formats}); err != nil {
		return "", err
	}
	root := filepath.Join(out, name+".root.pem")
	if err := writeAtomic(root, rootPEM); err != nil {
		return "", err
	}
	return path, os.Chmod(root, 0o644)
}
