package harness

import (
	"fmt"
	"slices"
	"time"
)

// share is what one part of a scenario adds to the length of its drill.
type share struct {
	at    []any // where the scenario says it: see Refusal
	takes time.Duration
}

// shares are the parts of a drill's length. People may take as long as the scenario gives them, there and back; the proof that a fault
// of theirs is over comes on top.
func shares(s Scenario, plans []Plan) []share {
	acts := share{at: []any{"observe"}}
	for _, a := range Acts(s) {
		if a.Kind != ActBaseline {
			acts.takes += a.Lasts.D()
		}
	}
	all := []share{acts, {[]any{"steadyState", "for"}, s.SteadyState.For.D() + drainTime}}
	for _, p := range plans {
		if do := p.Task(); do != nil {
			i := slices.IndexFunc(s.Faults, func(f FaultSpec) bool { return p.Fault.ID == f.ID && p.Fault.Kind == f.Kind && p.Fault.At == f.At })
			all = append(all, share{[]any{"faults", max(i, 0)}, do.Within.D() + p.Steps[0].Undo.Person.Within.D() + restoreLimit})
		}
	}
	for i, r := range s.Restore {
		all = append(all, share{[]any{"restore", i}, r.within() - r.within()/4}) // the rest is that of its act
	}
	for i, step := range s.Recovery.Steps {
		if step.Do != "" {
			all = append(all, share{[]any{"recovery", "steps", i}, max(0, step.Patience().D()-step.Takes.D())})
		}
	}
	return all
}

// PlannedLength is the longest that a drill takes by its plan, its undo included.
func PlannedLength(s Scenario, plans []Plan) (total time.Duration) {
	for _, of := range shares(s, plans) {
		total += of.takes
	}
	return total
}

// TooLong refuses a drill that may take longer than its target allows, where the scenario asks for most of it.
func TooLong(s Scenario, plans []Plan, longest time.Duration) []Refusal {
	total := PlannedLength(s, plans)
	if longest == 0 || total <= longest {
		return nil
	}
	var most share
	for _, of := range shares(s, plans) {
		if of.takes > most.takes {
			most = of
		}
	}
	return []Refusal{{most.at, fmt.Errorf("the drill may take %s, its undo and what people may take included, and limits.longestDrill of the target is %s; "+
		"%s of it are asked for here: write less, or have the target's owner allow more", total.Round(time.Second), longest, most.takes.Round(time.Second))}}
}

// overdue ends a drill that takes longer than its target allows, while there is still time for its undo.
func (d *drill) overdue() error {
	longest := time.Duration(d.rec.Target.LongestNS)
	if longest == 0 || d.phase == ActUndo || d.clock.Now().Sub(d.rec.Started) < longest-d.undoTime() {
		return nil
	}
	return fmt.Errorf("%w: by limits.longestDrill of the target it may last %s, its undo included", errGuard, longest)
}
