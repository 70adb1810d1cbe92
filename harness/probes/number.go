package probes

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"time"

	"blackstart/harness"
)

// traitUnit is the unit of the values of such an answer.
func traitUnit(unit string) string {
	switch unit {
	case "seconds", "milliseconds", "age":
		return harness.UnitNS
	case "bytes":
		return unitBytes
	case "share":
		return harness.UnitPPM
	}
	return unitCount
}

// numberForm bounds a number that somebody else wrote: its cost grows with its exponent.
var numberForm = regexp.MustCompile(`^[+-]?\d{1,25}(\.\d{1,25})?([eE][+-]?\d{1,2})?$`)

// aheadAtMost is how far ahead of ours the clock may be that dates an answer; by more, its age is not known.
const aheadAtMost = time.Second

// number reads a number, or the moment that an age is counted from, off an answer that came at a moment. A truth is a count of 1 or 0. What has
// no place among whole numbers of the unit is refused, not rounded; a time is cut to the nanosecond, a share to a millionth.
func number(text, unit string, now time.Time) (int64, error) {
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.RFC3339, text); err == nil && unit == "age" {
		return age(now.Sub(at))
	}
	if truth := map[string]int64{"true": 1, "t": 1, "false": 0, "f": 0}; unit == "" || unit == "count" {
		if v, ok := truth[text]; ok {
			return v, nil
		}
	}
	if !numberForm.MatchString(text) {
		return 0, fmt.Errorf("what stands there is no number (%d bytes)", len(text)) // it may hold anything, and goes into packs
	}
	v, _ := new(big.Rat).SetString(text) // the form is one that it takes
	scale := map[string]int64{"seconds": int64(time.Second), "milliseconds": int64(time.Millisecond), "share": 1_000_000, "age": int64(time.Second)}[unit]
	if scale > 0 {
		v.Mul(v, new(big.Rat).SetInt64(scale))
	} else if !v.IsInt() {
		return 0, errors.New("it is no whole number: round it where it comes from, or write its unit")
	}
	whole := new(big.Int).Quo(v.Num(), v.Denom())
	switch {
	case !whole.IsInt64():
		return 0, errors.New("it is too large a number")
	case unit == "age":
		return age(now.Sub(time.Unix(0, whole.Int64())))
	}
	return whole.Int64(), nil
}

// age is how old something is. What comes from a moment that is still to come has none, nor what comes from one so long ago that only a
// clock which was never set can have meant it, such as that of the year 1.
func age(d time.Duration) (int64, error) {
	if d == math.MaxInt64 {
		return 0, errors.New("it is dated centuries ago, as what has no date yet")
	}
	if d < -aheadAtMost {
		return 0, fmt.Errorf("it is dated %s ahead of our clock", -d)
	}
	return int64(max(0, d)), nil
}
