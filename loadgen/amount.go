package loadgen

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// MaxExponent is the largest number of decimals that an amount can have.
const MaxExponent = 8

// Amount is a value in minor units: Minor × 10^−Exponent. It is written with exactly Exponent decimals: "100.00", "100", "0.00000001".
type Amount struct {
	Minor    int64
	Exponent uint8
}

var amountPattern = regexp.MustCompile(`^(0|[1-9]\d{0,12})(\.\d{1,8})?$`)

// ParseAmount reads "100.00": as many decimals as are written is its exponent.
func ParseAmount(s string) (Amount, error) {
	if !amountPattern.MatchString(s) {
		return Amount{}, fmt.Errorf("%q is not an amount: write it in quotes, with the decimals that its currency has, such as \"100.00\"", s)
	}
	whole, part, _ := strings.Cut(s, ".")
	n, ok := new(big.Int).SetString(whole+part, 10)
	if !ok || !n.IsInt64() {
		return Amount{}, fmt.Errorf("%q is too large an amount", s)
	}
	return Amount{n.Int64(), uint8(len(part))}, nil //nolint:gosec // at most MaxExponent
}

func (a Amount) String() string {
	sign, n := "", uint64(a.Minor) //nolint:gosec // the sign is taken off
	if a.Minor < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatUint(n, 10)
	if a.Exponent == 0 {
		return sign + digits
	}
	e := int(a.Exponent)
	digits = strings.Repeat("0", max(0, e+1-len(digits))) + digits
	return sign + digits[:len(digits)-e] + "." + digits[len(digits)-e:]
}

// MarshalText writes "100.00".
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads "100.00".
func (a *Amount) UnmarshalText(b []byte) (err error) {
	*a, err = ParseAmount(string(b))
	return err
}

// exponents are the decimals of the currencies of ISO 4217 that have not two.
var exponents = func() map[string]uint8 {
	all := map[string]uint8{"CLF": 4, "UYW": 4}
	for _, c := range strings.Fields("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF") {
		all[c] = 0
	}
	for _, c := range strings.Fields("BHD IQD JOD KWD LYD OMR TND") {
		all[c] = 3
	}
	return all
}()

var currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)

// CheckCurrency tells what is wrong with amounts of so many decimals in a currency; "" stands for a unit that is none.
func CheckCurrency(code string, exponent uint8) error {
	want, odd := exponents[code]
	if !odd {
		want = 2
	}
	switch {
	case exponent > MaxExponent:
		return fmt.Errorf("%d decimals, an amount has at most %d", exponent, MaxExponent)
	case code == "":
		return nil
	case !currencyPattern.MatchString(code):
		return fmt.Errorf("%.40q is no code of ISO 4217: write three capital letters, such as USD, or leave it empty for a unit that is no currency", code)
	case exponent != want:
		return fmt.Errorf("an amount in %s has %d decimals, not %d: write it as %s", code, want, exponent, Amount{100 * pow10(want), want})
	}
	return nil
}

func pow10(n uint8) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
