package measure

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/internal/shortage"
	"blackstart/loadgen"
)

// checkUndisturbed demands that nobody else broke the target: a component that the undo found gone, and that no fault had killed,
// may have been missing while clients were watched.
func (d *dataset) checkUndisturbed() harness.ValidityCheck {
	var why []string
	for _, text := range d.rec.Undo.Gone {
		if !d.killed(harness.GoneComponent(text)) {
			why = append(why, text)
		}
	}
	return verdict("target.undisturbed", strings.Join(why, "; "), "no component was removed by others")
}

// killed tells whether a fault of the drill killed a component.
func (d *dataset) killed(component string) bool {
	for _, f := range d.rec.Faults {
		for _, s := range f.Plan.Steps {
			if f.Do.Lo != 0 && s.Do.Kind == harness.ComponentKill && slices.Contains(s.Do.Components, component) {
				return true
			}
		}
	}
	return false
}

// checkShortage demands that our own machine was short of nothing: what clients and probes saw would then be its doing.
func (d *dataset) checkShortage() harness.ValidityCheck {
	const name = "resources.enough"
	var why []string
	for _, s := range d.series {
		if n := s.outcomes[loadgen.LocalShortage]; n > 0 {
			why = append(why, fmt.Sprintf("load %s could not send %s requests for want of something on this machine", s.Stream.Load, Count(n)))
		}
	}
	for _, p := range d.probes {
		n, first := int64(0), ""
		for o := range p.Each {
			if !o.Reached && strings.Contains(o.Detail, shortage.Prefix) {
				n++
				first = o.Detail
			}
		}
		if n > 0 {
			why = append(why, fmt.Sprintf("%s on %s: %s, %s times", p.Series.Probe, p.Series.On, first, Count(n)))
		}
	}
	why = append(why, d.rec.Shortages...)
	return verdict(name, strings.Join(why, "; "), "this machine was short of nothing")
}
