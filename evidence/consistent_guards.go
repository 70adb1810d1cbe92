package evidence

import (
	"fmt"
	"slices"
	"strconv"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// guardsOf judges each guard that fired anew, from the answers of the probe that it watched. Events of earlier versions do not say
// which guard it was.
func (t *recordedEvents) guardsOf(rec *harness.Record, src measure.Source) error {
	for _, e := range t.guards {
		number, err := strconv.Atoi(e.Detail["guard"])
		if e.Detail["guard"] == "" {
			continue
		}
		if err != nil || number < 1 || number > len(rec.Scenario.Guards) {
			return fmt.Errorf("guard %s fired, and the scenario has %d", e.Detail["guard"], len(rec.Scenario.Guards))
		}
		g := rec.Scenario.Guards[number-1]
		i := slices.IndexFunc(rec.Probes, func(p harness.ProbeSeries) bool { return p.File == e.Detail["file"] && p.Named(g.Probe) })
		if i < 0 {
			return fmt.Errorf("guard %d fired on %s, which holds no answers of %s", number, e.Detail["file"], g.Probe)
		}
		answers := func(yield func(harness.Observation) bool) {
			for o, err := range src.Observations(rec.Probes[i]) {
				if err != nil || !yield(o) {
					return // its file is refused for itself
				}
			}
		}
		if !g.Fires(rec.Probes[i], answers, e.At.Hi) {
			return fmt.Errorf("guard %d fired at %s, and by the answers of %s it does not", number, e.At.Hi, g.Probe)
		}
	}
	return nil
}
