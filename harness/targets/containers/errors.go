package containers

import (
	"context"
	"os"
	"strings"

	"github.com/containerd/errdefs"

	"blackstart/harness/targets/finrag"
)

// ignoreNotFound drops an error that says that what is to go is gone, or is going.
func ignoreNotFound(err error) error {
	if err == nil || errdefs.IsNotFound(err) || strings.Contains(err.Error(), "already in progress") {
		return nil
	}
	return err
}

// hints are what to do about troubles that are known.
var hints = []finrag.Hint{
	{Marks: []string{"reaper", "ryuk"}, Do: "testcontainers cannot start its own reaper: leave " + reaperVariable + " unset or set it to true; what a run makes is removed without it"},
	{Marks: []string{"could not find an available", "fully subnetted"}, Do: "the engine has no subnets left: remove networks that nobody uses, docker network prune"},
	{Marks: []string{"no space left on device"}, Do: "the engine's disk is full: free some space"},
	{Marks: []string{"cannot assign requested address"}, Do: "the engine's networks are not on this machine: this target needs an engine on the same Linux host"},
	{Marks: []string{"permission denied"}, Do: "let the account that runs this use the engine"},
}

func (r *rehearsal) hint(text string) string { return finrag.HintFor(text, hints) }

// Explain is an error about a component with the end of its log.
func (r *rehearsal) Explain(ctx context.Context, component string, err error) error {
	log := ""
	if id := r.unit(component); id != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		if r.engine.saveLog(ctx, id, r.LogFile(component)) == nil {
			b, _ := os.ReadFile(r.LogFile(component)) // an error without a log is still an error
			log = tail(string(b))
		}
	}
	return &Error{Component: component, Err: err, Log: log, Hint: r.hint(err.Error() + log)}
}
