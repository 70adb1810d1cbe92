package measure

import (
	"fmt"

	"blackstart/harness"
)

// What a drill without a fault is judged by, without being asked.
const (
	MeasureImpact = "null.impact"
	MeasureLoss   = "null.loss"
)

// nullSource is the source of what a null drill must show.
const nullSource = "null drill: nothing was broken"

// nullFindings judges what a drill without a fault must show: no impact and no loss.
func (d *dataset) nullFindings() []harness.Finding {
	loss := harness.Objective{ID: MeasureLoss, Measure: MeasureLoss, AtMost: "0", Source: nullSource}
	impact := harness.Objective{ID: MeasureImpact, Measure: MeasureImpact, AtMost: "0", Source: nullSource}
	findings := []harness.Finding{{Objective: impact, Measured: d.nullImpact(), Pointers: []string{recordFile}}}
	if len(d.writes) > 0 {
		m := d.lossMeasure(MeasureRPOLost, "", origin{})
		m.Name = MeasureLoss
		findings = append(findings, harness.Finding{Objective: loss, Measured: m, Pointers: []string{recordFile}})
	}
	for i := range findings {
		f := &findings[i]
		f.Verdict = Compare(f.Measured, 0)
		f.Reason = Sentence(*f, 0)
		if f.Measured.Known && f.Measured.Detail != "" {
			f.Reason += ": " + f.Measured.Detail
		}
	}
	return findings
}

// nullImpact counts what an outage would have been seen by: the shares of the steady state over the observation, and the
// windows of recovery over every cohort.
func (d *dataset) nullImpact() harness.Measurement {
	m := harness.Measurement{Name: MeasureImpact, Unit: harness.UnitCount, Method: "requirements and windows that did not hold"}
	from, end := d.sinceAnchor(d.rec.Observation.Lo), d.sinceAnchor(d.rec.Observation.Hi)
	limits := d.rec.Scenario.Recovered
	judged, failing := 0, 0
	for _, r := range d.rec.Scenario.SteadyState.Require {
		s, ok := d.seriesOf(r.Load)
		if r.Load == "" {
			continue
		}
		if !ok || s.Err != nil {
			m.Detail = fmt.Sprintf("load %s has no samples in the observation", r.Load)
			return m
		}
		t := s.samples.all()
		span := Bounds{from, end}.there(d.ahead(s.Stream))
		i, j := t.between(span.Lo, span.Hi+1)
		all := j - i
		if all == 0 {
			m.Detail = fmt.Sprintf("load %s has no samples in the observation", r.Load)
			return m
		}
		judged++
		if n, _ := t.tally(i, j, byTimeout); !r.SuccessAtLeast.Of(n, all) {
			failing++
			m.Detail = fmt.Sprintf("load %s: %s of %s due requests OK", r.Load, Count(int64(n)), Count(int64(all)))
		}
		if s.Stream.Traits().Ledger || s.Stream.Traits().Edges {
			continue
		}
		n, bad, err := d.nullWindows(s, limits, from, end)
		if err != nil {
			m.Detail = err.Error()
			return m
		}
		judged, failing = judged+n, failing+bad
		if bad > 0 && m.Detail == "" {
			m.Detail = fmt.Sprintf("load %s: %d windows did not hold", r.Load, bad)
		}
	}
	if judged == 0 {
		m.Detail = "the steady state requires nothing of any load"
		return m
	}
	m.Known, m.Lo, m.Hi = true, int64(failing), int64(failing)
	if failing == 0 {
		m.Detail = fmt.Sprintf("%s of %s requirements and windows held", Count(int64(judged)), Count(int64(judged)))
	}
	return m
}

// nullWindows counts the windows of a load's cohorts over the observation, and those that do not hold.
func (d *dataset) nullWindows(s Series, limits harness.Recovered, from, end int64) (all, bad int, err error) {
	if limits.Window <= 0 {
		return 0, 0, nil // the scenario of a null drill need not say what counts as recovered
	}
	names := s.Stream.Cohorts
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		c, err := d.cohort(s.Stream.Load, name)
		if err != nil {
			return 0, 0, err
		}
		if c.Own.empty() {
			continue
		}
		for _, w := range windows(c, limits, from, end) {
			if w.Thin {
				return 0, 0, fmt.Errorf("load %s: a window holds %d due requests, %d were asked for", c.Load, w.Due, limits.MinRequests)
			}
			all++
			if !w.Good {
				bad++
			}
		}
	}
	if all == 0 {
		return 0, 0, fmt.Errorf("load %s: no window fits into the observation", s.Stream.Load)
	}
	return all, bad, nil
}
