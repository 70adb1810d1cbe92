package harness

import (
	"slices"
	"strings"
	"testing"
	"time"
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

// A listed probe is asked of what is written, or of nothing.
func TestWhatAListedProbeIsAskedOf(t *testing.T) {
	web := ProbeTraits{Listed: true, Speaks: "api", Entry: true, Public: true}
	db := ProbeTraits{Listed: true, Speaks: "postgres"}
	anything := ProbeTraits{Listed: true, Any: true, Entry: true}
	here := ProbeTraits{Listed: true, Local: true}
	own := ProbeTraits{Speaks: "postgres", Roles: []string{Standby}, Follows: true}
	health := ProbeTraits{Speaks: "api", Roles: []string{Primary, Standby}, Public: true}
	for what, c := range map[string]struct {
		traits ProbeTraits
		on     string
		want   Subject
		why    string
	}{
		"role":            {web, Standby, Subject{"west.api", Standby, "west"}, ""},
		"component":       {web, "east.api", Subject{"east.api", Primary, "east"}, ""},
		"entry":           {web, EntryName, Subject{EntryName, Outside, ""}, ""},
		"entry, unsaid":   {web, "", Subject{EntryName, Outside, ""}, ""},
		"another kind":    {web, "east.db", Subject{}, "east.db is of kind postgres"},
		"nobody":          {db, "", Subject{}, "`on:` names none"},
		"no such role":    {db, Witness, Subject{}, "neither a region with the role"},
		"no entry for it": {db, EntryName, Subject{}, "neither a region"},
		"any kind":        {anything, "west.db", Subject{"west.db", Standby, "west"}, ""},
		"any, by role":    {anything, Primary, Subject{}, "does not say which"},
		"here":            {here, "", Subject{LocalHost, Outside, ""}, ""},
		"here, on":        {here, "east.db", Subject{}, "asks no component"},
		"own":             {own, "", Subject{"west.db", Standby, "west"}, ""},
		"own, role":       {own, Standby, Subject{"west.db", Standby, "west"}, ""},
		"own, not there":  {own, Primary, Subject{}, "it is not asked of"},
		"own, of two":     {health, "", Subject{}, "it is not asked of"},
		"own, one of two": {health, "east.api", Subject{"east.api", Primary, "east"}, ""},
	} {
		got, err := c.traits.SubjectOf(estate(nil), c.on)
		if got != c.want || (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if _, err := web.SubjectOf(estate(func(d *Description) { d.Entry.Name = "" }), EntryName); err == nil {
		t.Error("an entry that is not there")
	}
}

// In production no probe is asked oftener than once a second, but where the file of the target says so.
func TestPaces(t *testing.T) {
	for _, c := range []struct {
		env    string
		listed time.Duration
		wanted time.Duration
		every  time.Duration
		says   string
	}{
		{Rehearsal, 0, time.Millisecond, time.Millisecond, ""}, {Staging, 0, time.Millisecond, time.Millisecond, ""},
		{Production, 0, time.Millisecond, time.Second, "limits.probes of its file lists no other pace; what is timed by it is known to within 1s"},
		{Production, 0, 2 * time.Second, 2 * time.Second, ""}, {Production, 100 * time.Millisecond, time.Millisecond, 100 * time.Millisecond, "every 100ms, not every 1ms: the target's file allows no more"},
		{Staging, 5 * time.Second, time.Second, 5 * time.Second, "known to within 5s"}, {Production, 100 * time.Millisecond, time.Second, time.Second, ""},
	} {
		d := Description{Environment: c.env}
		if c.listed > 0 {
			d.ProbePaces = map[string]int64{"k.k": int64(c.listed)}
		}
		every, why := d.Paced("k.k", c.wanted)
		if every != c.every || (why == "") != (c.says == "") || !strings.Contains(why, c.says) {
			t.Errorf("%+v: %s, %s", c, every, why)
		}
	}
}

// A probe that a guard, a steady state or an objective needs stops the drill before anything is broken; another does not.
func TestOnlyWhatIsNeededStopsADrill(t *testing.T) {
	missing := ProbeRun{ID: "lag", Probe: "redis.info", Missing: "nobody listens"}
	for what, c := range map[string]struct {
		change func(d *drill, r *ProbeRun)
		why    string
	}{
		"nobody needs it": {func(*drill, *ProbeRun) {}, ""},
		"a guard":         {func(d *drill, _ *ProbeRun) { d.Scenario.Guards = []Guard{{Probe: "lag", AtMost: "1"}} }, "guard 1 watches lag, which is not available"},
		"a steady state":  {func(d *drill, _ *ProbeRun) { d.Scenario.SteadyState.Require = []Requirement{{Probe: "lag"}} }, "requirement 1"},
		"its kind":        {func(d *drill, _ *ProbeRun) { d.Scenario.SteadyState.Require = []Requirement{{Probe: "redis.info"}} }, "requirement 1"},
		"an objective":    {func(_ *drill, r *ProbeRun) { r.Needs = "objective exposure" }, "objective exposure needs lag, which is not available: nobody listens"},
	} {
		d := newDrill(newRig().parts(t.TempDir(), NewClock()))
		d.Scenario.Guards, d.Scenario.SteadyState.Require = nil, nil
		run := missing
		c.change(d, &run)
		err := d.requireProbes([]ProbeRun{run})
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
