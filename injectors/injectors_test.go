package injectors

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

var update = flag.Bool("update", false, "rewrite golden files")

// estate is a two-region target as a driver would describe it.
func estate() harness.Description {
	return harness.Description{
		Name:      "estate",
		Regions:   []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Breakable: []string{"east"},
		Components: []harness.Component{
			{Name: "east.db", Kind: "postgres", Region: "east"}, {Name: "east.api", Kind: "api", Region: "east"},
			{Name: "west.db", Kind: "postgres", Region: "west"}, {Name: "west.api", Kind: "api", Region: "west"},
			{Name: "outside.dns", Kind: "dns", Region: harness.Outside},
		},
		Links: []harness.Link{
			{Name: "outside→east.api", From: harness.Outside, To: "east.api"},
			{Name: "outside→east.db", From: harness.Outside, To: "east.db"},
			{Name: "outside→west.api", From: harness.Outside, To: "west.api"},
			{Name: "west.db→east.db", From: "west", To: "east.db"},
		},
	}
}

// TestPlansAreGolden shows each fault's plan in one reviewable place.
func TestPlansAreGolden(t *testing.T) {
	for _, kind := range Faults.All() {
		t.Run(kind.Name, func(t *testing.T) {
			plan, err := kind.New().Plan(t.Context(), estate(), harness.FaultSpec{Kind: kind.Name, Region: harness.Primary, StartsClock: true})
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(plan, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			file := filepath.Join("testdata", kind.Name+".plan.json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("plan differs from %s (run with -update to rewrite):\n%s", file, got)
			}
		})
	}
}

// TestConformance holds for every fault that exists or will be added.
func TestConformance(t *testing.T) {
	if len(Faults.All()) == 0 {
		t.Fatal("the catalogue is empty")
	}
	for _, kind := range Faults.All() {
		t.Run(kind.Name, func(t *testing.T) {
			if kind.Doc == "" || !strings.Contains(kind.Example, "kind: "+kind.Name) {
				t.Error("a fault needs a doc and an example that names its kind")
			}
			if _, err := os.Stat(strings.ReplaceAll(kind.Name, ".", "_") + ".go"); err != nil {
				t.Errorf("the file of a fault is its kind with _: %v", err)
			}
			fault := harness.FaultSpec{Kind: kind.Name, Region: harness.Primary, StartsClock: true}
			before := estate()
			plan, err := kind.New().Plan(t.Context(), before, fault)
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Steps) == 0 || len(plan.InForce) == 0 || len(plan.Restored) == 0 {
				t.Error("a plan needs steps, checks that it is in force, and checks that it is over")
			}
			for _, s := range plan.Steps {
				if s.Do.Kind == "" || s.Undo.Kind == "" || s.Do.Kind == s.Undo.Kind {
					t.Errorf("step %+v: each Do needs an Undo of another kind", s)
				}
			}
			again, _ := kind.New().Plan(t.Context(), before, fault)
			a, _ := json.Marshal(plan)
			b, _ := json.Marshal(again)
			if !bytes.Equal(a, b) {
				t.Error("the same fault on the same target must give the same plan")
			}
			refuse(t, kind.New(), fault)
		})
	}
}

// refuse shows that a plan is refused where there is nothing to break or it is not allowed.
func refuse(t *testing.T, in harness.Injector, fault harness.FaultSpec) {
	t.Helper()
	locked := estate()
	locked.Breakable = nil
	if _, err := in.Plan(t.Context(), locked, fault); err == nil || !strings.Contains(err.Error(), "breakable") {
		t.Errorf("a region that is not breakable was planned: %v", err)
	}
	bare := estate()
	bare.Components, bare.Links = nil, nil
	if _, err := in.Plan(t.Context(), bare, fault); err == nil {
		t.Error("a fault that hits nothing is an error")
	}
	one := fault
	one.Component = "east.db"
	if _, err := in.Plan(t.Context(), estate(), one); err == nil || !strings.Contains(err.Error(), "component") {
		t.Errorf("a component the fault does not take was passed over: %v", err)
	}
	unknown := fault
	unknown.Region = "tertiary"
	if _, err := in.Plan(t.Context(), estate(), unknown); err == nil {
		t.Error("an unknown role was planned")
	}
}

// TestPartitionCutsEveryLinkOfTheRegionAndNoOther guards the definition of a partition.
func TestPartitionCutsEveryLinkOfTheRegionAndNoOther(t *testing.T) {
	for _, direction := range []string{"", harness.Both, harness.In, harness.Out} {
		plan, err := regionPartition{}.Plan(t.Context(), estate(), harness.FaultSpec{Region: harness.Primary, Direction: direction})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"outside→east.api", "outside→east.db", "west.db→east.db"}
		if got := plan.Steps[0].Do.Links; !slices.Equal(got, want) {
			t.Errorf("direction %q: cut %v, want %v", direction, got, want)
		}
		if direction != "" && plan.Steps[0].Do.Direction != direction {
			t.Errorf("direction %q became %q", direction, plan.Steps[0].Do.Direction)
		}
	}
}
