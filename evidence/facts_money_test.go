package evidence

import (
	"testing"

	"blackstart/harness"
)

// A fact prints an amount with the decimals of its currency; cents are what a measurement without a word about it is in.
func TestFactsPrintAmountsWithTheirDecimals(t *testing.T) {
	for exponent, want := range map[uint8]string{2: "-0.05..12.34", 0: "-5..1234", 3: "-0.005..1.234", 8: "-0.00000005..0.00001234"} {
		m := harness.Measurement{Unit: harness.UnitMinor, Known: true, Lo: -5, Hi: 1234}
		m.SetDecimals(exponent)
		if got := factValue(m); got != want || (exponent == 2) != (m.Exponent == nil) {
			t.Errorf("%d decimals: %s, want %s", exponent, got, want)
		}
	}
}
