package target

import (
	"fmt"
	"regexp"
	"time"

	"blackstart/harness"
)

// ProbeRules are what the reader must know of probes. What is nil is not asked.
type ProbeRules struct {
	Fastest func(kind string) time.Duration                          // shortest time between two questions that a kind is meant for
	Wrong   func(harness.ProbeSpec) (key, wrong, hint string)        // what is wrong with one, besides its tags; "" for nothing
	Traits  func(harness.ProbeSpec) (t harness.ProbeTraits, ok bool) // what one is; false where its parameters cannot be read
}

// idForm is that of the ids of a scenario, which name probes of both.
var idForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const (
	maxProbes = 16 // with those of a scenario, and those that need no listing, they stay below what a record may hold
	maxID     = 80
	maxPace   = time.Hour
)

func (r *rules) probes() {
	if len(r.Probes) > maxProbes {
		r.out.Add(r.root.Get("probes").Pos, fmt.Sprintf("write at most %d", maxProbes), "there are %d probes", len(r.Probes))
		return
	}
	seen := map[string]bool{}
	for i, p := range r.Probes {
		n := r.item("probes", i)
		switch {
		case !idForm.MatchString(p.ID) || len(p.ID) > maxID:
			r.out.Add(at(n, "id"), "write lower-case letters and digits in words joined by -", "id %q of a probe is not a name", p.ID)
		case seen[p.ID]:
			r.out.Add(at(n, "id"), "give each an id of its own", "two probes are called %s", p.ID)
		}
		seen[p.ID] = true
		r.probe(p, i)
	}
	r.paces()
}

// probe holds one probe to the rules of its kind, and to what is there to be asked.
func (r *rules) probe(p harness.ProbeSpec, i int) {
	n := r.item("probes", i)
	if !r.known(n, "probe", "kind of probe", p.Probe, kindNames(r.r.Probes)) {
		return
	}
	if r.r.Probe.Wrong != nil {
		if key, wrong, hint := r.r.Probe.Wrong(p); wrong != "" {
			r.out.Add(at(n, key), hint, "%s of probe %s %s", key, p.ID, wrong)
		}
	}
	if r.r.Probe.Traits != nil {
		d := r.outline()
		traits, ok := r.r.Probe.Traits(p)
		if _, why := traits.SubjectOf(&d, p.On); ok && why != nil {
			r.out.Add(at(n, "on"), "write the name of a component, or entry", "probe %s cannot be asked: %v", p.ID, why)
		}
	}
	if least, _ := r.leastPace(p.Probe); p.Every != 0 && p.Every.D() < least {
		r.out.Add(at(n, "every"), fmt.Sprintf("write at least %s, or list another pace in limits.probes", least),
			"probe %s is asked every %s, and limits allow it every %s", p.ID, p.Every, least)
	}
}

// leastPace is the shortest time between two questions of a kind of probe that the file allows.
func (r *rules) leastPace(kind string) (least time.Duration, written bool) {
	if d, ok := r.Limits.Probes[kind]; ok {
		return d.D(), true
	}
	if r.Metadata.Environment == harness.Production {
		return harness.ProductionPace, false
	}
	return 0, false
}

// paces holds the paces of limits to the kinds that there are.
func (r *rules) paces() {
	n := r.root.Get("limits")
	if n = n.Get("probes"); n == nil {
		return
	}
	for _, e := range n.Entries {
		pace := r.Limits.Probes[e.Key].D()
		switch {
		case !r.known(n, e.Key, "kind of probe", e.Key, kindNames(r.r.Probes)):
		case pace > maxPace:
			r.out.Add(e.Value.Pos, "write at most 1h", "the pace of %s is %s", e.Key, pace)
		case r.r.Probe.Fastest != nil && pace < r.r.Probe.Fastest(e.Key):
			r.out.Add(e.Value.Pos, fmt.Sprintf("write at least %s", r.r.Probe.Fastest(e.Key)), "the pace of %s is %s, and it is asked no oftener than every %s",
				e.Key, pace, r.r.Probe.Fastest(e.Key))
		}
	}
}

// outline is what of the target probes may be asked of.
func (r *rules) outline() harness.Description {
	d := harness.Description{Name: r.Metadata.Name}
	for _, region := range r.Regions {
		d.Regions = append(d.Regions, harness.Region{Name: region.Name, Role: region.Role})
	}
	for _, c := range r.Components {
		region := r.RegionOf(c)
		d.Components = append(d.Components, harness.Component{Name: c.Name, Kind: r.r.Traits[c.Kind].Speaks, Region: region.Name, Role: region.Role})
	}
	for _, l := range r.Links {
		d.Links = append(d.Links, harness.Link{Name: l.Name, From: l.From, To: l.To})
	}
	if r.Entry != nil {
		d.Entry.URL = r.Entry.URL
	}
	return d
}

// kindNames are those of kinds.
func kindNames(kinds map[string]any) (all []string) {
	for name := range kinds {
		all = append(all, name)
	}
	return all
}

// ProbePaces are the shortest times between two questions that the file allows, by kind of probe, as a description has them; nil for none.
func (t Target) ProbePaces() map[string]int64 {
	var all map[string]int64
	for kind, d := range t.Limits.Probes {
		if all == nil {
			all = map[string]int64{}
		}
		all[kind] = int64(d)
	}
	return all
}
