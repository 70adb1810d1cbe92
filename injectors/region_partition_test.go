package injectors

import (
	"slices"
	"testing"

	"blackstart/harness"
)

// TestPartitionCutsEveryLinkOfTheRegionAndNoOther guards the definition of a partition.
func TestPartitionCutsEveryLinkOfTheRegionAndNoOther(t *testing.T) {
	for _, direction := range []string{"", harness.Both, harness.In, harness.Out} {
		plan, err := (&regionPartition{partitionWith{direction}}).Plan(t.Context(), estate(), harness.FaultSpec{On: harness.Primary})
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

// Of a system that a file describes only what has a means that can tell is asked whether it lives behind the cut.
func TestPartitionAsksWhatCanTellWhetherItLives(t *testing.T) {
	target := estate()
	target.Kind, target.Means = harness.External, []harness.MeansOf{{Name: "api", On: []string{"east.api"}}}
	plan, err := (&regionPartition{}).Plan(t.Context(), target, harness.FaultSpec{On: harness.Primary})
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, c := range plan.InForce {
		if c.Kind == harness.ComponentRuns {
			asked = append(asked, c.On)
		}
	}
	if !slices.Equal(asked, []string{"east.api"}) {
		t.Errorf("asked whether it lives: %v", asked)
	}
}
