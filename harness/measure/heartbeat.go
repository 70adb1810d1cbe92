package measure

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"blackstart/harness"
)

// Probes that measures are made from.
const (
	probeHeartbeat = harness.ProbeHeartbeat
	probeWritable  = harness.ProbeWritable
	probeDNS       = harness.ProbeDNS
	probeAnswers   = harness.ProbeAnswers
)

// promotedDetail marks a heartbeat's answer of a node that is not in recovery: nothing is replicated to it.
const promotedDetail = "role=promoted"

// observations gives all answers of a probe in order of time, and the files they are in. With an error there are none.
func (d *dataset) observations(probe string) (iter.Seq[harness.Observation], []string, error) {
	var all []iter.Seq[harness.Observation]
	var names []string
	for _, p := range d.probes {
		if p.Series.Probe != probe {
			continue
		}
		if p.Err != nil {
			return none, nil, p.Err
		}
		all, names = append(all, p.Each), append(names, p.Series.File)
	}
	if len(names) == 0 {
		return none, nil, fmt.Errorf("there is no series of probe %s", probe)
	}
	return merged(all), names, nil
}

// merged gives the answers of several series, each in order of time, in order of when their question was asked; of those asked
// at the same time, the earlier series' first.
func merged(all []iter.Seq[harness.Observation]) iter.Seq[harness.Observation] {
	if len(all) == 1 {
		return all[0]
	}
	return func(yield func(harness.Observation) bool) {
		type head struct {
			o    harness.Observation
			next func() (harness.Observation, bool)
		}
		var heads []head
		for _, each := range all {
			next, stop := iter.Pull(each)
			defer stop()
			if o, ok := next(); ok {
				heads = append(heads, head{o, next})
			}
		}
		for len(heads) > 0 {
			first := 0
			for i, h := range heads {
				if h.o.At.Lo < heads[first].o.At.Lo {
					first = i
				}
			}
			if !yield(heads[first].o) {
				return
			}
			if o, ok := heads[first].next(); ok {
				heads[first].o = o
			} else {
				heads = slices.Delete(heads, first, first+1)
			}
		}
	}
}

// aged tells whether an answer of the heartbeat says how old the standby's data is.
func aged(o harness.Observation) bool {
	return o.Reached && o.OK && o.Unit == harness.UnitNS && o.Value >= 0 && o.At.Lo > 0 && o.At.Hi >= o.At.Lo && !promoted(o)
}

func promoted(o harness.Observation) bool { return strings.HasPrefix(o.Detail, promotedDetail) }
