package injectors

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/containers"
	"blackstart/harness/targets/processes"
)

// TestLinkCutCutsWhatIsMeant by name, and by where links come from and lead to; nothing else of the region.
func TestLinkCutCutsWhatIsMeant(t *testing.T) {
	for _, c := range []struct {
		with     linkCutWith
		on       string
		want     string
		isolates bool
	}{
		{linkCutWith{From: harness.Outside, To: "postgres"}, harness.Primary, "outside→east.db", false},
		{linkCutWith{Links: []string{"west.db→east.db", "outside→east.api"}}, harness.Primary, "outside→east.api west.db→east.db", false},
		{linkCutWith{From: harness.Outside}, harness.Standby, "outside→west.api outside→west.db", false},
		{linkCutWith{From: harness.Standby}, harness.Primary, "west.db→east.db", false},
		{linkCutWith{To: "east.db"}, harness.Standby, "west.db→east.db", false},
		{linkCutWith{Links: []string{"outside→east.api", "outside→east.db", "west.db→east.db"}}, harness.Primary, "outside→east.api outside→east.db west.db→east.db", true},
		{linkCutWith{Links: []string{"outside→east.api", "outside→east.db", "west.db→east.db"}, Direction: harness.In}, harness.Primary, "outside→east.api outside→east.db west.db→east.db", false},
	} {
		plan, err := (&linkCut{c.with}).Plan(t.Context(), estate(), harness.FaultSpec{Kind: "link.cut", On: c.on})
		if err != nil {
			t.Fatalf("%+v: %v", c.with, err)
		}
		if got := strings.Join(plan.Steps[0].Do.Links, " "); got != c.want || !slices.Equal(plan.Steps[0].Undo.Links, plan.Steps[0].Do.Links) || plan.Isolates != c.isolates {
			t.Errorf("%+v: cut %s, isolates %v", c.with, got, plan.Isolates)
		}
		for _, check := range plan.Restored {
			if check.Kind != harness.LinkAnswers || !slices.Contains(plan.InForce, harness.Check{Kind: harness.LinkSilent, On: check.On}) {
				t.Errorf("%+v: %+v is not asked both times", c.with, check)
			}
		}
	}
}

// TestLinkCutRefuses what is not said clearly, and what could not be told apart.
func TestLinkCutRefuses(t *testing.T) {
	alone := estate()
	alone.Regions = alone.Regions[:1]
	for want, c := range map[string]struct {
		with   linkCutWith
		target harness.Description
	}{
		"write which links":                     {linkCutWith{Direction: harness.Both}, estate()},
		"by name, or `from:`":                   {linkCutWith{Links: []string{"outside→east.db"}, To: "postgres"}, estate()},
		`"east" does not name a link`:           {linkCutWith{Links: []string{"east"}}, estate()},
		`"outside→west.db" does not name`:       {linkCutWith{Links: []string{"outside→west.db"}}, estate()},
		"nothing leads from outside to redis":   {linkCutWith{From: harness.Outside, To: "redis"}, estate()},
		`has no region with the role "standby"`: {linkCutWith{From: harness.Standby}, alone},
	} {
		_, err := (&linkCut{c.with}).Plan(t.Context(), c.target, harness.FaultSpec{Kind: "link.cut", On: harness.Primary})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c.with, err, want)
		}
	}
}

// TestASingleLinkMayBringASecondPrimary: whatever leads or may lead at either end is fenced, however the fault is put, and a primary
// region that nothing can be fenced in is refused.
func TestASingleLinkMayBringASecondPrimary(t *testing.T) {
	quorum := estate()
	quorum.Regions = append(quorum.Regions, harness.Region{Name: "south", Role: harness.Witness}, harness.Region{Name: "north", Role: harness.Active})
	quorum.Components = append(quorum.Components, harness.Component{Name: "south.etcd", Kind: "etcd", Region: "south"},
		harness.Component{Name: "north.db", Kind: "postgres", Region: "north", Role: harness.Active})
	quorum.Links = append(quorum.Links, harness.Link{Name: "leader-to-quorum", From: "east", To: "south.etcd"}, harness.Link{Name: "standby-to-quorum", From: "west", To: "south.etcd"},
		harness.Link{Name: "west-to-north", From: "west", To: "north.db"})
	for _, c := range []struct {
		link, on, want string
	}{
		{"leader-to-quorum", harness.Primary, "east.db"}, {"standby-to-quorum", harness.Standby, ""}, {"west.db→east.db", harness.Standby, "east.db"},
		{"outside→east.api", harness.Primary, "east.db"}, {"outside→west.db", harness.Standby, ""}, {"west-to-north", harness.Standby, "north.db"},
	} {
		plan, err := (&linkCut{linkCutWith{Links: []string{c.link}}}).Plan(t.Context(), quorum, harness.FaultSpec{Kind: "link.cut", On: c.on})
		if err != nil || strings.Join(plan.Fences, " ") != c.want || plan.Fences == nil {
			t.Errorf("%s: fences %v, %v; want %s", c.link, plan.Fences, err, c.want)
		}
	}
	quorum.Components = slices.DeleteFunc(quorum.Components, func(c harness.Component) bool { return c.Region == "east" && c.Replicates() })
	if _, err := (&linkCut{linkCutWith{Links: []string{"leader-to-quorum"}}}).Plan(t.Context(), quorum, harness.FaultSpec{Kind: "link.cut", On: harness.Primary}); err == nil || !strings.Contains(err.Error(), "has to fence") {
		t.Errorf("nothing to fence: %v", err)
	}
}

// TestLinkCutOnTheRehearsalTargets plans the cut of each link that they have, as golden text: both can carry all of them out.
func TestLinkCutOnTheRehearsalTargets(t *testing.T) {
	var b strings.Builder
	for _, d := range []harness.Driver{processes.New(processes.Options{}), containers.New(containers.Options{})} {
		target, err := d.Outline(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range []string{harness.Primary, harness.Standby} {
			region, _ := target.RegionByRole(role)
			for _, l := range target.LinksOf(region.Name) {
				plan, err := (&linkCut{linkCutWith{Links: []string{l.Name}}}).Plan(t.Context(), target, harness.FaultSpec{Kind: "link.cut", On: role})
				if err != nil {
					t.Fatalf("%s: %v", l.Name, err)
				}
				for _, need := range []harness.ActionKind{plan.Steps[0].Do.Kind, plan.Steps[0].Undo.Kind, harness.ComponentFence} {
					if !slices.Contains(d.Can(), need) {
						t.Errorf("%s cannot carry out %s", target.Kind, need)
					}
				}
				fmt.Fprintf(&b, "%s %s: %s; in force: %s; fences: %s\n", target.Kind, role, plan.What, kinds(plan.InForce), strings.Join(plan.Fences, " "))
			}
		}
	}
	const file = "testdata/link.cut.rehearsal.golden"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != b.String() {
		t.Errorf("%s differs (%v):\n%s", file, err, b.String())
	}
}
