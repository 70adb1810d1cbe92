package injectors

import (
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

// TestBreakCutsTheWayOfTheLogAlone whichever end dials, and never the links that clients use.
func TestBreakCutsTheWayOfTheLogAlone(t *testing.T) {
	pushed := estate()
	pushed.Links[4] = harness.Link{Name: "east.db→west.db", From: "east", To: "west.db"}
	for want, target := range map[string]harness.Description{"west.db→east.db": estate(), "east.db→west.db": pushed} {
		plan, err := replicationBreak{}.Plan(t.Context(), target, harness.FaultSpec{On: harness.Standby})
		if err != nil {
			t.Fatal(err)
		}
		if got := plan.Steps[0].Do.Links; !slices.Equal(got, []string{want}) {
			t.Errorf("cut %v, want %s alone", got, want)
		}
	}
}

func TestFaultsOfReplicationNeedACopy(t *testing.T) {
	noLink := estate()
	noLink.Links = noLink.Links[:4]
	_, err := replicationBreak{}.Plan(t.Context(), noLink, harness.FaultSpec{On: harness.Standby})
	if err == nil || !strings.Contains(err.Error(), "no link between west.db and east.db") {
		t.Errorf("got %v", err)
	}
	alone := estate()
	alone.Components = alone.Components[1:] // no primary's database
	for _, in := range []harness.Injector{replicationBreak{}, replicationPause{}} {
		_, err := in.Plan(t.Context(), alone, harness.FaultSpec{On: harness.Standby})
		if err == nil || !strings.Contains(err.Error(), "there is no replication") {
			t.Errorf("%T: got %v", in, err)
		}
		_, err = in.Plan(t.Context(), estate(), harness.FaultSpec{On: harness.Primary})
		if err == nil || !strings.Contains(err.Error(), "on: standby") {
			t.Errorf("%T: got %v", in, err)
		}
	}
}
