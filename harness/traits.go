package harness

import "blackstart/loadgen"

// Traits are what a workload says of one of its loads.
type Traits = loadgen.Traits

// Amount is a value in minor units, written with the decimals that its currency has: "100.00".
type Amount = loadgen.Amount

// CheckCurrency tells what is wrong with amounts of so many decimals in a currency.
func CheckCurrency(code string, exponent uint8) error { return loadgen.CheckCurrency(code, exponent) }

// ParseAmount reads "100.00".
func ParseAmount(s string) (Amount, error) { return loadgen.ParseAmount(s) }
