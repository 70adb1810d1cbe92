package processes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"blackstart/harness/targets/procs"
)

// Recover ends what a run that was killed has left behind: its processes, each
// known by pid and start time, and the directory of its sockets. It returns the
// names of the components it had to end. The links died with the run.
func Recover(runDir string) ([]string, error) {
	dir := targetDir(runDir)
	ended, err := procs.Reap(dir)
	var names []string
	for _, e := range ended {
		names = append(names, e.Name)
	}
	if err != nil {
		return names, fmt.Errorf("end what the run in %s left behind: %w", runDir, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, socketsFile))
	if errors.Is(err, os.ErrNotExist) {
		return names, nil
	}
	if err != nil {
		return names, fmt.Errorf("find the sockets of the run in %s: %w", runDir, err)
	}
	sockets := strings.TrimSpace(string(b))
	if ok, _ := filepath.Match("/tmp/blackstart-*", sockets); !ok {
		return names, fmt.Errorf("find the sockets of the run in %s: %q is not a directory of ours", runDir, sockets)
	}
	if err := os.RemoveAll(sockets); err != nil {
		return names, fmt.Errorf("remove the sockets of the run in %s: %w", runDir, err)
	}
	return names, nil
}
