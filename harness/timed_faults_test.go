package harness

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestAFaultThatLastsAStatedTime is taken back while clients are watched, and not a second time.
func TestAFaultThatLastsAStatedTime(t *testing.T) {
	r := newRig()
	rec, err, dir := tell(t, r, func(p *Parts) {
		first := p.Scenario.Faults[0]
		first.Kind, first.For, first.StartsClock = "replication.break", Duration(3*time.Second), false
		second := p.Scenario.Faults[0]
		second.At = Duration(5 * time.Second)
		p.Scenario.Faults = []FaultSpec{first, second}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"start", "load on", "link.cut", "link.silent outside→east.db", "link.heal", "link.answers outside→east.api",
		"link.answers outside→east.db", "link.cut", "link.silent outside→east.db", "load off", "component.fence", "refuses-writes?",
		"link.heal", "link.answers outside→east.api", "reconcile", "stop"}
	if !slices.Equal(r.told, want) {
		t.Errorf("told %v\nwant %v", r.told, want)
	}
	first, second := rec.Faults[0], rec.Faults[1]
	if lasted := first.Undone.Lo.Sub(first.Do.Lo); lasted < 3*time.Second || lasted > 3*time.Second+tick || !first.Restored {
		t.Errorf("the first fault lasted %v, restored %v", lasted, first.Restored)
	}
	if second.Undone.Lo < rec.Observation.Hi || !second.Restored || !rec.Undo.Complete {
		t.Errorf("the second fault was undone at %v, observation ended at %v", second.Undone, rec.Observation.Hi)
	}
	if left, err := ReadUndoLog(filepath.Join(dir, "undo.jsonl")); err != nil || len(left) != 0 {
		t.Errorf("undo log says %v is in force, %v", left, err)
	}
}

// TestAFaultThatDoesNotEnd stops the drill, and the undo says so.
func TestAFaultThatDoesNotEnd(t *testing.T) {
	r := newRig()
	r.stuck = true
	rec, err, _ := tell(t, r, func(p *Parts) { p.Scenario.Faults[0].For = Duration(3 * time.Second) })
	if err == nil || rec.Status != Broken || rec.Undo.Complete || rec.Faults[0].Restored {
		t.Errorf("%v, %s, undo %+v", err, rec.Status, rec.Undo)
	}
}

// TestWhatFollowsIsAsked shows that an effect that does not come leaves a fault unconfirmed.
func TestWhatFollowsIsAsked(t *testing.T) {
	for _, missing := range []bool{false, true} {
		r := newRig()
		r.stuck = missing // the rig's Await then refuses link.answers
		rec, _, _ := tell(t, r, func(p *Parts) {
			p.Injector = func(FaultSpec) (Injector, error) { return following{r}, nil }
		})
		if f := rec.Faults[0]; f.Confirmed == missing || f.InForce.Hi == 0 {
			t.Errorf("missing %v: %+v", missing, f)
		}
	}
}

type following struct{ *rig }

func (f following) Plan(ctx context.Context, d Description, s FaultSpec) (Plan, error) {
	p, err := f.rig.Plan(ctx, d, s)
	p.Follows = []Check{{Kind: LinkAnswers, On: "outside→east.api"}}
	return p, err
}
