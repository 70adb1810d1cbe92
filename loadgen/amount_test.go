package loadgen

import (
	"strings"
	"testing"
)

func TestAmountsHaveTheDecimalsOfTheirCurrency(t *testing.T) {
	for text, want := range map[string]Amount{
		"100.00": {10_000, 2}, "0.00": {0, 2}, "100": {100, 0}, "1.234": {1234, 3}, "0.00000001": {1, 8}, "12.3": {123, 1}, "9999999999999.99": {999999999999999, 2},
	} {
		got, err := ParseAmount(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v, printed %s, %v", text, got, got, err)
		}
	}
	for _, text := range []string{"", "1,0", "1.", ".5", "-1.00", "01.00", "1.123456789", "99999999999999.00", "9999999999999.99999999"} {
		if got, err := ParseAmount(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	for a, want := range map[Amount]string{
		{0, 2}: "0.00", {5, 2}: "0.05", {1234, 2}: "12.34", {-1234, 2}: "-12.34", {-5, 3}: "-0.005", {-1 << 63, 2}: "-92233720368547758.08", {-7, 0}: "-7", {1, 8}: "0.00000001",
	} {
		if got := a.String(); got != want {
			t.Errorf("%+v: %s, want %s", a, got, want)
		}
	}
}

func TestACurrencyIsOneOfISO4217(t *testing.T) {
	for _, c := range []struct {
		code     string
		exponent uint8
		want     string
	}{
		{"USD", 2, ""}, {"JPY", 0, ""}, {"KWD", 3, ""}, {"CLF", 4, ""}, {"", 8, ""}, {"", 0, ""},
		{"usd", 2, "three capital letters"}, {"US", 2, "three capital letters"}, {"JPY", 2, "has 0 decimals, not 2: write it as 100"},
		{"KWD", 2, "has 3 decimals, not 2: write it as 100.000"}, {"USD", 0, "has 2 decimals"}, {"", 9, "at most 8"},
	} {
		err := CheckCurrency(c.code, c.exponent)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %d decimals: %v, want %q", c.code, c.exponent, err, c.want)
		}
	}
}
