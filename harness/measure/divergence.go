package measure

import (
	"fmt"

	"blackstart/harness"
)

// splitBrain says what writers behind the cut were promised and lost, with number, value and how long it went on; "" if it was
// nothing, or is not known. It is told with every result, whatever the objectives ask: such a write was acknowledged by a
// database that no longer counted, which nobody can see from where it counts.
func (d *dataset) splitBrain() string {
	if d.null() || !d.rec.Ledger.Promoted {
		return ""
	}
	var number, lasted, value harness.Measurement
	for _, m := range d.divergence(d.clocks[0]) {
		switch m.Name {
		case NameDivergence:
			number = m
		case NameDivergenceTime:
			lasted = m
		case NameDivergenceCost:
			value = m
		}
	}
	if !number.Known || number.Lo == 0 {
		return ""
	}
	return fmt.Sprintf("split brain: %s writes worth %s were acknowledged behind the cut, the last %s after it, and are not on %s",
		Value(number), Value(value), Value(lasted), d.rec.Ledger.Primary)
}
