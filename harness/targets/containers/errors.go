package containers

import (
	"strings"

	"github.com/containerd/errdefs"
)

// missingIsFine drops an error that says that what is to go is gone, or is going.
func missingIsFine(err error) error {
	if err == nil || errdefs.IsNotFound(err) || strings.Contains(err.Error(), "already in progress") {
		return nil
	}
	return err
}

// hintFor says what to do about troubles that are known.
func hintFor(text, dir string) string {
	switch {
	case strings.Contains(text, "reaper") || strings.Contains(text, "ryuk"):
		return "testcontainers cannot start its own reaper: leave " + reaperVariable + " unset or set it to true; what a run makes is removed without it"
	case strings.Contains(text, "could not find an available"), strings.Contains(text, "fully subnetted"):
		return "the engine has no subnets left: remove networks that nobody uses, docker network prune"
	case strings.Contains(text, "no space left on device"):
		return "the engine's disk is full: free some space"
	case strings.Contains(text, "cannot assign requested address"):
		return "the engine's networks are not on this machine: this target needs an engine on the same Linux host"
	case strings.Contains(text, "permission denied"):
		return "let the account that runs this use the engine"
	}
	return "its log is kept in " + dir + "/logs"
}
