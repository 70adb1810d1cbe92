package injectors

import (
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

// TestFencesAreNamed: whatever replicates in the primary region by name, of any kind, nothing of the standby's, and no fault without one.
func TestFencesAreNamed(t *testing.T) {
	for _, kind := range []harness.Injector{regionKill{}, &regionPartition{}} {
		target := estate()
		target.Components = append(target.Components, harness.Component{Name: "east.cache", Kind: "redis", Region: "east"},
			harness.Component{Name: "east.store", Kind: "redis", Region: "east", Role: harness.Primary})
		p, err := kind.Plan(t.Context(), target, harness.FaultSpec{On: harness.Primary})
		if err != nil || !slices.Equal(p.Fences, []string{"east.db", "east.store"}) {
			t.Errorf("fences %v, %v", p.Fences, err)
		}
		if p, err = kind.Plan(t.Context(), target, harness.FaultSpec{On: harness.Standby}); err != nil || len(p.Fences) > 0 {
			t.Errorf("the standby: fences %v, %v", p.Fences, err)
		}
		target.Components = slices.DeleteFunc(target.Components, func(c harness.Component) bool { return c.Replicates() })
		if _, err = kind.Plan(t.Context(), target, harness.FaultSpec{On: harness.Primary}); err == nil || !strings.Contains(err.Error(), "has to fence") {
			t.Errorf("no database: %v", err)
		}
	}
}
