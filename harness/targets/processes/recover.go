package processes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/undostate"
)

// dialLimit bounds the look at one link of a run that was killed.
const dialLimit = time.Second

// Recover ends what a run that was killed has left behind: its processes, each
// known by pid and start time, and the directory of its sockets. Processes and
// links died with the run, as a rule; what a fault had changed on disk is put
// back and read back. rec is the run's record as it stood, or nil. A run that was
// not made of processes has left nothing.
func Recover(_ context.Context, runDir string, rec *harness.Record) (undostate.Recovered, error) {
	dir := finrag.TargetDir(runDir)
	b, err := os.ReadFile(filepath.Join(dir, socketsFile))
	if errors.Is(err, os.ErrNotExist) {
		return undostate.Recovered{}, nil
	}
	if err != nil {
		return undostate.Recovered{}, fmt.Errorf("find the sockets of the run in %s: %w", runDir, err)
	}
	sockets := strings.TrimSpace(string(b))
	if !ourSockets.MatchString(sockets) || filepath.Clean(sockets) != sockets {
		return undostate.Recovered{}, fmt.Errorf("find the sockets of the run in %s: %q is not a directory of ours", runDir, sockets)
	}
	l := undostate.Read(runDir, rec)
	ended, err := procs.Reap(dir)
	for _, e := range ended {
		l.Ended = append(l.Ended, e.Name)
	}
	if err != nil {
		return l.Recovered, fmt.Errorf("end what the run in %s left behind: %w", runDir, err)
	}
	undoFiles(dir, l)
	linksErr := linksGone(l.Links())
	l.Prove(func(harness.Plan) bool { return true }, func(p harness.Plan) (harness.Interval, string, string, error) {
		text, how := endOf(p)
		return l.Now(), text, how, linksErr
	})
	l.Detail = describeFound(l.Ended, len(l.Links()), linksErr)
	if err := keepAudit(dir); err != nil {
		return l.Recovered, fmt.Errorf("keep the audit log of the run in %s: %w", runDir, err)
	}
	if err := os.RemoveAll(sockets); err != nil {
		return l.Recovered, fmt.Errorf("remove the sockets of the run in %s: %w", runDir, err)
	}
	return l.Recovered, nil
}

// describeFound says what was found of a target: processes that still ran, and who listens where its links were.
func describeFound(ended []string, links int, linksErr error) string {
	text := "no process of the rehearsal target was found"
	if len(ended) > 0 {
		text = "of the rehearsal target still ran, and was ended: " + strings.Join(ended, ", ")
	}
	switch {
	case linksErr != nil:
		return text + "; " + linksErr.Error()
	case links > 0:
		return fmt.Sprintf("%s; %d links were asked, and each refuses connections", text, links)
	}
	return text + "; no link is on record that could be asked"
}

// endOf says how a fault ended that has lost everything it was done to.
func endOf(p harness.Plan) (text, how string) {
	if slices.ContainsFunc(p.Steps, func(s harness.Step) bool { return onDisk(s.Undo) }) {
		return "its files are put back, and no process or link of the target is left", undostate.HowRestored
	}
	return "no process of the target is left and its links refuse connections; nothing was healed", undostate.HowGone
}

// onDisk tells whether an action changes what outlives the processes.
func onDisk(a harness.Action) bool {
	return a.Kind == harness.CertificateRestore || a.Kind == harness.CodeDeploy
}

// linksGone sees that nobody listens any more where the links of a run were.
func linksGone(links []harness.Link) error {
	var errs []error
	for _, l := range links {
		if l.Address == "" {
			continue
		}
		conn, err := net.DialTimeout("tcp", l.Address, dialLimit)
		if err == nil {
			_ = conn.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			errs = append(errs, fmt.Errorf("link %s does not refuse connections: %v", l.Name, err))
		}
	}
	return errors.Join(errs...)
}

// keepAudit puts the controller's audit log with the other logs.
func keepAudit(dir string) error {
	audit, err := os.ReadFile(filepath.Join(dir, stateDir, finrag.AuditFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "logs", finrag.AuditLog), audit, 0o644)
}
