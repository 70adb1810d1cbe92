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
func (d *dataset) finding(o harness.Objective) harness.Finding {
	f := harness.Finding{Objective: o, Measured: d.undated(d.measured(o)), Pointers: d.pointers(o)}
	d.unexercised(&f.Measured, o)
	f.Measured.After = d.id(originOf(o))
	f.Measured.Detail = truncate(f.Measured.Detail)
	bound, err := Bound(o, f.Measured)
	if err != nil {
		f.Reason = o.ID + ": " + err.Error()
		return f
	}
	if d.null() && !RowOf(o.Measure).Losses {
		f.Reason = o.ID + ": not applicable: " + detailNoFault
		return f
	}
	f.Verdict = Compare(f.Measured, bound)
	f.Reason = Sentence(f, bound)
	d.doubtContradicted(&f)
	return f
}

// measured makes the measurement that an objective asks for.
func (d *dataset) measured(o harness.Objective) harness.Measurement {
	of := RowOf(o.Measure)
	if of.Find == nil {
		return harness.Measurement{Name: o.Measure, Detail: fmt.Sprintf("nothing measures %q", o.Measure)}
	}
	return of.Find(d, d.timedObjective(o))
}

// Bound reads the greatest allowed value of an objective, in the unit of what was measured: ns, a count, or minor units. For a
// word it is 0: the measurement is 0 if the word is the one that the objective says, and 1 if not.
func Bound(o harness.Objective, m harness.Measurement) (int64, error) {
	of := RowOf(o.Measure)
	if of.Find == nil {
		return 0, fmt.Errorf("nothing measures %q", o.Measure)
	}
	switch of.Unit {
	case harness.UnitCount:
		n, err := strconv.ParseUint(o.AtMost, 10, 53)
		if err != nil {
			return 0, fmt.Errorf("read bound %q: %w", o.AtMost, err)
		}
		return int64(n), nil //nolint:gosec // 53 bits
	case harness.UnitMinor:
		a, err := harness.ParseAmount(o.AtMost)
		if err != nil {
			return 0, fmt.Errorf("read bound: %w", err)
		}
		if a.Exponent != m.Decimals() {
			return 0, fmt.Errorf("read bound %q: the amounts of the drill have %d decimals", o.AtMost, m.Decimals())
		}
		return a.Minor, nil
	case harness.UnitWord:
		if !slices.Contains(of.Words, o.Is) {
			return 0, fmt.Errorf("read bound: a %s is one of %s, not %q", of.Title, strings.Join(of.Words, ", "), o.Is)
		}
		return 0, nil
	}
	d, err := time.ParseDuration(o.AtMost)
	if err == nil && d < 0 {
		err = fmt.Errorf("it is negative")
	}
	if err != nil {
		return 0, fmt.Errorf("read bound %q: %w", o.AtMost, err)
	}
	return int64(d), nil
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
func (d *dataset) pointers(o harness.Objective) []string {
	all := []string{recordFile}
	if of := RowOf(o.Measure); of.Files != nil {
		all = append(all, of.Files(d, o)...)
	}
	return all
}

func (d *dataset) ledgerFiles(load string) []string {
	return d.ledger(load).files // none of a load without a ledger
}

func (d *dataset) probeFiles(probe string) []string {
	_, names, _ := d.observations(probe) // none of a probe that was not asked
	return names
}
