package injectors

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name: "link.cut",
	Doc: "Cuts single links of the region: packets vanish, nothing refuses, and every other link goes on. Whoever decides on a failover may stand at the far end of any " +
		"of them, so where one ends in the primary region, its databases are fenced before the undo.",
	Example: "{at: 0s, kind: link.cut, on: primary, with: {from: outside, to: postgres}, startsClock: true, confirmWithin: 2s}",
	New:     func() harness.Injector { return &linkCut{} },
})

// linkCut makes a black hole of some links.
//
//	outside ──── east.api      outside ──▒▒▒── east.db      west.db ──── east.db
type linkCut struct{ with linkCutWith }

// linkCutWith are the parameters of link.cut.
type linkCutWith struct {
	Links     []string `yaml:"links" doc:"names of the links; this, or from and to"`
	From      string   `yaml:"from" one:"outside|primary|standby" doc:"where the links come from: outside, or the role of a region; anywhere if not written"`
	To        string   `yaml:"to" doc:"kind of the component that they lead to, or its name; any if not written"`
	Direction string   `yaml:"direction" one:"both|in|out" doc:"both (if not written), in (packets towards the region vanish) or out (those from it)"`
}

// With implements registry.Parametrised.
func (l *linkCut) With() any { return &l.with }

// Plan cuts the links in one step.
func (l *linkCut) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, err := victim(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	links, err := l.with.links(target, fault, region)
	if err != nil {
		return harness.Plan{}, err
	}
	fences, err := fencesOfLinks(target, fault, links)
	if err != nil {
		return harness.Plan{}, err
	}
	var names, ends []string
	for _, l := range links {
		names = append(names, l.Name)
		if !slices.Contains(ends, l.To) {
			ends = append(ends, l.To)
		}
	}
	way := l.with.Direction
	if way == "" {
		way = harness.Both
	}
	what := strings.Join(names, ", ") + " cut"
	if way != harness.Both {
		what += ", packets " + way + " only"
	}
	return harness.Plan{
		Fault: fault, Label: fault.Kind + " (" + strings.Join(names, ", ") + ")", What: what,
		Isolates: way == harness.Both && len(links) == len(target.LinksOf(region.Name)),
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.LinkCut, Region: region.Name, Direction: way, Links: names},
			Undo: harness.Action{Kind: harness.LinkHeal, Region: region.Name, Links: names},
		}},
		InForce:  append(checks(harness.LinkSilent, names), checks(harness.ComponentRuns, ends)...),
		Restored: checks(harness.LinkAnswers, names),
		Fences:   fences,
	}, nil
}

// links are those that are meant, in the order of the description. Each has an end in the region, of which a direction speaks.
func (w linkCutWith) links(target harness.Description, fault harness.FaultSpec, region harness.Region) (all []harness.Link, err error) {
	if (len(w.Links) > 0) == (w.From != "" || w.To != "") {
		return nil, fmt.Errorf("plan %s: write which links: `links:`, by name, or `from:` and `to:`", fault.Kind)
	}
	of := target.LinksOf(region.Name)
	for _, name := range w.Links {
		if !slices.ContainsFunc(of, func(l harness.Link) bool { return l.Name == name }) {
			return nil, fmt.Errorf("plan %s: %q does not name a link with an end in region %s: write one of %s", fault.Kind, name, region.Name, linkNames(of))
		}
	}
	from := w.From
	if from != "" && from != harness.Outside {
		place, ok := target.RegionByRole(from)
		if !ok {
			return nil, fmt.Errorf("plan %s: target %s has no region with the role %q: write outside, primary or standby", fault.Kind, target.Name, from)
		}
		from = place.Name
	}
	for _, l := range of {
		to, _ := target.ComponentByName(l.To)
		named := slices.Contains(w.Links, l.Name)
		if named || len(w.Links) == 0 && (from == "" || l.From == from) && (w.To == "" || w.To == to.Kind || w.To == to.Name) {
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("plan %s: nothing leads from %s to %s with an end in region %s: the links are %s", fault.Kind, orAny(w.From), orAny(w.To), region.Name, linkNames(of))
	}
	return all, nil
}

func orAny(word string) string {
	if word == "" {
		return "anywhere"
	}
	return word
}

func linkNames(links []harness.Link) string {
	names := make([]string, 0, len(links))
	for _, l := range links {
		names = append(names, l.Name)
	}
	return strings.Join(names, ", ")
}

// fencesOfLinks names what must refuse writes before links are healed. A single link is enough to bring a second primary: that between a
// leader and those who elect it, or that by which a controller asks whether the region is well. From which link that could follow is the
// target's own affair, so every end in the primary region counts, wherever the fault is said to be. Where regions share a cluster (active,
// witness), whatever replicates at an end may lead.
func fencesOfLinks(target harness.Description, fault harness.FaultSpec, links []harness.Link) ([]string, error) {
	fences := []string{}
	for _, region := range target.Regions {
		touched := slices.ContainsFunc(links, func(l harness.Link) bool {
			to, _ := target.ComponentByName(l.To)
			return l.From == region.Name || to.Region == region.Name
		})
		switch {
		case !touched || region.Role == harness.Standby:
			continue
		case region.Role == harness.Primary:
			names, err := fencesOf(target, fault, region)
			if err != nil {
				return nil, err
			}
			fences = append(fences, names...)
			continue
		}
		for _, c := range target.Components {
			if c.Region == region.Name && c.Replicates() {
				fences = append(fences, c.Name)
			}
		}
	}
	return fences, nil
}
