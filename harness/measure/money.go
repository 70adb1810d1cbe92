package measure

import (
	"fmt"

	"blackstart/harness"
)

// exponentOf is that of all amounts of a drill: of the first ledger whose writes have a value, or else of the first; 2 without a ledger.
func exponentOf(rec *harness.Record) uint8 {
	exponent, found := uint8(2), false
	for _, s := range rec.Streams {
		if s.Kind != kindLedger {
			continue
		}
		if t := s.Traits(); t.Valued {
			return t.Exponent
		} else if !found {
			exponent, found = t.Exponent, true
		}
	}
	return exponent
}

// decimals tells a measurement of a value how it is printed.
func (d *dataset) decimals(m *harness.Measurement) {
	if m.Unit == harness.UnitMinor {
		m.SetDecimals(d.exponent)
	}
}

// mixed names a ledger whose amounts are in another currency, or have other decimals, than those of s: nobody can add them.
func (d *dataset) mixed(s harness.Stream) string {
	own := s.Traits()
	for _, w := range d.writes {
		if t := w.Stream.Traits(); own.Valued && t.Valued && (t.Currency != own.Currency || t.Exponent != own.Exponent) {
			return fmt.Sprintf("its amounts are in %s, those of ledger %s in %s: they cannot be added", unitOf(own), w.Stream.Load, unitOf(t))
		}
	}
	return ""
}

// unitOf names what amounts are in.
func unitOf(t harness.Traits) string {
	if t.Currency == "" {
		return fmt.Sprintf("a unit without a currency, with %d decimals", t.Exponent)
	}
	return fmt.Sprintf("%s with %d decimals", t.Currency, t.Exponent)
}
