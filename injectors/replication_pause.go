package injectors

import (
	"context"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name: "replication.pause",
	Doc: "Stops the standby's replay while the log still arrives. The link is healthy and both ends agree on what was sent, so " +
		"a check that compares log positions sees no lag.",
	Example: "{at: 0s, kind: replication.pause, on: standby, startsClock: true, confirmWithin: 10s}",
	New:     func() harness.Injector { return replicationPause{} },
})

const (
	pauseReplay = "SELECT pg_wal_replay_pause()"
	// resumeReplay does nothing on a node that was promoted, where resuming by itself would be an error.
	resumeReplay = "SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()"
)

// replicationPause is a standby that takes everything and applies nothing.
type replicationPause struct{}

// Plan pauses the replay of the standby's database. What follows is the trap itself: its data gets old while the logs agree.
// As with replication.break, the checks of its end cannot hold on a standby that was promoted in the meantime.
func (replicationPause) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, standby, _, err := standbyDatabases(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	on := []string{standby.Name}
	return harness.Plan{
		Fault: fault, Label: fault.Kind, What: "its replay stopped, while its link looks healthy",
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.SQLRun, Region: region.Name, Components: on, SQL: pauseReplay},
			Undo: harness.Action{Kind: harness.SQLRun, Region: region.Name, Components: on, SQL: resumeReplay},
		}},
		InForce:  checks(harness.ReplayPaused, on),
		Follows:  append(checks(harness.HeartbeatStalls, on), checks(harness.LogsAgree, on)...),
		Restored: append(checks(harness.ReplayRuns, on), checks(harness.HeartbeatFlows, on)...),
	}, nil
}
