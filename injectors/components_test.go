package injectors

import (
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

// One component is meant, by its name or as the only one of its kind; who leads is fenced, and nobody else is.
func TestOneComponentIsHit(t *testing.T) {
	many := estate()
	many.Components = append(many.Components, harness.Component{Name: "east.db2", Kind: "postgres", Region: "east", Role: harness.Standby})
	external := estate()
	external.Kind = harness.External
	inside := estate()
	inside.Kind, inside.Links = harness.External, inside.Links[4:]
	for name, c := range map[string]struct {
		target harness.Description
		with   componentWith
		on     string
		hit    string // the component, or part of the refusal
		fenced bool
		sees   int
	}{
		"the leader":               {estate(), componentWith{Of: "postgres"}, harness.Primary, "east.db", true, 2},
		"a follower":               {estate(), componentWith{Of: "postgres"}, harness.Standby, "west.db", false, 2},
		"what does not replicate":  {estate(), componentWith{Component: "east.api"}, harness.Primary, "east.api", false, 2},
		"a follower of the region": {many, componentWith{Component: "east.db2"}, harness.Primary, "east.db2", false, 1},
		"from outside":             {external, componentWith{Of: "postgres"}, harness.Primary, "east.db", true, 1},
		"two of a kind":            {many, componentWith{Of: "postgres"}, harness.Primary, "one of east.db, east.db2", false, 0},
		"of another region":        {estate(), componentWith{Component: "west.db"}, harness.Primary, "has no component west.db", false, 0},
		"unseen":                   {inside, componentWith{Of: "postgres"}, harness.Primary, "nobody could see the fault", false, 0},
		"neither":                  {estate(), componentWith{}, harness.Primary, "{component: NAME}", false, 0},
	} {
		for _, in := range []harness.Injector{&componentKill{c.with}, &componentStop{c.with}} {
			p, err := in.Plan(t.Context(), c.target, harness.FaultSpec{Kind: "k", On: c.on})
			if err != nil {
				if c.sees > 0 || !strings.Contains(err.Error(), c.hit) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if !slices.Equal(p.Steps[0].Do.Components, []string{c.hit}) || (len(p.Fences) > 0) != c.fenced || len(p.InForce) != c.sees || len(p.Restored) != c.sees {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

// What is frozen still has its process: only clients see it, and it must be fenced if it led.
func TestAPauseIsSeenByClientsAlone(t *testing.T) {
	p, err := (&componentPause{componentWith{Of: "postgres"}}).Plan(t.Context(), estate(), harness.FaultSpec{On: harness.Primary})
	if err != nil || !slices.Equal(p.InForce, []harness.Check{{Kind: harness.LinkUnanswered, On: "outside→east.db"}}) || !slices.Equal(p.Fences, []string{"east.db"}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// A component may be broken where its region may not.
func TestAComponentMayBeBrokenAlone(t *testing.T) {
	only := estate()
	only.Breakable = []string{"east.api"}
	if _, err := (&componentKill{componentWith{Of: "api"}}).Plan(t.Context(), only, harness.FaultSpec{On: harness.Primary}); err != nil {
		t.Error(err)
	}
	if _, err := (&componentKill{componentWith{Of: "postgres"}}).Plan(t.Context(), only, harness.FaultSpec{On: harness.Primary}); err == nil {
		t.Error("what may not be broken is planned")
	}
}
