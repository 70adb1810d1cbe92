package measure

import "blackstart/harness"

// overhead compares, on a null drill, each load from outside with one of the same workload that stands inside a region and
// so bypasses our links: the difference of their latencies is what the harness itself adds.
func (d *dataset) overhead() []harness.Measurement {
	if !d.null() {
		return nil
	}
	byName := map[string]map[string]harness.Measurement{} // load → measurement
	for _, m := range d.latencies() {
		if byName[m.Load] == nil {
			byName[m.Load] = map[string]harness.Measurement{}
		}
		byName[m.Load][m.Name] = m
	}
	var all []harness.Measurement
	for _, outside := range d.series {
		for _, inside := range d.series {
			a, b := outside.Stream, inside.Stream
			if a.Workload != b.Workload || d.role(a) != harness.Outside || d.role(b) == harness.Outside || d.role(b) == "" {
				continue
			}
			for _, pair := range [][2]string{{NameLatencyMedian, NameOverheadMedian}, {NameLatencyP99, NameOverheadP99}} {
				through, ok1 := byName[a.Load][pair[0]]
				direct, ok2 := byName[b.Load][pair[0]]
				if !ok1 || !ok2 {
					continue
				}
				m := exact(pair[1], through.Lo-direct.Lo, harness.UnitNS, "latency through our links − latency without them, same workload, in the baseline")
				m.Load, m.Detail = a.Load, a.Load+" against "+b.Load
				all = append(all, m)
			}
		}
	}
	return all
}
