package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"blackstart/harness"
)

// stopPoll is how often it is looked whether the drill has ended.
const stopPoll = 100 * time.Millisecond

func stopCommand() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "the red button: end the running drill, which undoes first",
		Long: `Asks the drill that runs with this state directory to end, as one Ctrl-C in its
terminal does: it takes back what is in force, judges and seals, and ends with
exit code 4. Waits for that and says what became of it. A drill whose process
was suspended is woken first.`,
		Example: "  blackstart stop\n  BLACKSTART_STATE=/srv/drills blackstart stop --wait 2m",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return stopRunning(cmd.Context(), cmd.OutOrStdout(), wait)
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 10*time.Minute, "how long to wait for its undo; it goes on after that")
	return cmd
}

// stopRunning ends the drill that holds the lock of the state directory.
func stopRunning(ctx context.Context, out io.Writer, wait time.Duration) error {
	dir, err := stateDir()
	if err != nil {
		return harnessError(err, "set BLACKSTART_STATE to the directory that the drill uses")
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(out, "nothing to stop: no drill has run here")
		return nil
	}
	if err != nil {
		return harnessError(fmt.Errorf("open the lock of %s: %w", dir, err), "stop it as the account that runs it, or as root")
	}
	defer lock.Close()
	if free(lock) {
		return notRunning(out, dir)
	}
	pid, err := holder(lock)
	if err == nil && !opens(pid, lock.Name()) {
		err = fmt.Errorf("a drill is running, and process %d, which its lock names, is none or another account's", pid)
	}
	if err != nil {
		return harnessError(err, "stop it as the account that runs it; or find it with ps, and send it an INT")
	}
	if err := askOnce(lock, pid); err != nil {
		return harnessError(fmt.Errorf("stop process %d: %w", pid, err), "stop it as the account that runs it, or as root")
	}
	fmt.Fprintf(out, "process %d was asked to stop; it undoes first\n", pid)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for !free(lock) {
		if now, err := holder(lock); err == nil && now != pid { // it has ended, and another drill has begun
			fmt.Fprintf(out, "process %d has ended; another drill runs here by now, as process %d\n", pid, now)
			return nil
		}
		select {
		case <-ctx.Done():
			return &exitError{code: harness.ExitUndo, err: fmt.Errorf("process %d has not ended within %s: what it broke may be in force", pid, wait),
				hint: "its undo goes on: run `blackstart stop` again to wait for it; if it hangs, kill -9 it and run `blackstart undo`"}
		case <-time.After(stopPoll):
		}
	}
	return notRunning(out, dir)
}

// free tells whether nobody holds the lock.
func free(lock *os.File) bool {
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false
	}
	_ = syscall.Flock(int(lock.Fd()), syscall.LOCK_UN) // closing gives it back, too
	return true
}

// holder is the process that says in the lock that it holds it.
func holder(lock *os.File) (pid int, err error) {
	text := make([]byte, 100)
	n, _ := lock.ReadAt(text, 0)
	if _, err := fmt.Sscanf(string(text[:n]), "pid %d", &pid); err != nil || pid <= 1 {
		return 0, fmt.Errorf("a drill is running, and its lock does not say which process it is: %q", strings.TrimSpace(string(text[:n])))
	}
	return pid, nil
}

// opens tells whether a process has a file open: nobody else is sent a signal because of a number.
func opens(pid int, path string) bool {
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(fds)
	real, err := filepath.EvalSymlinks(path)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		to, err := os.Readlink(filepath.Join(fds, e.Name()))
		return err == nil && to == real
	})
}

// askedAt is where in the lock it stands that its holder was asked to stop, behind who holds it.
const askedAt = 64

// stopAsked notes in the lock that its holder was asked to stop, by a signal or by this command, and tells whether it had been. Who takes
// the lock next empties it.
func stopAsked(lock *os.File, pid int) (before bool) {
	mark := fmt.Appendf(nil, "asked to stop: %d\n", pid)
	old := make([]byte, len(mark))
	_, _ = lock.ReadAt(old, askedAt)
	_, _ = lock.WriteAt(mark, askedAt)
	return bytes.Equal(old, mark)
}

// askOnce asks a process to end, and wakes it if it was suspended. A second signal would leave the undo: whoever was asked before is
// only waited for.
func askOnce(lock *os.File, pid int) error {
	if !stopAsked(lock, pid) {
		if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
			return err
		}
	}
	return syscall.Kill(pid, syscall.SIGCONT)
}

// notRunning says what is left of runs, none of which is alive.
func notRunning(out io.Writer, dir string) error {
	left, err := (&state{dir: dir}).unfinishedRuns()
	if err != nil {
		return err
	}
	for _, l := range left {
		open, err := harness.ReadUndoLog(filepath.Join(l.dir, "undo.jsonl"))
		if err != nil || len(open) > 0 {
			return &exitError{code: harness.ExitUndo, err: fmt.Errorf("no drill runs here any more, and %s may have left something in force", l.describe()),
				hint: "act now: run `blackstart undo`"}
		}
		printWrapped(out, "not sealed yet: "+l.describe()+"; `blackstart undo` seals it")
	}
	fmt.Fprintln(out, "no drill runs here, and nothing is in force")
	return nil
}
