// Package injectors is the fault catalogue: one file per fault, each of which adds itself to Faults.
//
// An injector turns a fault of a scenario into a plan: ordered do and undo actions as data, the checks that show from the
// victim's side that the fault is in force, and those that show that it is over. It looks at the target's description and
// touches nothing; only a drill executes actions, through the target's driver.
package injectors

import (
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/internal/registry"
)

// Faults is the catalogue of faults.
var Faults registry.Registry[harness.Injector]

// What faults act on by a protocol of its own. Whether a component can be fenced, leads or follows is no matter of its kind.
const (
	runsSQL      = "postgres"
	answersHTTPS = "api"
)

// fencesOf names what must refuse writes before a fault is taken back behind which another may have been promoted: all that
// replicates in the primary region. A standby region needs no fence; a primary one without a database cannot have it.
func fencesOf(target harness.Description, fault harness.FaultSpec, region harness.Region) ([]string, error) {
	if region.Role != harness.Primary {
		return []string{}, nil
	}
	var names []string
	for _, c := range target.Components {
		if c.Region == region.Name && c.Replicates() {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("plan %s: its undo has to fence the databases of region %s first, and target %s has none there: two could take writes",
			fault.Kind, region.Name, target.Name)
	}
	return names, nil
}

// victim finds the region that a fault names by role and refuses one that the target does not allow to be broken.
func victim(target harness.Description, fault harness.FaultSpec) (harness.Region, error) {
	region, ok := target.RegionByRole(fault.On)
	if !ok {
		return harness.Region{}, fmt.Errorf("plan %s: target %s has no region with the role %q: write primary or standby",
			fault.Kind, target.Name, fault.On)
	}
	if !slices.Contains(target.Breakable, region.Name) {
		return harness.Region{}, fmt.Errorf("plan %s: target %s does not allow region %s to be broken: add it to `breakable` of the target",
			fault.Kind, target.Name, region.Name)
	}
	return region, nil
}

// standbyDatabases finds what replicates: the database of the region that a fault of replication names, which must be the
// standby, and the primary's.
func standbyDatabases(target harness.Description, fault harness.FaultSpec) (
	region harness.Region, standby, primary harness.Component, err error,
) {
	region, err = victim(target, fault)
	if err != nil {
		return region, standby, primary, err
	}
	if region.Role != harness.Standby {
		return region, standby, primary, fmt.Errorf("plan %s: region %s is the %s, which has no copy: "+
			"write `on: standby`", fault.Kind, region.Name, region.Role)
	}
	standby, found := target.ComponentOf(region.Name, runsSQL)
	primary, also := target.ComponentByRole(harness.Primary, runsSQL)
	if !found || !also {
		err = fmt.Errorf("plan %s: target %s has no database in each of its regions: there is no replication",
			fault.Kind, target.Name)
	}
	return region, standby, primary, err
}

// publicAPI finds the API of a region and the link by which clients reach it.
func publicAPI(target harness.Description, fault harness.FaultSpec, region harness.Region) (api harness.Component, link string, err error) {
	api, ok := target.ComponentOf(region.Name, answersHTTPS)
	if !ok {
		return api, "", fmt.Errorf("plan %s: region %s of target %s has no API", fault.Kind, region.Name, target.Name)
	}
	for _, l := range target.Links {
		if l.From == harness.Outside && l.To == api.Name {
			return api, l.Name, nil
		}
	}
	return api, "", fmt.Errorf("plan %s: target %s has no link from outside to %s: no client could see the fault",
		fault.Kind, target.Name, api.Name)
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
