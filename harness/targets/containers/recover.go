package containers

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// runFile names, in the target's directory, the run whose label everything on the engine has.
const runFile = "containers"

// nameable is what a run id may be: part of a name and of a label.
var nameable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// Recover removes what a run that was killed has left on the engine: containers, networks and volumes with its label,
// after it has kept their logs. It returns the names of the components that still ran. A run that was not made of
// containers has left nothing, and no engine is asked.
func Recover(ctx context.Context, runDir string) ([]string, error) {
	dir := targetDir(runDir)
	b, err := os.ReadFile(filepath.Join(dir, runFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the containers of the run in %s: %w", runDir, err)
	}
	runID := strings.TrimSpace(string(b))
	if !nameable.MatchString(runID) {
		return nil, fmt.Errorf("find the containers of the run in %s: %q is not a run of ours", runDir, runID)
	}
	e, err := openEngine(ctx)
	if err != nil {
		return nil, fmt.Errorf("remove the containers of run %s: %w", runID, err)
	}
	defer e.Close()
	logErr := e.saveLogs(ctx, runID, dir) // their loss must not keep anything alive
	ended, err := e.reap(ctx, runID)
	if err != nil {
		return ended, err
	}
	if logErr != nil {
		return ended, fmt.Errorf("everything of run %s is removed, but its logs could not all be kept: %w", runID, logErr)
	}
	return ended, os.Remove(filepath.Join(dir, runFile))
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
		if err := e.saveLog(ctx, c.ID, filepath.Join(dir, "logs", name+".log")); missingIsFine(err) != nil {
			errs = append(errs, fmt.Errorf("keep the log of %s: %w", name, err))
		}
		if name == "outside.controller" {
			audit := filepath.Join(dir, "logs", name+".audit.jsonl")
			if err := e.saveFile(ctx, c.ID, auditFile, audit); missingIsFine(err) != nil {
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
	r, err := e.CopyFromContainer(ctx, container, client.CopyFromContainerOptions{SourcePath: from})
	if err != nil {
		return err
	}
	defer r.Content.Close()
	archive := tar.NewReader(r.Content)
	if _, err := archive.Next(); err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.LimitReader(archive, logLimit))
	return errors.Join(err, f.Close())
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
