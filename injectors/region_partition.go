package injectors

import (
	"context"
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name:    "region.partition",
	Doc:     "Cuts every link with one end in the region: packets vanish, nothing refuses. The region stays alive behind it.",
	Example: "{at: 0s, kind: region.partition, on: primary, with: {direction: both}, startsClock: true, confirmWithin: 2s}",
	New:     func() harness.Injector { return &regionPartition{} },
})

// regionPartition makes a black hole of every link of a region.
//
//	outside ──▒▒▒── east.api, east.db (alive)      west.db ──▒▒▒── east.db
type regionPartition struct{ with partitionWith }

// partitionWith are the parameters of region.partition.
type partitionWith struct {
	Direction string `yaml:"direction" one:"both|in|out" doc:"both (if not written), in (packets towards the region vanish) or out (those from it)"`
}

// With implements registry.Parametrised.
func (p *regionPartition) With() any { return &p.with }

// Plan cuts all links in one step, so that none outlives another.
func (p *regionPartition) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, err := victim(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	way := p.with.Direction
	if way == "" {
		way = harness.Both
	}
	what := "cut off from everything"
	if way != harness.Both {
		what += ", packets " + way + " only"
	}
	var links []string
	for _, l := range target.LinksOf(region.Name) {
		links = append(links, l.Name)
	}
	if len(links) == 0 {
		return harness.Plan{}, fmt.Errorf("plan %s: no link of target %s ends in region %s: there is nothing to cut",
			fault.Kind, target.Name, region.Name)
	}
	fences, err := fencesOf(target, fault, region)
	if err != nil {
		return harness.Plan{}, err
	}
	return harness.Plan{
		Fault: fault, Label: fault.Kind, What: what, Isolates: way == harness.Both,
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.LinkCut, Region: region.Name, Direction: way, Links: links},
			Undo: harness.Action{Kind: harness.LinkHeal, Region: region.Name, Links: links},
		}},
		InForce:  append(checks(harness.LinkSilent, links), checks(harness.ComponentRuns, alive(target, region.Name))...),
		Restored: checks(harness.LinkAnswers, links),
		Fences:   fences,
	}, nil
}

// alive lists what can be asked, behind the cut, whether it runs: of a target that a file describes only what has a means that can tell.
func alive(target harness.Description, region string) (names []string) {
	for _, name := range inRegion(target, region) {
		tells := slices.ContainsFunc(target.Means, func(m harness.MeansOf) bool { return slices.Contains(m.On, name) })
		if target.Kind != harness.External || tells {
			names = append(names, name)
		}
	}
	return names
}
