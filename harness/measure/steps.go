package measure

import (
	"fmt"

	"blackstart/harness"
)

// steps gives the times of the target's own steps.
func (d *dataset) steps(c clock) []harness.Measurement {
	if d.null() {
		return nil
	}
	var detected, declared harness.Interval
	why := "the target keeps no log that could be read"
	if log := d.rec.Target.Decisions; log != nil {
		var err error
		why = ""
		if detected, err = d.logged(log.Detected, c.tf); err != nil {
			why = err.Error()
		}
		if declared, err = d.declared(c.tf); err != nil && why == "" {
			why = err.Error()
		}
	}
	all := []harness.Measurement{
		between(NameDetected, "T_d − T_f, "+methodDecisions, detected, c.tf),
		between(NameDeclared, "T_dec − T_d, "+methodDecisions, declared, detected),
	}
	for i := range all {
		if !all[i].Known && why != "" {
			all[i].Detail = why
		}
	}
	return append(all,
		between(NameWritable, "T_w − T_f, from a real write on the standby", d.writable(c.tf), c.tf),
		harness.Measurement{Name: NameRedundancyRestored, Unit: harness.UnitNS, Method: "T_c − T_s", Detail: "not measured: " + methodNotMeasured},
	)
}

// wallTime itemises how long the drill took: every phase, which is all acts of one kind, what no phase tells of, and what was not recovery.
func (d *dataset) wallTime(recovery harness.Measurement) []harness.Measurement {
	total := exact(NameWallTotal, int64(d.rec.Ended-d.rec.Started), harness.UnitNS, methodWall)
	if d.rec.Started == 0 || d.rec.Ended < d.rec.Started {
		total = harness.Measurement{Name: NameWallTotal, Unit: harness.UnitNS, Method: methodWall, Detail: "begin or end of the drill is missing"}
	}
	all := []harness.Measurement{total}
	untold := total.Lo
	var kinds []string
	spent := map[string]int64{}
	for _, a := range d.rec.Acts {
		if _, ok := spent[a.Kind]; !ok {
			kinds = append(kinds, a.Kind)
		}
		spent[a.Kind] += int64(a.At.Hi - a.At.Lo)
		untold -= int64(a.At.Hi - a.At.Lo)
	}
	for _, kind := range kinds {
		all = append(all, exact(NameWallPhase+kind, spent[kind], harness.UnitNS, methodWall))
	}
	if !total.Known {
		return all
	}
	all = append(all, exact(NameWallUnaccounted, max(0, untold), harness.UnitNS, "total − all phases"))
	if recovery.Known && !recovery.Unbounded {
		part := recovery
		part.Name, part.Method, part.Detail = NameWallRecovery, "T_s − T_f", ""
		rest := harness.Measurement{
			Name: NameWallRest, Unit: harness.UnitNS, Known: true, Lo: max(0, total.Lo-part.Hi), Hi: max(0, total.Hi-part.Lo),
			Method: "total − (T_s − T_f)",
		}
		all = append(all, part, rest)
	}
	return all
}

// exact is a measurement without width.
func exact(name string, n int64, unit, method string) harness.Measurement {
	return harness.Measurement{Name: name, Unit: unit, Known: true, Lo: n, Hi: n, Method: method}
}

// latencies gives median and 99th percentile of every load in the baseline window: on a null drill, beside a load that
// bypasses the links, this is the harness's own overhead.
func (d *dataset) latencies() []harness.Measurement {
	var all []harness.Measurement
	for _, s := range d.series {
		if s.Err != nil {
			continue
		}
		if s.good == 0 {
			continue
		}
		method := fmt.Sprintf("due to done of %s good requests in the baseline, nearest rank", Count(s.good))
		for _, m := range []harness.Measurement{
			exact(NameLatencyMedian, s.p50, harness.UnitNS, method),
			exact(NameLatencyP99, s.p99, harness.UnitNS, method),
		} {
			m.Load = s.Stream.Load
			all = append(all, m)
		}
	}
	return all
}
