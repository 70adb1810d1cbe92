package injectors

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name: "replication.break",
	Doc: "Cuts the standby's copy off from the primary's database while both regions serve: nothing refuses, and nobody " +
		"who asks either region notices.",
	Example: "{at: 0s, kind: replication.break, on: standby, startsClock: true, confirmWithin: 10s}",
	New:     func() harness.Injector { return replicationBreak{} },
})

// replicationBreak makes a black hole of the link that the log comes by, and of no other.
//
//	outside ──── east.api, east.db      west.db ──▒▒▒── east.db      outside ──── west.api, west.db
type replicationBreak struct{}

// Plan cuts the links between the two databases in one step. That the receiver is gone and the slot idle follows when both
// ends have noticed, seconds later; it is the cut that dates the fault.
//
// What shows that it is over asks for a standby that follows. If the drill has fenced the primary or the standby was
// promoted in the meantime, it can never hold: the drill leaves those checks out.
func (replicationBreak) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, standby, primary, err := standbyDatabases(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	var links []string
	for _, l := range target.Links {
		pulled := l.From == standby.Region && l.To == primary.Name
		pushed := l.From == primary.Region && l.To == standby.Name
		if pulled || pushed {
			links = append(links, l.Name)
		}
	}
	if len(links) == 0 {
		return harness.Plan{}, fmt.Errorf("plan %s: target %s has no link between %s and %s: there is nothing to cut",
			fault.Kind, target.Name, standby.Name, primary.Name)
	}
	return harness.Plan{
		Fault: fault, Label: fault.Kind, What: "its replication link cut, while both regions serve",
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.LinkCut, Region: region.Name, Direction: harness.Both, Links: links},
			Undo: harness.Action{Kind: harness.LinkHeal, Region: region.Name, Links: links},
		}},
		InForce: append(checks(harness.LinkSilent, links), checks(harness.ComponentRuns, []string{primary.Name, standby.Name})...),
		Follows: []harness.Check{
			{Kind: harness.HeartbeatStalls, On: standby.Name},
			{Kind: harness.ReceiverGone, On: standby.Name},
			{Kind: harness.SlotInactive, On: primary.Name},
		},
		Restored: append(checks(harness.LinkAnswers, links),
			harness.Check{Kind: harness.ReceiverStreams, On: standby.Name},
			harness.Check{Kind: harness.SlotActive, On: primary.Name},
			harness.Check{Kind: harness.HeartbeatFlows, On: standby.Name}),
	}, nil
}
