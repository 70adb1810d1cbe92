package harness

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Bounds are what the value of a probe may be, as they are written: a duration for ns, a share for ppm, a whole number for any
// other unit. "" is no bound.
type Bounds struct{ AtMost, AtLeast string }

// Bounds are those of a guard.
func (g Guard) Bounds() Bounds { return Bounds{g.AtMost, g.AtLeast} }

// Bounds are those of a requirement, but for its age.
func (r Requirement) Bounds() Bounds { return Bounds{r.AtMost, r.AtLeast} }

// Some tells whether there is a bound.
func (b Bounds) Some() bool { return b != Bounds{} }

func (b Bounds) String() string {
	switch {
	case b.AtLeast == "":
		return "at most " + b.AtMost
	case b.AtMost == "":
		return "at least " + b.AtLeast
	}
	return "at least " + b.AtLeast + " and at most " + b.AtMost
}

// Read gives the least and the greatest value in a unit. The error says which of the two cannot be one, or that none can be within.
func (b Bounds) Read(unit string) (least, most int64, err error) {
	least, most = math.MinInt64, math.MaxInt64
	if b.AtMost != "" {
		if most, err = readValue(unit, b.AtMost); err != nil {
			return 0, 0, fmt.Errorf("atMost: %w", err)
		}
	}
	if b.AtLeast != "" {
		if least, err = readValue(unit, b.AtLeast); err != nil {
			return 0, 0, fmt.Errorf("atLeast: %w", err)
		}
	}
	if least > most {
		return 0, 0, errors.New("atLeast is more than atMost: no value is within")
	}
	return least, most, nil
}

// Beyond tells whether an answer is none, is not good, or has a value that is not within. What cannot be compared is beyond.
func (b Bounds) Beyond(o Observation) bool {
	if !o.OK {
		return true
	}
	if !b.Some() {
		return false
	}
	least, most, err := b.Read(o.Unit)
	return err != nil || o.Value < least || o.Value > most
}

// readValue reads a value as it is written in a unit.
func readValue(unit, text string) (int64, error) {
	switch unit {
	case UnitNS:
		d, err := ParseDuration(text)
		return int64(d), err
	case UnitPPM:
		r, err := ParseRatio(text)
		return int64(r), err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%q is not a whole number: write one such as 3", text)
	}
	return n, nil
}

// ValueWords writes the value of an answer with its unit.
func ValueWords(unit string, v int64) string {
	switch unit {
	case UnitNS:
		return time.Duration(v).String()
	case UnitPPM:
		return Ratio(v).String()
	case "bytes":
		return strconv.FormatInt(v, 10) + " bytes"
	}
	return strconv.FormatInt(v, 10)
}
