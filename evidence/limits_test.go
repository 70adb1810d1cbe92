package evidence

import (
	"strings"
	"testing"

	"blackstart/harness"
)

// TestARecordNamesWhatADrillCanHave: a foreign record may not make checking it expensive.
func TestARecordNamesWhatADrillCanHave(t *testing.T) {
	of := func(cohorts ...string) *harness.Record {
		return &harness.Record{Streams: []harness.Stream{{File: "data/samples/a.bin", Kind: "samples", Cohorts: cohorts}}}
	}
	planned := func(cohorts ...string) *harness.Record {
		return &harness.Record{Scenario: harness.Scenario{Load: []harness.LoadSpec{{ID: "a", With: harness.With{"cohorts": list(cohorts)}}}}}
	}
	many, long := strings.Split(strings.Repeat("x ", maxCohorts), " "), strings.Repeat("x", maxCohortName+1)
	for name, c := range map[string]struct {
		rec  *harness.Record
		good bool
	}{
		"as many cohorts as can be":         {of(many[1:]...), true},
		"a cohort more":                     {of(many...), false},
		"as many in the scenario":           {planned(many[1:]...), true},
		"a cohort more in the scenario":     {planned(many...), false},
		"a name as long as can be":          {of(long[1:]), true},
		"a longer name":                     {of(long), false},
		"a longer name in the scenario":     {planned(long), false},
		"more streams than can be":          {&harness.Record{Streams: make([]harness.Stream, maxStreams+1)}, false},
		"more probes than can be":           {&harness.Record{Probes: make([]harness.ProbeSeries, maxProbes+1)}, false},
		"the same file for two streams":     {&harness.Record{Streams: []harness.Stream{{File: "a", ID: 1}, {File: "a", ID: 2}}}, false},
		"the same probe on the same region": {&harness.Record{Probes: []harness.ProbeSeries{{File: "a", Probe: "p"}, {File: "b", Probe: "p"}}}, false},
	} {
		if err := bounded(c.rec); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
