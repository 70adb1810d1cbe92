package evidence

import (
	"strings"
	"testing"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// TestARecordNamesWhatADrillCanHave: a foreign record may not make checking it expensive.
func TestARecordNamesWhatADrillCanHave(t *testing.T) {
	of := func(cohorts ...string) *harness.Record {
		return &harness.Record{Streams: []harness.Stream{{File: "data/samples/a.bin", Kind: "samples", Cohorts: cohorts}}}
	}
	planned := func(cohorts ...string) *harness.Record {
		return &harness.Record{Streams: []harness.Stream{{File: "data/samples/a.bin", Kind: "samples", Recorded: &harness.Traits{Cohorts: cohorts}}}}
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
		"as many objectives as can be":      {&harness.Record{Scenario: harness.Scenario{Objectives: make([]harness.Objective, maxNamed)}}, true},
		"an objective more":                 {&harness.Record{Scenario: harness.Scenario{Objectives: make([]harness.Objective, maxNamed+1)}}, false},
		"a load more":                       {&harness.Record{Scenario: harness.Scenario{Load: make([]harness.LoadSpec, maxNamed+1)}}, false},
		"a fault more":                      {&harness.Record{Faults: make([]harness.FaultRecord, maxNamed+1)}, false},
		"a file of copies more":             {&harness.Record{Ledger: harness.LedgerRecord{Copies: make([]harness.CopiesFile, maxNamed+1)}}, false},
		"an act more":                       {&harness.Record{Acts: make([]harness.Act, maxToldMoments+1)}, false},
		"an alert more":                     {&harness.Record{Arrivals: make([]harness.Arrival, maxToldAlerts+1)}, false},
		"the same file for two streams":     {&harness.Record{Streams: []harness.Stream{{File: "a", ID: 1}, {File: "a", ID: 2}}}, false},
		"the same probe on the same region": {&harness.Record{Probes: []harness.ProbeSeries{{File: "a", Probe: "p"}, {File: "b", Probe: "p"}}}, false},
	} {
		if err := bounded(c.rec); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInputsListWhatADrillCanHave: each listed file is read, and each report is laid out.
func TestInputsListWhatADrillCanHave(t *testing.T) {
	in := Inputs{ScenarioFiles: make([]InputFile, maxScenarioFiles), Reports: ReportSpecs()}
	if err := boundedInputs(in); err != nil {
		t.Errorf("%d files of a scenario: %v", maxScenarioFiles, err)
	}
	in.ScenarioFiles = append(in.ScenarioFiles, InputFile{})
	if boundedInputs(in) == nil {
		t.Errorf("%d files of a scenario are accepted", maxScenarioFiles+1)
	}
	if boundedInputs(Inputs{Reports: append(ReportSpecs(), ReportSpecs()...)}) == nil {
		t.Error("a report that is listed twice is accepted")
	}
}

// TestEndsOfAFile compares what is found in one pass with what the lines themselves give.
func TestEndsOfAFile(t *testing.T) {
	long := strings.Repeat("x", 70<<10)
	for _, text := range []string{"", "\n", "\n\n", "a", "a\n", "a\nb", "a\nb\n", "a\n\n", long, long + "\n", long + "\n" + long, "a\n" + long + "\nb\n", strings.Repeat("\n", 200<<10),
		strings.Repeat("ab\n", 50_000) + "c"} {
		got, err := findEnds(strings.NewReader(text))
		want := edgeLines{sum: seal.Digest([]byte(text)), size: int64(len(text))}
		for line := range strings.Lines(text) {
			if want.lines++; want.lines == 1 {
				want.first = seal.Digest([]byte(line))
			}
			want.last = seal.Digest([]byte(line))
		}
		if err != nil || got != want {
			t.Errorf("%.20q (%d bytes): %+v, want %+v (%v)", text, len(text), got, want, err)
		}
	}
}

// TestAPrefixIsSaidInOneWay: what a checkpoint tells of a file holds a whole root.
func TestAPrefixIsSaidInOneWay(t *testing.T) {
	root := strings.Repeat("ab", 32)
	if _, _, err := parsePrefix("records=1 waiting=0 root=" + root); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "x", root[2:], root + "00", strings.ToUpper(root), root[:62] + "xx"} {
		if _, _, err := parsePrefix("records=1 waiting=0 root=" + bad); err == nil {
			t.Errorf("root %q is accepted", bad)
		}
	}
}
