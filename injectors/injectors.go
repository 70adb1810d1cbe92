// Package injectors is the fault catalogue: one file per fault, each of which adds itself to Faults.
//
// An injector turns a fault of a scenario into a plan: ordered do and undo actions as data, the checks that show from the
// victim's side that the fault is in force, and those that show that it is over. It looks at the target's description and
// touches nothing; only a drill executes actions, through the target's driver.
package injectors

import (
	"fmt"

	"blackstart/harness"
	"blackstart/internal/registry"
)

// Faults is the catalogue of faults.
var Faults registry.Registry[harness.Injector]

// victim finds the region that a fault names by role and refuses one that the target does not allow to be broken.
func victim(target harness.Description, fault harness.FaultSpec) (harness.Region, error) {
	region, ok := target.RegionByRole(fault.Region)
	if !ok {
		return harness.Region{}, fmt.Errorf("plan %s: target %s has no region with the role %q: write primary or standby",
			fault.Kind, target.Name, fault.Region)
	}
	if fault.Component != "" {
		return harness.Region{}, fmt.Errorf("plan %s: it breaks the whole region and takes no component: remove `component: %s`",
			fault.Kind, fault.Component)
	}
	for _, name := range target.Breakable {
		if name == region.Name {
			return region, nil
		}
	}
	return harness.Region{}, fmt.Errorf("plan %s: target %s does not allow region %s to be broken: add it to `breakable` of the target",
		fault.Kind, target.Name, region.Name)
}

// inRegion lists the components of a region in the order of the description.
func inRegion(target harness.Description, region string) []string {
	var names []string
	for _, c := range target.Components {
		if c.Region == region {
			names = append(names, c.Name)
		}
	}
	return names
}

// checks asks the same question about each name.
func checks(kind harness.CheckKind, names []string) []harness.Check {
	var list []harness.Check
	for _, n := range names {
		list = append(list, harness.Check{Kind: kind, On: n})
	}
	return list
}
