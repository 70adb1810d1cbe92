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

// killed tells whether a fault of the drill killed or stopped a component.
func (d *dataset) killed(component string) bool {
	for _, f := range d.rec.Faults {
		for _, s := range f.Plan.Steps {
			if f.Do.Lo != 0 && (s.Do.Kind == harness.ComponentKill || s.Do.Kind == harness.ComponentStop) && slices.Contains(s.Do.Components, component) {
				return true
			}
		}
	}
	return false
}

// checkPresent demands that the harness ran, and had its own network, while the steady state was held and clients were watched: what is
// on record of another time dates nothing.
func (d *dataset) checkPresent() harness.ValidityCheck {
	return verdict("harness.present", d.gap(), "the harness ran all the time, and had its network")
}

// gap tells of the first gap in the time that counts, "" if there is none.
func (d *dataset) gap() string {
	from, to := d.rec.Baseline.Lo, max(d.rec.Observation.Hi, d.rec.Undo.Watched.Hi)
	for _, g := range d.rec.Gaps {
		if g.At.Hi > from && (g.At.Lo < to || to == 0) {
			return g.Words()
		}
	}
	return ""
}

// undated takes a time out that was measured over a gap: what it was counted from, or to, may be the harness's own.
func (d *dataset) undated(m harness.Measurement) harness.Measurement {
	if why := d.gap(); why != "" && m.Unit == harness.UnitNS && m.Known {
		m.Known, m.Lo, m.Hi, m.Unbounded, m.Text = false, 0, 0, false, ""
		m.Detail = "not trusted: " + why
	}
	return m
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
