package measure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
)

// record is where a finding points for what is in the Record itself.
const recordFile = "data/record.json"

// finding judges one objective.
func (d *drill) finding(o harness.Objective) harness.Finding {
	f := harness.Finding{Objective: o, Measured: d.measured(o), Pointers: d.pointers(o)}
	d.unexercised(&f.Measured, o)
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
	d.doubt(&f)
	return f
}

// lossy tells whether a measure speaks of writes: those can be lost without a fault.
func lossy(measure string) bool {
	return measure == MeasureRPOTime || measure == MeasureRPOLost || measure == MeasureRPOValue
}

// measured makes the measurement that an objective asks for.
func (d *drill) measured(o harness.Objective) harness.Measurement {
	fault, err := d.moment(o.Fault)
	start, startErr := fault, err
	if err == nil {
		start, startErr = d.start(o, fault)
	}
	switch o.Measure {
	case MeasureRTO:
		return d.rto(d.see(o.Load, o.Cohort, fault), MeasureRTO, start, startErr)
	case MeasureAlert:
		return d.alert(o, fault, start, startErr)
	case MeasureContent:
		return d.content(o, fault, err)
	case MeasureRPOTime, MeasureRPOLost, MeasureRPOValue:
		return d.lossMeasure(o.Measure, o.Load, o.Fault)
	case MeasureExposure, MeasureExposureLost, MeasureExposureValue:
		return d.exposure(o.Measure, o.Load, fault, err)
	case MeasureCatchup:
		return d.catchup(o.Fault)
	case MeasureDecision:
		return d.decision(o.Is, fault, err)
	case MeasureWrong:
		return d.wrong(o.Load, int64(o.StaleAfter))
	}
	return harness.Measurement{Name: o.Measure, Detail: fmt.Sprintf("nothing measures %q", o.Measure)}
}

// Bound reads the greatest allowed value of an objective, in the unit of its measure: ns, a count, or minor units. For a
// decision it is 0: the measurement is 0 if the target decided what the objective says, and 1 if not.
func Bound(o harness.Objective) (int64, error) {
	switch o.Measure {
	case MeasureRTO, MeasureRPOTime, MeasureAlert, MeasureExposure, MeasureCatchup:
		d, err := time.ParseDuration(o.AtMost)
		if err == nil && d < 0 {
			err = fmt.Errorf("it is negative")
		}
		if err != nil {
			return 0, fmt.Errorf("read bound %q: %w", o.AtMost, err)
		}
		return int64(d), nil
	case MeasureRPOLost, MeasureExposureLost, MeasureContent, MeasureWrong:
		n, err := strconv.ParseUint(o.AtMost, 10, 53)
		if err != nil {
			return 0, fmt.Errorf("read bound %q: %w", o.AtMost, err)
		}
		return int64(n), nil //nolint:gosec // 53 bits
	case MeasureRPOValue, MeasureExposureValue:
		a, err := harness.ParseAmount(o.AtMost)
		if err != nil {
			return 0, fmt.Errorf("read bound: %w", err)
		}
		return int64(a), nil
	case MeasureDecision:
		if !slices.Contains(decidedWords, o.Is) {
			return 0, fmt.Errorf("read bound: a decision is one of %s, not %q", strings.Join(decidedWords, ", "), o.Is)
		}
		return 0, nil
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

// pointers names the files of the pack that an objective's value comes from.
func (d *drill) pointers(o harness.Objective) []string {
	all := []string{recordFile}
	switch o.Measure {
	case MeasureRTO:
		if c, err := d.cohort(o.Load, o.Cohort); err == nil {
			all = append(all, c.Files...)
		}
	case MeasureRPOTime, MeasureRPOLost, MeasureRPOValue:
		all = append(all, d.ledgerFiles(o.Load)...)
	case MeasureExposure:
		all = append(all, d.probeFiles(probeHeartbeat)...)
	case MeasureExposureLost, MeasureExposureValue:
		all = append(append(all, d.probeFiles(probeHeartbeat)...), d.ledgerFiles(o.Load)...)
	case MeasureCatchup:
		all = append(all, d.probeFiles(probeHeartbeat)...)
	case MeasureDecision:
		all = append(append(all, d.probeFiles(probeWritable)...), d.probeFiles(probeDNS)...)
	case MeasureWrong:
		all = append(all, d.probeFiles(probeAnswers)...)
		for _, s := range d.series {
			if s.Stream.Traits().Questions && (o.Load == "" || s.Stream.Load == o.Load) {
				all = append(all, s.Stream.File)
			}
		}
	}
	return all
}

func (d *drill) ledgerFiles(load string) []string {
	return d.ledger(load).files // none of a load without a ledger
}

func (d *drill) probeFiles(probe string) []string {
	_, names, _ := d.observations(probe) // none of a probe that was not asked
	return names
}
