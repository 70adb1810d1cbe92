package measure

import (
	"fmt"
	"strconv"
	"time"

	"blackstart/harness"
)

// record is where a finding points for what is in the Record itself.
const recordFile = "data/record.json"

// finding judges one objective.
func (d *drill) finding(o harness.Objective) harness.Finding {
	f := harness.Finding{Objective: o, Measured: d.measured(o), Pointers: d.pointers(o)}
	bound, err := Bound(o)
	if err != nil {
		f.Reason = o.ID + ": " + err.Error()
		return f
	}
	if d.null() && !lossy(o.Measure) {
		f.Reason = o.ID + ": not applicable: " + detailNoFault
		return f
	}
	f.Verdict = Compare(f.Measured, bound)
	f.Reason = Sentence(f, bound)
	return f
}

// lossy tells whether a measure speaks of writes: those can be lost without a fault.
func lossy(measure string) bool {
	return measure == MeasureRPOTime || measure == MeasureRPOLost || measure == MeasureRPOValue
}

// measured makes the measurement that an objective asks for.
func (d *drill) measured(o harness.Objective) harness.Measurement {
	start, err := d.tf, error(nil)
	switch o.From {
	case "", fromFault:
	case fromDeclaration:
		start, err = d.declared()
	default:
		err = fmt.Errorf("the objective counts from %q, which is neither fault nor declaration", o.From)
	}
	switch o.Measure {
	case MeasureRTO:
		return d.rto(d.see(o.Load, o.Cohort), MeasureRTO, start, err)
	case MeasureAlert:
		return d.alert(o.Channel, start, err)
	case MeasureRPOTime, MeasureRPOLost, MeasureRPOValue:
		return d.lossMeasure(o.Measure, o.Load)
	}
	return harness.Measurement{Name: o.Measure, Detail: fmt.Sprintf("nothing measures %q", o.Measure)}
}

// Bound reads the greatest allowed value of an objective, in the unit of its measure: ns, a count, or minor units.
func Bound(o harness.Objective) (int64, error) {
	switch o.Measure {
	case MeasureRTO, MeasureRPOTime, MeasureAlert:
		d, err := time.ParseDuration(o.AtMost)
		if err == nil && d < 0 {
			err = fmt.Errorf("it is negative")
		}
		if err != nil {
			return 0, fmt.Errorf("read bound %q: %w", o.AtMost, err)
		}
		return int64(d), nil
	case MeasureRPOLost:
		n, err := strconv.ParseUint(o.AtMost, 10, 53)
		if err != nil {
			return 0, fmt.Errorf("read bound %q: %w", o.AtMost, err)
		}
		return int64(n), nil //nolint:gosec // 53 bits
	case MeasureRPOValue:
		a, err := harness.ParseAmount(o.AtMost)
		if err != nil {
			return 0, fmt.Errorf("read bound: %w", err)
		}
		return int64(a), nil
	}
	return 0, fmt.Errorf("nothing measures %q", o.Measure)
}

// Compare judges a measurement against its greatest allowed value: pass only if all of it is allowed, fail only if none
// of it is. What is not known is inconclusive.
func Compare(m harness.Measurement, atMost int64) harness.Verdict {
	switch {
	case !m.Known || m.Lo < 0 || m.Hi < m.Lo:
		return harness.Inconclusive
	case !m.Unbounded && m.Hi <= atMost:
		return harness.Pass
	case m.Lo > atMost:
		return harness.Fail
	}
	return harness.Inconclusive
}

// boundText prints a greatest allowed value in the unit of its measure.
func boundText(unit string, atMost int64) string {
	switch unit {
	case UnitNS:
		return Length(atMost)
	case UnitMinor:
		return harness.Amount(atMost).String()
	}
	return Count(atMost)
}

// Sentence says what an objective came to, in one sentence that needs no context.
func Sentence(f harness.Finding, atMost int64) string {
	m, o := f.Measured, f.Objective
	limit := fmt.Sprintf("objective %s (%s)", boundText(m.Unit, atMost), o.Source)
	if !m.Known {
		return fmt.Sprintf("%s: not measured: %s; %s", o.ID, m.Detail, limit)
	}
	value := Value(m)
	if m.Unbounded {
		word := "not recovered"
		switch o.Measure {
		case MeasureAlert:
			word = "not received"
		case MeasureRPOTime:
			word = "no bound"
		}
		value = word + ": " + value
	}
	switch f.Verdict {
	case harness.Pass:
		return fmt.Sprintf("%s: %s %s, %s", o.ID, title(o.Measure), value, limit)
	case harness.Fail:
		return fmt.Sprintf("%s: %s, %s", o.ID, value, limit)
	}
	return fmt.Sprintf("%s: %s cannot be told from the %s", o.ID, value, limit)
}

// title is how a measure is called in the result.
func title(measure string) string {
	switch measure {
	case MeasureRTO:
		return "RTO"
	case MeasureRPOTime:
		return "RPO"
	case MeasureRPOLost:
		return "lost writes"
	case MeasureRPOValue:
		return "lost value"
	case MeasureAlert:
		return "alert"
	}
	return measure
}

// pointers names the files of the pack that an objective's value comes from.
func (d *drill) pointers(o harness.Objective) []string {
	all := []string{recordFile}
	switch o.Measure {
	case MeasureRTO:
		if c, err := d.cohort(o.Load, o.Cohort); err == nil {
			all = append(all, c.Files...)
		}
	case MeasureRPOTime, MeasureRPOLost, MeasureRPOValue:
		if _, names, err := d.attempts(o.Load); err == nil {
			all = append(all, names...)
		}
	}
	return all
}
