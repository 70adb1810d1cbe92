package measure

import (
	"fmt"

	"blackstart/harness"
)

// checkPeople demands that somebody said of everything that people were asked to do for the drill that it was done, in a time that
// can be. What they undo is proven by the victim, and by nothing else.
func (d *dataset) checkPeople() harness.ValidityCheck {
	const name = "people.done"
	done := 0
	for _, p := range d.rec.People {
		switch {
		case p.Task.Undoing:
		case p.Done == 0:
			return verdict(name, fmt.Sprintf("%s was asked to %q, and nobody said that it was done: %s", p.Task.By, p.Task.What, orUnknown(p.Detail)), "")
		case p.Asked < d.rec.Started || p.Done < p.Asked || p.Begun != 0 && (p.Begun < p.Asked || p.Begun > p.Done) || p.DoneBy == "":
			return verdict(name, fmt.Sprintf("what is on record of %q cannot be: asked, begun and done do not follow each other, or have no name", p.Task.What), "")
		default:
			done++
		}
	}
	return verdict(name, "", fmt.Sprintf("%d things that people were asked to do are done, by their word", done))
}
