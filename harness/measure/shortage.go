package measure

import (
	"fmt"
	"strings"

	"blackstart/harness"
	"blackstart/internal/shortage"
	"blackstart/loadgen"
)

// checkShortage demands that our own machine was short of nothing: what clients and probes saw would then be its doing.
func (d *drill) checkShortage() harness.ValidityCheck {
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
