package harness

import "blackstart/loadgen"

// Traits are what a workload says of one of its loads.
type Traits = loadgen.Traits

// Amount is money in minor units (cents), written "100.00" with exactly two decimals.
type Amount = loadgen.Amount

// ParseAmount reads "100.00".
func ParseAmount(s string) (Amount, error) { return loadgen.ParseAmount(s) }
