package loadgen

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Amount is money in minor units (cents), written "100.00" with exactly two decimals.
type Amount int64

var amountPattern = regexp.MustCompile(`^(0|[1-9]\d{0,12})\.\d{2}$`)

// ParseAmount reads "100.00".
func ParseAmount(s string) (Amount, error) {
	if !amountPattern.MatchString(s) {
		return 0, fmt.Errorf("%q is not an amount: write it with two decimals and in quotes, such as \"100.00\"", s)
	}
	n, ok := new(big.Int).SetString(strings.Replace(s, ".", "", 1), 10)
	if !ok || !n.IsInt64() {
		return 0, fmt.Errorf("%q is too large an amount", s)
	}
	return Amount(n.Int64()), nil
}

func (a Amount) String() string { return fmt.Sprintf("%d.%02d", a/100, a%100) }

// UnmarshalYAML reads "100.00".
func (a *Amount) UnmarshalYAML(n *yaml.Node) (err error) {
	*a, err = ParseAmount(n.Value)
	return err
}

// MarshalYAML writes "100.00".
func (a Amount) MarshalYAML() (any, error) { return a.String(), nil }

// MarshalText writes "100.00".
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads "100.00".
func (a *Amount) UnmarshalText(b []byte) (err error) {
	*a, err = ParseAmount(string(b))
	return err
}
