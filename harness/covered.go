package harness

import (
	"fmt"
	"slices"
)

// MeansFor finds the means of a target's file that carries out an act on a component or link.
func (d *Description) MeansFor(act ActionKind, on string) (MeansOf, bool) {
	for _, m := range d.Means {
		if slices.Contains(m.On, on) && slices.Contains(m.Acts, act) {
			return m, true
		}
	}
	return MeansOf{}, false
}

// covered refuses a plan on the target of a file that has no means for what it acts on, or whose undo could put two in the lead.
func covered(p Plan, target Description) error {
	if target.Kind != External {
		return nil
	}
	for _, s := range p.Steps {
		if UndoOf(s.Do.Kind) == "" {
			continue
		}
		for _, on := range slices.Concat(s.Do.Components, s.Do.Links) {
			if _, ok := target.MeansFor(s.Do.Kind, on); !ok {
				return fmt.Errorf("plan %s: target %s has no means of %s for %s: write one under its means, or kind: fault.manual, which its people carry out",
					p.Fault.Kind, target.Name, s.Do.Kind, on)
			}
		}
	}
	for _, s := range p.Steps {
		for _, name := range s.Do.Components {
			c, _ := target.ComponentByName(name)
			if s.Do.Kind == ComponentPause && c.Role == Primary && c.Fencing != FencedBySelf {
				return fmt.Errorf("plan %s: what is frozen can neither be asked nor fenced, and %s goes on in the lead when it is let go: "+
					"only one with fencing: {by: self} may be frozen; kill it, or cut its links", p.Fault.Kind, name)
			}
		}
	}
	for _, name := range p.Fences {
		if c, ok := target.ComponentByName(name); ok && c.Fencing == "" {
			return fmt.Errorf("plan %s: its undo has to fence %s, and the file of target %s does not say how: write fencing: at the component", p.Fault.Kind, name, target.Name)
		}
	}
	return nil
}
