package measure

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
)

// MeasureRTO is how long users are without service.
const MeasureRTO = "rto"

var _ = Add(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureRTO, Title: "RTO", Doc: "how long users are without service after a fault", Unit: harness.UnitNS,
		Load: true, Cohort: true, Outage: true, Fault: true, Watched: true,
	},
	Formula: "T_s − T_f, or − T_dec with `from: declaration`",
	Find: func(d *Dataset, o TimedObjective) harness.Measurement {
		return d.rto(d.cohortOutage(o.Load, o.Cohort, o.InForce), MeasureRTO, o.Start, o.StartErr)
	},
	Files: func(d *Dataset, o harness.Objective) []string {
		c, _ := d.cohort(o.Load, o.Cohort) // none of a cohort that is not there
		return c.Files
	},
	Contradicted: (*dataset).servedEarly,
	Asking: func(o harness.Objective) string {
		return fmt.Sprintf("service back for %s of %s within %s%s", clientsOf(o), o.Load, o.AtMost, fromWords(o))
	},
	Missed: func(f harness.Finding) string {
		return "service not back for " + clientsOf(f.Objective) + " within " + f.Objective.AtMost + ClientWords(f.Measured)
	},
	Pending: "not back in %s that were watched",
	Impact: func(m harness.Measurement, _ []harness.Measurement) string {
		switch {
		case m.Cohort != cohortFresh:
		case m.Unbounded:
			return "service not back for new connections of " + m.Load + " in the time that was watched"
		case m.Known && m.Hi == 0:
			return "no outage for new connections of " + m.Load
		case m.Known:
			return "service back for new connections of " + m.Load + " after " + Value(m)
		}
		return ""
	},
	Evidence: "recovery time",
})

func clientsOf(o harness.Objective) string { return strings.TrimSpace(o.Cohort + " clients") }

// outageKey is what one looks at: a cohort of a load, after a fault.
type outageKey struct {
	load, cohort string
	fault        harness.Interval
}

// cohortOutage is what became of one cohort.
type cohortOutage struct {
	cohort Cohort
	fault  harness.Interval // in which it came into force
	outage Outage
	end    int64 // the end of what is judged and was certainly watched, on the cohort's clock, ns since the anchor
	err    error // why there is nothing to see
}

// cohortOutage watches one cohort of a load through the outage that a fault made.
func (d *dataset) cohortOutage(load, name string, fault harness.Interval) cohortOutage {
	key := outageKey{load, name, fault}
	s, ok := d.outagesSeen[key]
	if !ok {
		s = d.findOutage(load, name, fault, d.judged(fault))
		d.outagesSeen[key] = s
	}
	return s
}

// findOutage watches one cohort from a moment on, up to another.
func (d *dataset) findOutage(load, name string, fault harness.Interval, until harness.Stamp) cohortOutage {
	c, err := d.cohort(load, name)
	if err != nil {
		return cohortOutage{err: err, cohort: Cohort{Load: load, Name: name}}
	}
	if fault.Never() {
		return cohortOutage{cohort: c, err: d.noFault()}
	}
	limits := d.rec.Scenario.Recovered
	if limits.Window <= 0 || limits.MinRequests <= 0 || limits.SuccessAtLeast <= 0 {
		return cohortOutage{cohort: c, err: fmt.Errorf("the scenario does not say what counts as recovered")}
	}
	end := d.sinceAnchor(until)
	if step := int64(limits.Window) / stepsPerWindow; step <= 0 || (end-d.sinceAnchor(fault.Lo))/step > maxWindows {
		return cohortOutage{cohort: c, err: fmt.Errorf("the window of %s is too short to judge the observation by", limits.Window)}
	}
	end += c.Ahead.Lo
	outage, err := Restored(c, limits, d.bounds(fault).there(c.Ahead), end)
	return cohortOutage{cohort: c, fault: fault, end: end, outage: outage.back(c.Ahead), err: err}
}

func (d *dataset) noFault() error {
	if d.null() {
		return fmt.Errorf("%s", detailNoFault)
	}
	for _, c := range d.clocks {
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// declared is T_dec: the first time after a fault that the target said it declared a failover.
func (d *dataset) declared(fault harness.Interval) (harness.Interval, error) {
	log := d.rec.Target.Decisions
	if log == nil {
		return harness.Interval{}, fmt.Errorf("the target keeps no log that could be read")
	}
	return d.logged(log.Declared, fault)
}

// logged finds the first entry of the target's log with this event that may be after a fault.
func (d *dataset) logged(event string, fault harness.Interval) (harness.Interval, error) {
	if d.rec.DecisionsErr != "" {
		return harness.Interval{}, fmt.Errorf("the target's log was not read: %s", d.rec.DecisionsErr)
	}
	var first harness.Interval
	for _, dec := range d.rec.Decisions {
		at := d.onDrillClock(dec.At)
		if event != "" && dec.Event == event && at.Hi >= fault.Lo && at.Lo < d.next(fault) && (first.Never() || at.Lo < first.Lo) {
			first = at
		}
	}
	if first.Never() {
		return first, fmt.Errorf("the target's log has no %q after the fault", event)
	}
	return first, nil
}

// rto measures the time from start to T_s for what was seen, or from start to the end of observation and beyond.
func (d *dataset) rto(s cohortOutage, name string, start harness.Interval, startErr error) harness.Measurement {
	m := harness.Measurement{
		Name: name, Load: s.cohort.Load, Cohort: s.cohort.Name, Unit: harness.UnitNS, Method: edgeMethod(s),
	}
	switch {
	case s.err != nil:
		m.Detail = s.err.Error()
	case startErr != nil:
		m.Detail = startErr.Error()
	case s.outage.Impact.Never():
		m.Detail = "the fault hurt nobody we watched: no client of this cohort saw an impact"
	case s.outage.Thin != "":
		m.Detail = s.outage.Thin
	case !s.outage.Recovered:
		m.Known, m.Unbounded = true, true
		m.Lo = max(0, s.end-s.cohort.Ahead.Hi-d.sinceAnchor(start.Hi)) // the earliest that the last sample can be from
		m.Hi = m.Lo
		m.Detail = d.unrecovered(s)
		m.Text = d.clientsSaw(s)
	default:
		m.Lo, m.Hi, m.Known = span(d.stamps(s.outage.Restored), start)
		if !m.Known {
			m.Detail = "the service was restored before the clock of this measure started"
			break
		}
		m.Detail = fmt.Sprintf("edge known to %s; %d windows held after it", Length(roundUp(s.outage.Restored.Hi-s.outage.Restored.Lo)),
			s.outage.Windows)
	}
	return m
}

// unrecovered says why a cohort does not count as recovered.
func (d *dataset) unrecovered(s cohortOutage) string {
	what := "not recovered " + d.ended(s.fault) + ": "
	if s.outage.Late.Never() {
		return what + "no good answer followed the last bad one"
	}
	lo, hi, _ := span(d.stamps(s.outage.Late), s.fault)
	return what + fmt.Sprintf("requests were bad until %s after the fault, and no window of %s fits behind that",
		Span(lo, hi), Length(int64(d.rec.Scenario.Recovered.Window)))
}

// roundUp keeps two digits of a width, rounded up.
func roundUp(ns int64) int64 {
	step := resolution(ns, ns)
	return -floorTo(-ns, step)
}

func edgeMethod(s cohortOutage) string {
	if s.err != nil {
		return methodClients
	}
	who, apart := "the cohort's own requests", s.cohort.Own.every()
	if s.cohort.Metronome && !s.outage.ByOwn {
		who, apart = "the metronome", s.cohort.EdgeEvery
	}
	return fmt.Sprintf("edges from %s, one due every %s, bound 1/rate + response time; windows from the cohort's requests",
		who, Length(roundUp(apart)))
}

// cohorts lists every load and cohort whose outage is reported: those of objectives on rto and of the steady state.
func (d *dataset) cohorts() []outageKey {
	var loads []string
	for _, o := range d.rec.Scenario.Objectives {
		if RowOf(o.Measure).Outage {
			loads = append(loads, o.Load)
		}
	}
	for _, r := range d.rec.Scenario.SteadyState.Require {
		if s, ok := d.seriesOf(r.Load); ok && !s.Stream.Traits().Ledger {
			loads = append(loads, r.Load)
		}
	}
	var all []outageKey
	done := map[string]bool{}
	for _, load := range loads {
		s, ok := d.seriesOf(load)
		if done[load] || !ok || s.Stream.Traits().Edges {
			continue
		}
		done[load] = true
		names := slices.Clone(s.Stream.Cohorts)
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			all = append(all, outageKey{load: load, cohort: name})
		}
	}
	return all
}

// outages gives the measurements of every cohort that was watched.
func (d *dataset) outages(c clock) []harness.Measurement {
	declared, declaredErr := d.declared(c.tf)
	var all []harness.Measurement
	for _, v := range d.cohorts() {
		s := d.cohortOutage(v.load, v.cohort, c.tf)
		if s.err == nil && s.cohort.Own.empty() {
			continue // a cohort that nobody played saw nothing
		}
		all = append(all,
			d.rto(s, MeasureRTO, c.tf, nil),
			d.rto(s, NameRTODeclared, declared, declaredErr),
			d.step(s, NameImpact, "T_i − T_f", d.stamps(s.outage.Impact), c.tf),
			d.step(s, NameFirstAnswer, "T_1 − T_dec", d.stamps(s.outage.First), declared),
			d.step(s, NameSteady, "T_s − T_1", d.stamps(s.outage.Restored), d.stamps(s.outage.First)),
		)
		all = append(all, d.lost(s)...)
		all = append(all, d.answering(s)...)
	}
	return all
}

// step measures the time between two moments of what a cohort saw.
func (d *dataset) step(s cohortOutage, name, formula string, to, from harness.Interval) harness.Measurement {
	m := between(name, formula, to, from)
	m.Load, m.Cohort = s.cohort.Load, s.cohort.Name
	if s.err != nil {
		m.Detail = s.err.Error()
	}
	return m
}

// between measures the time from one moment to another.
func between(name, formula string, to, from harness.Interval) harness.Measurement {
	m := harness.Measurement{Name: name, Unit: harness.UnitNS, Method: formula}
	if to.Never() || from.Never() {
		m.Detail = "not measured: one of the two moments did not come, or was not seen"
		return m
	}
	if m.Lo, m.Hi, m.Known = span(to, from); !m.Known {
		m.Detail = "not measured: the moments came in the other order"
		m.Lo, m.Hi = 0, 0
	}
	return m
}

// lost measures how much service a cohort lost, and how much of it after the first good answer.
func (d *dataset) lost(s cohortOutage) []harness.Measurement {
	requests := harness.Measurement{Name: NameLostRequests, Unit: harness.UnitCount, Method: "due requests not OK within the limit"}
	service := harness.Measurement{Name: NameLostService, Unit: harness.UnitNS, Method: "due requests not OK within the limit ÷ rate"}
	brown := harness.Measurement{Name: NameBrownout, Unit: harness.UnitCount, Method: "requests not OK within the limit, due after T_1"}
	all := []*harness.Measurement{&requests, &service, &brown}
	for _, m := range all {
		m.Load, m.Cohort = s.cohort.Load, s.cohort.Name
		if s.err != nil {
			m.Detail = s.err.Error()
		}
	}
	if s.err == nil && !s.cohort.Own.empty() {
		n, ns := lostService(s.cohort.Own, d.sinceAnchor(s.fault.Lo)+s.cohort.Ahead.Lo, s.end)
		requests.Known, requests.Lo, requests.Hi = true, int64(n), int64(n)
		service.Known, service.Lo, service.Hi = true, ns, ns
		brown.Detail = "there was no good answer after the impact"
		if !s.outage.First.Never() {
			n := int64(brownout(s.cohort.Own, s.outage.First.Hi+s.cohort.Ahead.Lo, s.end))
			brown.Known, brown.Lo, brown.Hi, brown.Detail = true, n, n, ""
		}
	}
	return []harness.Measurement{requests, service, brown}
}
