package harness

import (
	"slices"
	"strings"
	"testing"
)

// estate is a target with everything that probes ask of, one change away from lacking it.
func estate(change func(*Description)) *Description {
	d := &Description{
		Name:    "test",
		Regions: []Region{{"east", Primary}, {"west", Standby}},
		Components: []Component{
			{Name: "east.db", Kind: "postgres", Region: "east"}, {Name: "east.api", Kind: "api", Region: "east"},
			{Name: "west.db", Kind: "postgres", Region: "west"}, {Name: "west.api", Kind: "api", Region: "west"},
		},
		Links: []Link{{Name: "outside→east.api", From: Outside, To: "east.api"}, {Name: "outside→west.api", From: Outside, To: "west.api"},
			{Name: "west→east.db", From: "west", To: "east.db"}},
		Entry:     Entry{Name: "api.test."},
		Questions: []Question{{ID: "q"}},
	}
	if change != nil {
		change(d)
	}
	return d
}

func without(component string) func(*Description) {
	return func(d *Description) {
		d.Components = slices.DeleteFunc(d.Components, func(c Component) bool { return c.Name == component })
	}
}

// A probe is asked of what is there, and of nothing else instead of what is not.
func TestSubjectsAreWhatIsThere(t *testing.T) {
	health := ProbeTraits{Speaks: "api", Roles: []string{Primary, Standby}, Public: true}
	follower := ProbeTraits{Speaks: "postgres", Roles: []string{Standby}, Follows: true}
	name := ProbeTraits{Roles: []string{Standby}}
	answers := ProbeTraits{Questions: true}
	east, west := Subject{"east.api", Primary, "east"}, Subject{"west.api", Standby, "west"}
	for what, tc := range map[string]struct {
		traits ProbeTraits
		change func(*Description)
		want   []Subject
		why    string
	}{
		"both APIs":          {health, nil, []Subject{east, west}, ""},
		"an API is missing":  {health, without("west.api"), []Subject{east}, "region west has no component of kind api"},
		"no way to an API":   {health, func(d *Description) { d.Links = d.Links[:1] }, []Subject{east}, "no link leads from outside to west.api"},
		"no standby":         {health, func(d *Description) { d.Regions = d.Regions[:1] }, []Subject{east}, "no standby region"},
		"a copy":             {follower, nil, []Subject{{"west.db", Standby, "west"}}, ""},
		"no copy":            {follower, without("west.db"), nil, "region west has no component of kind postgres"},
		"a copy of nothing":  {follower, without("east.db"), nil, "no component of kind postgres that west.db could follow"},
		"another protocol":   {ProbeTraits{Speaks: "mysql", Roles: []string{Standby}}, nil, nil, "no component of kind mysql"},
		"the name":           {name, nil, []Subject{{"west", Standby, "west"}}, ""},
		"no name":            {name, func(d *Description) { d.Entry.Name = "" }, nil, "no public entry"},
		"known answers":      {answers, nil, []Subject{{"entry", Outside, ""}}, ""},
		"no known answers":   {answers, func(d *Description) { d.Questions = nil }, nil, "no questions"},
		"answers from where": {answers, func(d *Description) { d.Entry.Name = "" }, nil, "no public entry"},
	} {
		got, err := tc.traits.Subjects(estate(tc.change))
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", what, got, tc.want)
		}
		if (err == nil) != (tc.why == "") || err != nil && !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: got %v, want that it says %q", what, err, tc.why)
		}
	}
}

// What is not available is told, and a guard or a steady state that needs it refuses the drill.
func TestWhatIsMissingIsTold(t *testing.T) {
	d := newDrill(newRig().parts(t.TempDir(), NewClock()))
	asked := ProbeRun{Probe: "http.health", On: "west.api", Role: Standby}
	all := []ProbeRun{asked, {Probe: "queue.depth", Missing: "region west has no component of kind queue"}}
	runs := d.probesAvailable(all)
	if len(runs) != 1 || d.requireProbes(all) != nil {
		t.Fatalf("%v, %v", runs, d.requireProbes(all))
	}
	d.Scenario.SteadyState.Require = []Requirement{{Probe: "queue.depth"}}
	if err := d.requireProbes(all); err == nil || !strings.HasSuffix(err.Error(), "queue.depth, which is not available: region west has no component of kind queue") {
		t.Error(err)
	}
	d.Scenario.SteadyState.Require = nil
	asked.Role = Primary
	if err := d.requireProbes([]ProbeRun{asked}); err == nil || !strings.Contains(err.Error(), "guard 1 watches http.health of the standby region") {
		t.Error(err)
	}
}
