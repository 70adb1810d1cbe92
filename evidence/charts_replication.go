package evidence

import (
	"math"
	"strings"

	"blackstart/evidence/plots"
	"blackstart/harness"
)

// lag draws the age of the heartbeat row as the standby has it.
func (d *drawing) lag() chart {
	var series []plots.Series
	for _, p := range d.rec.Probes {
		if p.Probe != harness.ProbeHeartbeat {
			continue
		}
		line := plots.Series{Name: "heartbeat age on " + p.On}
		n, err := d.answers(p)
		if err != nil {
			continue
		}
		i, step := 0, n/maxPoints+1
		for o, err := range d.src.Observations(p.Probe, p.On) {
			if err != nil {
				break
			}
			if i++; (i-1)%step != 0 {
				continue
			}
			v := math.NaN()
			if ageKnown(o) {
				v = float64(o.Value) / 1e9
			}
			line.T, line.V = append(line.T, d.at(o.At.Hi)), append(line.V, v)
		}
		series = append(series, line)
	}
	c := plots.Lag(series, nil, d.axis)
	c.Title = "Age of the standby's data"
	return chart{name: "replication", plot: c, caption: "Age of the primary's heartbeat row as the standby has it: what a failover at that moment would have lost. The line ends where the " +
		"standby was promoted or gave no answer."}
}

// answers counts what a probe found. It is an error if its file is not whole.
func (d *drawing) answers(p harness.ProbeSeries) (int, error) {
	n := 0
	for _, err := range d.src.Observations(p.Probe, p.On) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// ageKnown tells whether an answer of the heartbeat says how old the data of a standby is. A node that was promoted is none.
func ageKnown(o harness.Observation) bool {
	return o.Reached && o.OK && o.Unit == "ns" && o.Value >= 0 && !strings.HasPrefix(o.Detail, "role=promoted")
}

// ofReplication tells whether a drill is about replication: by its faults, or by what it asks.
func ofReplication(rec *harness.Record) bool {
	for _, f := range rec.Faults {
		if strings.HasPrefix(f.Plan.Fault.Kind, "replication.") {
			return true
		}
	}
	for _, o := range rec.Scenario.Objectives {
		if strings.HasPrefix(o.Measure, "exposure.") || strings.HasPrefix(o.Measure, "replication.") {
			return true
		}
	}
	return false
}
