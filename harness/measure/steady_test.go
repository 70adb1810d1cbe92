package measure

import (
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

// A steady state on a value is judged anew from the answers of the probe, which may be named by its id.
func TestASteadyStateOnAValue(t *testing.T) {
	const every = harness.Stamp(1e9)
	window := harness.Interval{Lo: worldAnchor, Hi: worldAnchor + 10*every}
	var all []harness.Observation
	for i := range harness.Stamp(11) {
		all = append(all, harness.Observation{Probe: "redis.info", At: harness.Interval{Lo: worldAnchor + i*every, Hi: worldAnchor + i*every + 1},
			OK: true, Reached: true, Value: int64(i % 4), Unit: harness.UnitCount})
	}
	probe := func(change func(o []harness.Observation)) Answers {
		of := slices.Clone(all)
		if change != nil {
			change(of)
		}
		return Answers{Series: harness.ProbeSeries{ID: "lag", Probe: "redis.info", On: "west.cache", EveryNS: int64(every)}, Count: len(of), Each: slices.Values(of)}
	}
	for what, c := range map[string]struct {
		r      harness.Requirement
		change func(o []harness.Observation)
		ok     bool
		says   string
	}{
		"by id":          {harness.Requirement{Probe: "lag", AtMost: "3"}, nil, true, "0 to 3 in 10 answers"},
		"by kind":        {harness.Requirement{Probe: "redis.info", AtMost: "3", AtLeast: "0"}, nil, true, "0 to 3"},
		"too much":       {harness.Requirement{Probe: "lag", AtMost: "2"}, nil, false, "west.cache at"},
		"too little":     {harness.Requirement{Probe: "lag", AtLeast: "1"}, nil, false, "0, and it must be at least 1"},
		"not OK":         {harness.Requirement{Probe: "lag", AtMost: "3"}, func(o []harness.Observation) { o[5].OK, o[5].Detail = false, "NOAUTH" }, false, "not OK: NOAUTH"},
		"unreachable":    {harness.Requirement{Probe: "lag", AtMost: "3"}, func(o []harness.Observation) { o[5].Reached = false }, false, "unreachable"},
		"before it":      {harness.Requirement{Probe: "lag", AtMost: "3"}, func(o []harness.Observation) { o[0].At.Lo--; o[0].Value = 9 }, true, "0 to 3 in 9 answers"},
		"another unit":   {harness.Requirement{Probe: "lag", AtMost: "3s"}, nil, false, "and it must be at most 3s"},
		"nothing":        {harness.Requirement{Probe: "lag"}, nil, false, "nothing is required"},
		"another":        {harness.Requirement{Probe: "lags", AtMost: "3"}, nil, false, "no such probe"},
		"an age of none": {harness.Requirement{Probe: "lag", AgeAtMost: 1e9}, nil, false, `its unit is "count"`},
		"silent": {harness.Requirement{Probe: "lag", AtMost: "3"}, func(o []harness.Observation) {
			for i := range o[1:9] {
				o[i+1].At = o[0].At
			}
		}, false, "no answer for"},
	} {
		got := Steady([]harness.Requirement{c.r}, nil, []Answers{probe(c.change)}, worldAnchor, window)[0]
		if got.OK != c.ok || !strings.Contains(got.Detail, c.says) {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// The limit of an age counts for a kind, by whatever name the steady state has it.
func TestAnAgeByTheIdOfItsProbe(t *testing.T) {
	s := harness.Scenario{Probes: []harness.ProbeSpec{{ID: "beat", Probe: probeHeartbeat}}}
	for probe, want := range map[string]int64{"beat": 5, probeHeartbeat: 5, "other": 0} {
		s.SteadyState.Require = []harness.Requirement{{Probe: "beat"}, {Probe: probe, AgeAtMost: 5}}
		if got := ageLimit(s, probeHeartbeat); got != want {
			t.Errorf("%s: %d", probe, got)
		}
	}
}
