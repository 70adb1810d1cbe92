package measure

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
)

const (
	// clockTolerance is how far the wall clock may move against the drill's clock during the drill.
	clockTolerance = 50 * time.Millisecond
	// edgeSlack is how much later than the baseline a stream or probe may begin, and how much earlier than the end of
	// observation it may end.
	edgeSlack = time.Second
)

// validity lists every condition without which nothing can be judged.
func (d *dataset) validity() []harness.ValidityCheck {
	var checks []harness.ValidityCheck
	if c := d.checkPresent(); !c.OK { // first: all that follows may come of it. Its line stands where it fails only
		checks = append(checks, c)
	}
	checks = append(checks, d.checkRecord(), d.checkFaults(), d.checkObserved(), d.checkStreams(), d.checkOffered(),
		d.checkShortage())
	if len(d.rec.People) > 0 {
		checks = append(checks, d.checkPeople())
	}
	if d.rec.Scenario.ObserveUndo > 0 {
		checks = append(checks, d.checkUndo())
	}
	checks = append(checks, d.checkBaseline())
	if c := d.checkUndisturbed(); !c.OK { // its line stands where it fails only: others than the drill are rarely there
		checks = append(checks, c)
	}
	checks = append(checks, Steady(d.rec.Scenario.SteadyState.Require, d.series, d.probes, d.rec.Anchor, d.rec.Baseline)...)
	checks = append(checks, d.checkProbes(), d.checkEnough(), d.checkClock(), d.checkAlerts(), d.checkLedger(), d.checkOracle())
	for i := range checks {
		checks[i].Detail = truncate(checks[i].Detail)
	}
	return checks
}

// verdict makes a check of a name and why it fails, or what it found.
func verdict(name, why, found string) harness.ValidityCheck {
	if why != "" {
		return harness.ValidityCheck{Name: name, Detail: why}
	}
	return harness.ValidityCheck{Name: name, OK: true, Detail: found}
}

// maxWords bounds, in bytes, what a check, a measurement or a finding says: names out of a record stand in it, and a record may hold any.
const maxWords = 4096

// truncate shortens what is longer than maxWords, and says so.
func truncate(words string) string {
	if len(words) <= maxWords {
		return words
	}
	return fmt.Sprintf("%s … (%d bytes more)", strings.ToValidUTF8(words[:maxWords], ""), len(words)-maxWords)
}

func (d *dataset) checkRecord() harness.ValidityCheck {
	r := d.rec
	why := ""
	switch {
	case r.Format != harness.Format:
		why = fmt.Sprintf("its format is %q, this program judges %q", r.Format, harness.Format)
	case r.RunID == "":
		why = "it has no run id"
	case r.Anchor <= 0:
		why = "it has no anchor"
	case r.Started <= 0 || r.Ended < r.Started:
		why = "its begin or end is missing"
	case r.Baseline.Lo < r.Started || r.Baseline.Hi <= r.Baseline.Lo:
		why = "it has no baseline window"
	case r.Observation.Lo < r.Baseline.Lo || r.Observation.Hi <= r.Observation.Lo || r.Observation.Hi > r.Ended:
		why = "it has no time of observation"
	}
	return verdict("record.whole", why, "format, run, anchor and times are there")
}

func (d *dataset) checkFaults() harness.ValidityCheck {
	const name = "fault.confirmed"
	planned := d.rec.Scenario.Faults
	if len(planned) != len(d.rec.Faults) {
		return verdict(name, fmt.Sprintf("the scenario has %d faults, the record %d", len(planned), len(d.rec.Faults)), "")
	}
	if d.null() {
		return verdict(name, "", detailNoFault+", as the scenario says")
	}
	for _, f := range d.rec.Faults {
		switch {
		case !slices.ContainsFunc(planned, func(p harness.FaultSpec) bool {
			return f.Plan.Fault.Kind == p.Kind && f.Plan.Fault.At == p.At && f.Plan.Fault.StartsClock == p.StartsClock
		}):
			return verdict(name, fmt.Sprintf("%s is not a fault of the scenario", f.Plan.Fault.Kind), "")
		case !f.Confirmed || f.InForce.Lo <= 0 || f.InForce.Hi < f.InForce.Lo:
			return verdict(name, fmt.Sprintf("%s was not confirmed in force: %s", f.Plan.Fault.Kind, orUnknown(f.Detail)), "")
		case f.InForce.Lo < d.rec.Baseline.Lo || f.InForce.Hi > d.rec.Observation.Hi:
			return verdict(name, fmt.Sprintf("%s came into force outside the time of observation", f.Plan.Fault.Kind), "")
		case f.Plan.Fault.For > 0 && !undoneWhileWatched(f, d.rec.Observation):
			return verdict(name, fmt.Sprintf("%s was to last %s, and was not taken back while clients were watched",
				f.Plan.Fault.Kind, Length(int64(f.Plan.Fault.For))), "")
		}
	}
	if len(d.rec.Released) > 0 {
		return verdict(name, "while it was to be in force: "+strings.Join(d.rec.Released, "; "), "")
	}
	if d.tf.Never() {
		return verdict(name, d.noFault().Error(), "")
	}
	return verdict(name, "", fmt.Sprintf("in force within %s", Span(int64(d.tf.Hi-d.tf.Lo), int64(d.tf.Hi-d.tf.Lo))))
}

func (d *dataset) checkBaseline() harness.ValidityCheck {
	s, got := d.rec.Scenario.SteadyState, d.rec.Baseline
	why := ""
	switch {
	case len(s.Require) == 0:
		why = "the scenario requires nothing of the steady state: a baseline cannot be green"
	case s.For <= 0 || int64(got.Hi-got.Lo) < int64(s.For):
		why = fmt.Sprintf("the baseline window is %s long, the scenario asks for %s", Length(int64(got.Hi-got.Lo)), Length(int64(s.For)))
	}
	return verdict("baseline.length", why, Length(int64(got.Hi-got.Lo)))
}

func (d *dataset) checkProbes() harness.ValidityCheck {
	const name = "probes.answered"
	needed := map[string]bool{}
	for _, r := range d.rec.Scenario.SteadyState.Require {
		needed[r.Probe] = r.Probe != ""
	}
	for _, g := range d.rec.Scenario.Guards {
		needed[g.Probe] = g.Probe != ""
	}
	for _, p := range d.probes {
		delete(needed, p.Series.Probe)
		delete(needed, p.Series.ID)
		if why := d.probeGap(p); why != "" {
			return verdict(name, fmt.Sprintf("%s on %s: %s", p.Series.Probe, p.Series.On, why), "")
		}
	}
	for _, probe := range slices.Sorted(maps.Keys(needed)) { // sorted: the same record gives the same words
		if needed[probe] {
			return verdict(name, "there is no series of probe "+probe, "")
		}
	}
	return verdict(name, "", fmt.Sprintf("%d probes, for their whole time", len(d.probes)))
}

func (d *dataset) probeGap(p Answers) string {
	slack := max(harness.Stamp(edgeSlack), harness.Stamp(probeGaps*p.Series.EveryNS))
	switch {
	case p.Err != nil:
		return p.Err.Error()
	case p.Series.Count != p.Count:
		return fmt.Sprintf("%d answers are on file, the record counts %d", p.Count, p.Series.Count)
	case p.Series.Ran.Lo <= 0 || p.Series.Ran.Hi < p.Series.Ran.Lo:
		return "it does not say when it ran"
	case p.Series.Ran.Lo > d.rec.Baseline.Lo+slack || p.Series.Ran.Hi < d.rec.Observation.Hi-slack:
		return "it did not run from the baseline to the end of observation"
	}
	return silent(p, p.Series.Ran, true)
}

func (d *dataset) checkEnough() harness.ValidityCheck {
	const name = "samples.enough"
	limits := d.rec.Scenario.Recovered
	from, end := d.sinceAnchor(d.rec.Observation.Lo), d.sinceAnchor(d.rec.Observation.Hi)
	for _, o := range d.rec.Scenario.Objectives {
		if !RowOf(o.Measure).Outage || d.null() {
			continue
		}
		c, err := d.cohort(o.Load, o.Cohort)
		if err != nil {
			return verdict(name, err.Error(), "")
		}
		span := Bounds{from, end}.inner(c.Ahead)
		i, j := c.All.between(span.Lo, span.Hi+1)
		all, own := c.All.size(i, j), c.Own.size(i, j)
		s, _ := d.seriesOf(o.Load)
		most := mulDiv(int64(limits.Window), int64(s.Stream.Freq), max(1, s.Stream.PerNS)) + 1
		switch {
		case all < limits.MinRequests || own == 0 || limits.MinRequests <= 0:
			return verdict(name, fmt.Sprintf("load %s has %d requests, cohort %q %d of them; a window needs %d",
				o.Load, all, o.Cohort, own, limits.MinRequests), "")
		case int64(limits.Window) > end-from:
			return verdict(name, "no window fits into the time of observation", "")
		case int64(limits.MinRequests) > most:
			return verdict(name, fmt.Sprintf("at the rate of load %s a window holds %d requests, the scenario asks for %d",
				o.Load, most, limits.MinRequests), "")
		}
	}
	return verdict(name, "", "the windows of every objective on rto can be filled")
}

func (d *dataset) checkClock() harness.ValidityCheck {
	const name = "clock.steady"
	readings := d.rec.Clock
	if len(readings) < 2 {
		return verdict(name, "the kernel's clock was not read at begin and end", "")
	}
	first, last := readings[0].At, readings[len(readings)-1].At
	if first > d.rec.Baseline.Hi || last < d.rec.Observation.Hi {
		return verdict(name, "the kernel's clock was not read from the baseline to the end of observation", "")
	}
	moved := int64(d.wall.Hi - d.wall.Lo)
	if moved > int64(clockTolerance) {
		return verdict(name, fmt.Sprintf("the wall clock moved by %s against the drill's clock, %s are tolerated",
			Span(moved, moved), Length(int64(clockTolerance))), "")
	}
	found := fmt.Sprintf("the wall clock moved by %s in %d readings", Span(moved, moved), len(readings))
	if n := d.unsynchronised(); n > 0 {
		found += fmt.Sprintf("; %d of them say the clock is not synchronised: UTC is the machine's own", n)
	}
	return verdict(name, "", found)
}

func (d *dataset) unsynchronised() int {
	n := 0
	for _, r := range d.rec.Clock {
		if !r.Synchronised {
			n++
		}
	}
	return n
}

func (d *dataset) checkAlerts() harness.ValidityCheck {
	why := ""
	if n := early(d.rec); n > 0 {
		why = fmt.Sprintf("the alert path was not silent: %d messages of this drill came before the fault", n)
	}
	return verdict("alerts.silent", why, "no message of this drill came before the fault")
}
