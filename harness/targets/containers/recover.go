package containers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/undostate"
)

// runFile names, in the target's directory, the run whose label everything on the engine has.
const runFile = "containers"

// nameable is what a run id may be: part of a name and of a label.
var nameable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// Recover takes back, on what a run that was killed has left running, the faults whose undo needs no fence, and asks for
// proof; then it removes every container, network and volume with the run's label, after it has kept their logs. rec is the
// run's record as it stood, or nil. A run that was not made of containers has left nothing, and no engine is asked.
func Recover(ctx context.Context, runDir string, rec *harness.Record) (undostate.Recovered, error) {
	dir := finrag.TargetDir(runDir)
	b, err := os.ReadFile(filepath.Join(dir, runFile))
	if errors.Is(err, os.ErrNotExist) {
		return undostate.Recovered{}, nil
	}
	if err != nil {
		return undostate.Recovered{}, fmt.Errorf("find the containers of the run in %s: %w", runDir, err)
	}
	runID := strings.TrimSpace(string(b))
	if !nameable.MatchString(runID) {
		return undostate.Recovered{}, fmt.Errorf("find the containers of the run in %s: %q is not a run of ours", runDir, runID)
	}
	e, err := openEngine(ctx)
	if err != nil {
		return undostate.Recovered{}, fmt.Errorf("remove the containers of run %s: %w", runID, err)
	}
	defer e.Close()
	l := undostate.Read(runDir, rec)
	found, err := e.foundOf(ctx, runID, dir)
	if err != nil {
		return undostate.Recovered{}, fmt.Errorf("look for what is left of run %s: %w", runID, err)
	}
	l.Detail = found
	if l.Unproven() {
		if err := undoOpenSteps(ctx, e, runDir, l); err != nil {
			l.Lost("what still runs could not be reached, and is removed as it is: " + err.Error())
		}
	}
	logErr := errors.Join(e.saveLogs(ctx, runID, dir), touch(dir)) // neither's loss must keep anything alive
	if l.Ended, err = e.reap(ctx, runID); err != nil {
		return l.Recovered, err
	}
	l.Prove(func(p harness.Plan) bool { return len(p.Fences) > 0 }, func(harness.Plan) (harness.Interval, string, string, error) {
		left, err := Left(ctx, runID)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("still there: %v", left)
		}
		return l.Now(), "no container, network or volume of the run is left on the engine, and none of its steps was taken back", undostate.HowGone, err
	})
	l.Detail += "; whatever was left of it was removed"
	if logErr != nil { // what they stood in is gone: to try again would find nothing
		l.Detail += "; its logs could not all be kept: " + logErr.Error()
	}
	return l.Recovered, os.Remove(filepath.Join(dir, runFile))
}

// foundOf says what was found of a run's components, by the state the engine tells of each, and which are gone that the run
// had noted down as started.
func (e *engine) foundOf(ctx context.Context, runID, dir string) (string, error) {
	all, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ofRun(runID)})
	if err != nil {
		return "", err
	}
	states, have := map[string][]string{}, map[string]bool{}
	for _, c := range all.Items {
		if name := c.Labels[labelComponent]; name != "" {
			states[string(c.State)] = append(states[string(c.State)], name)
		}
		have[c.ID] = true
	}
	var noted attachment
	b, err := os.ReadFile(filepath.Join(dir, attachFile))
	if err == nil {
		err = json.Unmarshal(b, &noted)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read what was started: %w", err)
	}
	gone := goneOrOurs
	if _, err := os.Stat(filepath.Join(dir, untouchedFile)); err == nil {
		gone = goneState
	}
	for name, id := range noted.Units {
		if !have[id] {
			states[gone] = append(states[gone], name)
		}
	}
	for name, g := range noted.Gates {
		if !have[g.ID] {
			states[networkIs+gone] = append(states[networkIs+gone], name)
		}
	}
	return describeFound(states), nil
}

// untouchedFile, in the target's directory, says that neither the run nor an undo of it has begun to remove its containers.
const untouchedFile = "untouched"

// touch takes that back, before anything is removed. A full disk keeps nobody from it.
func touch(dir string) error {
	if err := os.Remove(filepath.Join(dir, untouchedFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("note down that the containers are removed: %w", err)
	}
	return nil
}

// What is said of a component whose container the run had started and the engine does not have any more: who can have removed it.
const (
	goneState  = "gone, removed by somebody else"
	goneOrOurs = "gone, removed at the end of the run, by an undo before this one, or by somebody else"
)

// networkIs comes before what became of the container that held a component's network.
const networkIs = "its network is "

// describeFound says which components were found in which state.
func describeFound(states map[string][]string) string {
	if len(states) == 0 {
		return "no container of the rehearsal target was found"
	}
	var said []string
	for _, state := range slices.Sorted(maps.Keys(states)) {
		slices.Sort(states[state])
		said = append(said, state+": "+strings.Join(states[state], ", "))
	}
	return "found of the rehearsal target: " + strings.Join(said, "; ")
}

// saveLogs copies the logs of every component of a run, and the controller's audit log, below dir.
func (e *engine) saveLogs(ctx context.Context, runID, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	all, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ofRun(runID)})
	if err != nil {
		return fmt.Errorf("list the containers: %w", err)
	}
	var errs []error
	for _, c := range all.Items {
		name := c.Labels[labelComponent]
		if name == "" {
			continue // a gate says nothing
		}
		if err := e.saveLog(ctx, c.ID, filepath.Join(dir, "logs", name+".log")); ignoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("keep the log of %s: %w", name, err))
		}
		if name == "outside.controller" {
			audit := filepath.Join(dir, "logs", finrag.AuditLog)
			if err := e.saveFile(ctx, c.ID, auditFile, audit); ignoreNotFound(err) != nil {
				errs = append(errs, fmt.Errorf("keep the audit log of %s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (e *engine) saveLog(ctx context.Context, container, to string) error {
	log, err := e.ContainerLogs(ctx, container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return err
	}
	defer log.Close()
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = stdcopy.StdCopy(f, f, io.LimitReader(log, logLimit))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // cut off at the limit
	}
	return errors.Join(err, f.Close())
}

func (e *engine) saveFile(ctx context.Context, container, from, to string) error {
	content, err := e.readFile(ctx, container, from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}

// Left names every container, network and volume that has the label of a run, or, without a run, of any.
func Left(ctx context.Context, runID string) ([]string, error) {
	e, err := openEngine(ctx)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	var found []string
	containers, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ofRun(runID)})
	for _, c := range containers.Items {
		found = append(found, strings.Join(c.Names, " "))
	}
	networks, networkErr := e.NetworkList(ctx, client.NetworkListOptions{Filters: ofRun(runID)})
	for _, n := range networks.Items {
		found = append(found, n.Name)
	}
	volumes, volumeErr := e.VolumeList(ctx, client.VolumeListOptions{Filters: ofRun(runID)})
	for _, v := range volumes.Items {
		found = append(found, v.Name)
	}
	if err := errors.Join(err, networkErr, volumeErr); err != nil {
		return nil, fmt.Errorf("look for what run %s has made: %w", runID, err)
	}
	return found, nil
}
