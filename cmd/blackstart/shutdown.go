package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"blackstart/harness"
)

// bindLimit is how long somebody who is in a hurry waits for the evidence to be bound.
const bindLimit = 5 * time.Second

// gracefulShutdown is how a drill is stopped before its end: at the first signal it undoes, judges and seals; at the second it
// goes, as soon as nothing is in force and what was measured is bound to the run.
type gracefulShutdown struct {
	exitEarly  context.Context // done at the second signal
	cancelRest context.CancelFunc
	undone     chan struct{} // closed when nothing is in force any more
	bound      chan struct{} // closed when the evidence is bound: from then on it only has to be sealed
	markUndone func()
	markBound  func()
}

func newGracefulShutdown() gracefulShutdown {
	l := gracefulShutdown{undone: make(chan struct{}), bound: make(chan struct{})}
	l.exitEarly, l.cancelRest = context.WithCancel(context.Background())
	l.markUndone = sync.OnceFunc(func() { close(l.undone) })
	l.markBound = sync.OnceFunc(func() { close(l.bound) })
	return l
}

// onSignals calls first when ctx ends, which a signal does, and second at the signal after it: somebody does not want to wait, as
// CI systems do that send INT and then TERM.
func onSignals(ctx context.Context, first, second func()) (stop func()) {
	again, done := make(chan os.Signal, 2), make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-done:
		}
		select {
		case <-done: // it goes first where both have come
			return
		default:
		}
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		first()
		select {
		case <-again:
			second()
		case <-done:
		}
	}()
	return func() { close(done); signal.Stop(again) }
}

// secondInterrupt lets a drill be left at the second signal.
func (d *drillRun) secondInterrupt(ctx context.Context, stderr io.Writer) (stop func()) {
	return onSignals(ctx, func() {
		stopAsked(d.state.lock, os.Getpid())
		d.screen.say("interrupted: undoing first; the pack is still written (Ctrl-C again leaves the rest to `blackstart undo`)")
	}, func() { os.Exit(d.shutdown.exitCode(stderr)) })
}

// onUndoInterrupt lets an undo be left at the second signal. waiting counts the runs of which something may still be in force.
func onUndoInterrupt(ctx context.Context, stderr io.Writer, waiting *atomic.Int32) (stop func()) {
	return onSignals(ctx, func() {
		fmt.Fprintln(stderr, "interrupted: the undo goes on to its end (Ctrl-C again leaves the rest to the next `blackstart undo`)")
	}, func() { os.Exit(undoExitCode(stderr, waiting.Load())) })
}

// undoExitCode says in which state an undo is left: 5 if something may be in force, 4 if everything is undone.
func undoExitCode(stderr io.Writer, waiting int32) int {
	if waiting > 0 {
		fmt.Fprintf(stderr, "\nerror: interrupted twice: the undo may be incomplete\nhint: run this now: blackstart undo\n")
		return harness.ExitUndo
	}
	fmt.Fprintf(stderr, "\nstopped: interrupted twice: everything is undone; what was recorded is kept\nhint: `blackstart undo` seals it; there is no hurry\n")
	return harness.ExitStopped
}

// isUndone tells whether nothing is in force, whatever the undo log says: a full disk may have kept it from saying so.
func (l *gracefulShutdown) isUndone() bool {
	select {
	case <-l.undone:
		return true
	default:
		return false
	}
}

// exitCode waits for what must not be lost, and says in which state the drill is left: 5 if something may be in force, 4 if
// everything is undone.
func (l *gracefulShutdown) exitCode(stderr io.Writer) int {
	if !l.isUndone() {
		return undoExitCode(stderr, 1)
	}
	l.cancelRest()
	how := "what was recorded is bound to the run and kept"
	select {
	case <-l.bound:
	case <-time.After(bindLimit):
		how = "what was recorded is kept as it stood"
	}
	fmt.Fprintf(stderr, "\nstopped: interrupted twice: everything is undone; %s\nhint: `blackstart undo` seals it; there is no hurry\n", how)
	return harness.ExitStopped
}

// abandon ends a run that has no pack: what was started is stopped by now, so its directory goes, too, unless something may
// be in force or stands on record.
func (d *drillRun) abandon(err error) error {
	if open, readErr := harness.ReadUndoLog(filepath.Join(d.dir, "undo.jsonl")); !d.shutdown.isUndone() && (readErr != nil || len(open) > 0) {
		return &exitError{code: harness.ExitUndo, err: fmt.Errorf("%w; the run's state is kept in %s", err, d.dir),
			hint: "act now: run `blackstart undo`, it finishes what is left"}
	}
	if d.unsealed {
		err = errors.Join(err, writeEndReason(d.dir, d.redact.Text(err.Error())))
		return harnessError(fmt.Errorf("%w; everything is undone, what was recorded is kept in %s", err, d.dir),
			"mend the cause and run `blackstart undo`: it seals what was recorded")
	}
	if !d.unclosed {
		if _, e := d.closeInRegister(context.Background(), "", err.Error()); e != nil {
			err = errors.Join(err, e)
		}
	}
	if d.unclosed {
		return harnessError(fmt.Errorf("%w; the run's state is kept in %s", err, d.dir),
			"mend the cause and run `blackstart undo`: it closes the run in its register")
	}
	err = errors.Join(err, d.finish())
	if errors.Is(err, context.Canceled) {
		return &exitError{code: harness.ExitStopped, err: errors.New("interrupted before anything was started")}
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return err
	}
	return harnessError(err, "")
}
