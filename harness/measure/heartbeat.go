package measure

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
)

// Probes that measures are made from.
const (
	probeHeartbeat = "replication.heartbeat"
	probeWritable  = "postgres.writable"
	probeDNS       = "dns.answer"
	probeAnswers   = "answers.known"
)

// promotedDetail marks a heartbeat's answer of a node that is not in recovery: nothing is replicated to it.
const promotedDetail = "role=promoted"

// observations gives all answers of a probe in order of time, and the files they are in.
func (d *drill) observations(probe string) ([]harness.Observation, []string, error) {
	var all []harness.Observation
	var names []string
	for _, p := range d.probes {
		if p.Series.Probe != probe {
			continue
		}
		if p.Err != nil {
			return nil, nil, p.Err
		}
		all, names = append(all, p.Observations...), append(names, p.Series.File)
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("there is no series of probe %s", probe)
	}
	inOrder(all)
	return all, names, nil
}

// inOrder sorts answers by when their question was asked.
func inOrder(all []harness.Observation) {
	slices.SortStableFunc(all, func(a, b harness.Observation) int { return int(max(-1, min(1, a.At.Lo-b.At.Lo))) })
}

// aged tells whether an answer of the heartbeat says how old the standby's data is.
func aged(o harness.Observation) bool {
	return o.Reached && o.OK && o.Unit == UnitNS && o.Value >= 0 && o.At.Lo > 0 && o.At.Hi >= o.At.Lo && !promoted(o)
}

func promoted(o harness.Observation) bool { return strings.HasPrefix(o.Detail, promotedDetail) }
