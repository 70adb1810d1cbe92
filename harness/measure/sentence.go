package measure

import (
	"fmt"

	"blackstart/harness"
)

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
	limit := boundText(m.Unit, atMost)
	if o.Measure == MeasureDecision {
		limit = o.Is
	}
	limit = fmt.Sprintf("objective %s (%s)", limit, o.Source)
	if Unexercised(m) {
		return fmt.Sprintf("%s: %s; %s", o.ID, m.Detail, limit)
	}
	if !m.Known {
		return fmt.Sprintf("%s: not measured: %s; %s", o.ID, m.Detail, limit)
	}
	value, apart := Value(m), ", "
	if m.Unbounded {
		value = endless(o) + ": " + value
		if o.Measure == MeasureRTO && m.Text != "" {
			value, apart = value+"; clients saw: "+m.Text, "; "
		}
	}
	switch f.Verdict {
	case harness.Pass:
		return fmt.Sprintf("%s: %s %s, %s", o.ID, title(o.Measure), value, limit)
	case harness.Fail:
		return o.ID + ": " + titled(o.Measure) + value + apart + limit + why(f)
	}
	return fmt.Sprintf("%s: %s cannot be told from the %s", o.ID, value, limit)
}

// endless says what has no upper bound.
func endless(o harness.Objective) string {
	switch o.Measure {
	case MeasureAlert:
		if len(o.Carries) > 0 {
			return "not received with " + fieldWords(o.Carries)
		}
		return "not received"
	case MeasureRPOTime:
		return "no bound"
	case MeasureCatchup:
		return "the standby has not caught up"
	}
	return "not recovered"
}

// titled names a value that does not speak for itself when it is not allowed.
func titled(measure string) string {
	switch measure {
	case MeasureWrong, MeasureContent, MeasureExposureLost, MeasureExposureValue:
		return title(measure) + " "
	}
	return ""
}

// why gives the reason behind a value that is not allowed, where its number alone does not tell what happened.
func why(f harness.Finding) string {
	switch f.Objective.Measure {
	case MeasureWrong, MeasureContent, MeasureDecision:
		return ": " + f.Measured.Detail
	}
	return ""
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
	case MeasureContent:
		return "fields the alert lacks"
	case MeasureExposure:
		return "exposure"
	case MeasureExposureLost:
		return "writes exposed"
	case MeasureExposureValue:
		return "value exposed"
	case MeasureCatchup:
		return "catch-up"
	case MeasureWrong:
		return "wrong answers"
	}
	return measure
}
