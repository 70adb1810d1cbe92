package evidence

import (
	"math"
	"strings"

	"blackstart/evidence/plots"
	"blackstart/harness"
)

// Probe and workload names that a report speaks of.
const (
	probeHeartbeat = "replication.heartbeat"
	probeAnswers   = "answers.known"
)

// lag draws the age of the heartbeat row as the standby has it.
func (d *drawing) lag() chart {
	var series []plots.Series
	for _, p := range d.rec.Probes {
		if p.Probe != probeHeartbeat {
			continue
		}
		answers, err := d.src.Observations(p.Probe, p.On)
		if err != nil {
			continue
		}
		line := plots.Series{Name: "heartbeat age on " + p.On}
		step := len(answers)/maxPoints + 1
		for i := 0; i < len(answers); i += step {
			v := math.NaN()
			if ageKnown(answers[i]) {
				v = float64(answers[i].Value) / 1e9
			}
			line.T, line.V = append(line.T, d.at(answers[i].At.Hi)), append(line.V, v)
		}
		series = append(series, line)
	}
	c := plots.Lag(series, nil, d.axis)
	c.Title = "Age of the standby's data"
	return chart{name: "replication", plot: c, caption: "Age of the primary's heartbeat row as the standby has it: what a failover at that moment would have lost. The line ends where the " +
		"standby was promoted or gave no answer."}
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
